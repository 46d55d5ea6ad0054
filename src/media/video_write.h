/* Writes a clip that was read (video.h): its pictures, changed or not, are encoded in a thread; all other tracks are
 * copied packet by packet; time stamps, size, shape and colours stay the same. The file is written whole or not at all.
 * Until then, finished parts are stored in a folder beside it, from which an interrupted run continues: the encoder
 * restarts at fixed pictures in every run, so the result is identical bit for bit.
 *
 *     idem_video_out *o = idem_video_out_open("b.mp4", v, &options);
 *     while ((got = idem_video_next(v, &f)) > 0)
 *         if (idem_video_out_put(o, &f, NULL, 0)) ...
 *     if (idem_video_out_finish(o)) ...
 *     idem_video_out_free(o); */
#ifndef IDEM_MEDIA_VIDEO_WRITE_H
#define IDEM_MEDIA_VIDEO_WRITE_H

#include "media/video.h"

typedef struct idem_video_out idem_video_out;

typedef struct {
    const char *codec;       /* "h264", "h265", "vp9", "av1", "ffv1"; NULL: the source's, or a supported one */
    int quality;             /* constant rate factor, lower is better; 0: lossless; -1: the default */
    const idem_marks *marks; /* NULL: none */
    bool keep_tags;          /* keeps places, devices, dates, covers and data tracks of the source */
    bool no_audio, no_subtitles;
    const char *job; /* describes everything that the pictures depend on; resuming requires the same. NULL: "" */
    bool resume;
} idem_video_out_options;
#define IDEM_VIDEO_OUT_DEFAULT ((idem_video_out_options){.quality = -1, .keep_tags = true})

/* path: a film as .mp4, .mov, .mkv, .webm from a film; .webp from a WebP or a folder; a folder from either. Checks in
 * advance: the encoder, space on the disk, the folder to write to. The source must outlive it. NULL with a message. */
idem_video_out *idem_video_out_open(const char *path, const idem_video *source, const idem_video_out_options *options);
/* Deletes unfinished files except the parts. NULL is allowed. */
void idem_video_out_free(idem_video_out *o);

/* Then idem_video_out_free also deletes the parts. */
void idem_video_out_abandon(idem_video_out *o);

const char *idem_video_out_codec(const idem_video_out *o);
/* A sentence about an unusual codec; "": none. */
const char *idem_video_out_why(const idem_video_out *o);

/* With resume: the number of finished pictures, which must not be put again, and the state of the last one. */
int64_t idem_video_out_done(const idem_video_out *o);
const void *idem_video_out_state(const idem_video_out *o, size_t *size);

/* Whether a part ends with this picture, so that its state is kept. */
bool idem_video_out_ends_part(const idem_video_out *o, int64_t number);

/* Takes ownership of the frame in every case. state: kept if a part ends with this frame; may be NULL. -1: encoding
 * this or an earlier frame failed. */
int idem_video_out_put(idem_video_out *o, idem_video_frame *frame, const void *state, size_t size);
/* After the last picture: waits for the encoder, writes the file, removes the parts. left: tracks of the source that
 * were not copied; "": none. */
int idem_video_out_finish(idem_video_out *o, const char **left);

#endif
