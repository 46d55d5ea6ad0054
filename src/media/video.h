/* Clips, picture by picture: decoded ahead in a thread, written by video_write.h. A clip is a film (mp4, mov, mkv,
 * webm, avi, ts: by the plug-in idem-video.so, which uses FFmpeg), an animated WebP, or a folder of numbered pictures.
 *
 *     idem_video *v = idem_video_open("a.mp4", 0);
 *     idem_video_frame f;
 *     while ((got = idem_video_next(v, &f)) > 0) {
 *         ... f.image is upright RGB and may be changed; then set f.changed = true ...
 *         if (idem_video_out_put(out, &f)) ...     // or idem_video_frame_free(&f)
 *     }
 *     idem_video_close(v);
 *
 * Changes are applied as a difference: where f.image is unchanged, the film's original samples go to the encoder, in
 * any depth and colour space. */
#ifndef IDEM_MEDIA_VIDEO_H
#define IDEM_MEDIA_VIDEO_H

#include <stdbool.h>

#include "media/image.h"

typedef struct idem_video idem_video;

typedef enum { IDEM_VIDEO_FILM, IDEM_VIDEO_WEBP, IDEM_VIDEO_FOLDER } idem_video_kind;

typedef struct {
    idem_video_kind kind;
    int width, height;            /* upright */
    double rate;                  /* mean pictures per second; 0: unknown */
    double duration;              /* seconds; 0: unknown */
    int64_t frames;               /* by the file's header; 0: unknown */
    int64_t bytes;                /* of the file */
    int audio, subtitles, others; /* further tracks */
    bool turned;                  /* not stored upright */
    bool hdr;                     /* PQ or HLG: values brighter than white */
    char codec[32], pixels[32];   /* "h264", "yuv420p" */
} idem_video_info;

typedef struct {
    int64_t number;        /* from 0 */
    double time, duration; /* seconds, from the file */
    idem_image image;      /* upright; the caller may change it */
    bool changed;          /* set by the caller: image was changed */
    int64_t pts, ticks;    /* time and duration in the file's own units */
    void *samples;         /* of a film; private */
} idem_video_frame;

enum { IDEM_VIDEO_AHEAD = 2 }; /* most pictures that wait */

/* Pictures before `first` are decoded, but not returned. NULL: it cannot be read, is interlaced, or the plug-in is
 * missing. */
idem_video *idem_video_open(const char *path, int64_t first);
void idem_video_close(idem_video *v); /* NULL is allowed */
const idem_video_info *idem_video_about(const idem_video *v);
const char *idem_video_path(const idem_video *v);

/* 1: the next picture, to be freed by the caller; 0: the end; -1. Damaged parts are skipped if possible, and logged. */
int idem_video_next(idem_video *v, idem_video_frame *frame);
void idem_video_frame_free(idem_video_frame *frame);
/* The number of damaged places so far; the first one as a sentence, or "". */
int idem_video_damage(const idem_video *v, const char **first);

/* Whether two films hold the same packets of sound, by stamps and contents, and their numbers. Clips that are not films
 * have none. */
int idem_video_same_sound(const char *a, const char *b, bool *same, int64_t *packets_a, int64_t *packets_b);

#endif
