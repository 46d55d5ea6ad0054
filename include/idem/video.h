/* Clips (part of idem.h): films (mp4, mov, mkv, webm; other formats only as input), animated WebP, folders of numbered
 * pictures. Films need the plug-in idem-video.so, which uses FFmpeg; without it these functions fail with
 * IDEM_ERROR_MISSING.
 *
 *     idem_video_options o;
 *     idem_video_options_default(&o);
 *     o.identity = "new.jpg";
 *     idem_video_report report = {.struct_size = sizeof report};
 *     if (idem_compose_video(context, "a.mp4", "b.mp4", &o, &report))
 *         fprintf(stderr, "%s\n", idem_last_error());
 *
 * Every frame is written once, with its time stamp, size, pixel shape, rotation, depth and colour tags; all other
 * tracks are copied packet by packet. Outside of the faces the encoder gets the film's samples unchanged. The file
 * appears whole or not at all; until then its finished parts are in a folder beside it, named with ".idem-parts". */
#ifndef IDEM_VIDEO_H
#define IDEM_VIDEO_H

#include <stddef.h>
#include <stdint.h>

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which persons of a clip get `identity`: the one seen most, all, none. */
enum { IDEM_VIDEO_LARGEST, IDEM_VIDEO_ALL, IDEM_VIDEO_NONE };

/* who: photograph of a person of the clip; identity: photograph of the person whose identity replaces it. */
typedef struct {
    const char *who, *identity;
} idem_video_role;

/* Pass 1 finds faces, pass 2 paints. of 0: unknown. Called by the working thread. */
typedef void idem_video_progress_function(void *user, int pass, int64_t done, int64_t of);

typedef struct {
    size_t struct_size;   /* set by idem_video_options_default */
    const char *identity; /* photograph; NULL: only the persons of `roles` change */
    int faces;            /* IDEM_VIDEO_... */
    const idem_video_role *roles;
    int n_roles;
    double from, to; /* seconds between which faces change; to 0: the end */
    int refine; /* refinement steps per face and frame, starting from the previous frame's code; 0: the mapper's answer
                 */
    const char *boxes;     /* JSON file of instructions for faces over ranges of frames (docs/video.md); NULL: none */
    const char *boxes_out; /* path for such a file of the faces found; NULL: none */
    const char *review;    /* folder for the frames to review; NULL: none */
    const char *codec;     /* "h264", "h265", "vp9", "av1", "ffv1"; NULL: the source's, or one that the file can hold */
    int quality;           /* constant rate factor, lower is better; 0: lossless; -1: the default */
    int drop_metadata;     /* 1: drop places, devices, dates, covers and data tracks */
    int no_audio, no_subtitles;
    int resume; /* 1: continue after the last finished part of an interrupted run of the same job */
    idem_video_progress_function *progress; /* may be NULL */
    void *user;
} idem_video_options;

IDEM_API void idem_video_options_init(idem_video_options *options, size_t struct_size);
static inline void idem_video_options_default(idem_video_options *options) {
    idem_video_options_init(options, sizeof *options);
}

typedef struct {
    size_t struct_size;      /* set by the caller to sizeof(idem_video_report) */
    int64_t frames, resumed; /* all; of these done by an earlier run */
    int64_t faces, bridged;  /* painted by this call; of these not found in the frame, but before and after it */
    int64_t hidden;          /* regions hidden by hand, in frames of this call */
    int64_t outside;         /* faces not painted because they are mostly outside the frame */
    int64_t review;          /* frames written to options.review */
    int persons, changed;    /* seen; of these with another identity */
    int damaged;             /* places of the source that could not be fully decoded */
    int width, height;       /* upright */
    double seconds;          /* of the clip */
    char damage[256];        /* one sentence on the first damage; "" */
    char codec[16];
    char why[300];  /* one sentence if another codec than the default was used; "" */
    char left[300]; /* tracks of the source that are not in the result; ""  */
} idem_video_report;

/* Writes `to`, a clip of a kind above: `from` with another identity. report may be NULL; it is also filled, as far as
 * known, on failure. Finding no face is a failure unless options.faces is IDEM_VIDEO_NONE. */
IDEM_API int idem_compose_video(idem_context *context, const char *from, const char *to,
                                const idem_video_options *options, idem_video_report *report);

/* ---- measuring ---- */

/* S by one recogniser: S = (cos - s0) / (1 - s0), s0 the mean of 44,550 pairs of strangers; 0: a stranger, 1: the same
 * picture. */
typedef struct {
    double adjacent_source, adjacent;  /* between neighbouring frames: of the source, of the result */
    double pairs_source, pairs;        /* between all pairs of frames */
    double tl_id, tg_id;               /* mean of cos_result / cos_source over neighbours; over all pairs */
    double tl_id_most_1, tg_id_most_1; /* the same with ratios clamped to at most 1 */
    double kept, kept_5;               /* with the identity picture: mean, 5th percentile; NaN without one */
    double left;                       /* between each face of the result and the source */
    int64_t matches;                   /* faces that match the source's, by the recogniser's threshold */
} idem_video_identity;

/* Measured on the person seen most in the source. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_video_measure) */
    int64_t frames_source, frames;
    int64_t stamps;              /* frames whose time stamp differs by more than a millisecond, or that are missing */
    int64_t sound_source, sound; /* sound packets */
    int same_sound, same_size;
    int64_t faces, lost;          /* found in the source; of these without a face in the result */
    int64_t missed, first_missed; /* faces that match the source's by either recogniser; the first such frame, or -1 */
    idem_video_identity feature, judge; /* by the recogniser of training; by one that no training uses */
    double nme, nme_shuffled, follow; /* distance of landmarks to the source's, divided by the distance of the eyes; the
                                         same to those of another frame; their ratio */
    double follow_face;               /* the same ratio within the face's frame, without the head's motion */
    double jitter_source, jitter,
        jitter_ratio; /* mean second difference of landmarks, divided by the distance of the eyes */
    double change_inside,
        change_outside;             /* change of the result from frame to frame, 0 .. 255, in the face and around it */
    double flicker_source, flicker; /* inside / outside */
    double outside, psnr_outside;   /* difference of the result to the source outside the face's frame: mean, dB */
} idem_video_measure;

/* identity: photograph of the wanted person; NULL: unknown. Of options only progress and user are used; options may be
 * NULL. */
IDEM_API int idem_measure_video(idem_context *context, const char *source, const char *result, const char *identity,
                                const idem_video_options *options, idem_video_measure *measure);

#ifdef __cplusplus
}
#endif

#endif
