/* Writing a clip that was read (video.h): its pictures, changed or not, encoded in a thread; all other tracks copied
 * packet by packet; the same time stamps, size, shape, colours. The file appears whole or not at all. Meanwhile
 * finished parts lie in a folder beside it, from which a run that was broken off goes on: the encoder begins anew at
 * fixed pictures in every run, so the result is the same to the bit.
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
    const char *codec;       /* "h264", "h265", "vp9", "av1", "ffv1"; NULL: the source's, or what the container holds */
    int quality;             /* constant rate factor, less is better; 0: lossless; -1: the usual */
    const idem_marks *marks; /* NULL: none */
    bool keep_tags;          /* places, devices, dates, covers and data tracks of the source stay */
    bool no_audio, no_subtitles;
    const char *job; /* what the pictures depend on; a run goes on only after one with the same. NULL: "" */
    bool resume;
} idem_video_out_options;
#define IDEM_VIDEO_OUT_DEFAULT ((idem_video_out_options){.quality = -1, .keep_tags = true})

/* path: a film as .mp4, .mov, .mkv, .webm from a film; .webp from a WebP or a folder; a folder from either. Finds out
 * what can be found out before the first picture: an encoder, room on the disk, a folder to write to. The source must
 * outlive it. NULL with a message. */
idem_video_out *idem_video_out_open(const char *path, const idem_video *source, const idem_video_out_options *options);
/* Does away with what is not finished but its parts. NULL is allowed. */
void idem_video_out_free(idem_video_out *o);

/* Freeing it then does away with its parts too. */
void idem_video_out_abandon(idem_video_out *o);

const char *idem_video_out_codec(const idem_video_out *o);
/* A sentence about a codec other than usual; "" for none. */
const char *idem_video_out_why(const idem_video_out *o);

/* With resume: how many pictures are done, which are not to be put again, and what was kept with the last. */
int64_t idem_video_out_done(const idem_video_out *o);
const void *idem_video_out_state(const idem_video_out *o, size_t *size);

/* Whether a part ends with this picture, and its state is kept. */
bool idem_video_out_ends_part(const idem_video_out *o, int64_t number);

/* Takes the frame over, in every case. state: kept if a part ends with it; may be NULL. -1: encoding this or an earlier
 * one failed. */
int idem_video_out_put(idem_video_out *o, idem_video_frame *frame, const void *state, size_t size);
/* All is put: waits for the encoder, writes the file, removes the parts. left: tracks of the source that are not in
 * it, "" for none. */
int idem_video_out_finish(idem_video_out *o, const char **left);

#endif
