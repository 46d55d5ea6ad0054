/* Clips, picture by picture: decoded ahead of use in a thread, written by video_write.h. A clip is a film (mp4, mov,
 * mkv, webm, avi, ts: by the plug-in idem-video.so, which is FFmpeg), an animated WebP, or a folder of numbered
 * pictures.
 *
 *     idem_video *v = idem_video_open("a.mp4", 0);
 *     idem_video_frame f;
 *     while ((got = idem_video_next(v, &f)) > 0) {
 *         ... f.image is upright RGB and may be painted on; say so: f.changed = true ...
 *         if (idem_video_out_put(out, &f)) ...     // or idem_video_frame_free(&f)
 *     }
 *     idem_video_close(v);
 *
 * What is painted goes back as a difference: where f.image stays what it was, the film's own samples go to the encoder,
 * whatever their depth and colour space. */
#ifndef IDEM_MEDIA_VIDEO_H
#define IDEM_MEDIA_VIDEO_H

#include <stdbool.h>

#include "media/image.h"

typedef struct idem_video idem_video;

typedef enum { IDEM_VIDEO_FILM, IDEM_VIDEO_WEBP, IDEM_VIDEO_FOLDER } idem_video_kind;

typedef struct {
    idem_video_kind kind;
    int width, height;            /* upright */
    double rate;                  /* pictures a second, in the mean; 0: not said */
    double duration;              /* seconds; 0: not said */
    int64_t frames;               /* as the file says; 0: it does not */
    int64_t bytes;                /* of the file */
    int audio, subtitles, others; /* further tracks */
    bool turned;                  /* stored otherwise than upright */
    bool hdr;                     /* PQ or HLG: brighter than the eye's white */
    char codec[32], pixels[32];   /* "h264", "yuv420p" */
} idem_video_info;

typedef struct {
    int64_t number;        /* from 0 */
    double time, duration; /* seconds, as the file has them */
    idem_image image;      /* upright; the caller may paint on it */
    bool changed;          /* set by the caller: image is not what it was */
    int64_t pts, ticks;    /* time and duration in the file's own units */
    void *samples;         /* of a film; private */
} idem_video_frame;

enum { IDEM_VIDEO_AHEAD = 4 }; /* pictures that wait at most */

/* Pictures before `first` are decoded, not given. NULL: it cannot be read, is interlaced, or the plug-in is not there.
 */
idem_video *idem_video_open(const char *path, int64_t first);
void idem_video_close(idem_video *v); /* NULL is allowed */
const idem_video_info *idem_video_about(const idem_video *v);
const char *idem_video_path(const idem_video *v);

/* 1: the next picture, the caller's own; 0: there is none; -1. Damage is passed over as well as it goes and said in the
 * log. */
int idem_video_next(idem_video *v, idem_video_frame *frame);
void idem_video_frame_free(idem_video_frame *frame);
/* How many places were damaged so far; the first as a sentence, or "". */
int idem_video_damage(const idem_video *v, const char **first);

/* Whether two films hold the same packets of sound, by stamps and contents, and how many each. Clips that are no films
 * hold none. */
int idem_video_same_sound(const char *a, const char *b, bool *same, int64_t *packets_a, int64_t *packets_b);

#endif
