/* Clips (part of idem.h): films (mp4, mov, mkv, webm; others are read), animated WebP, folders of numbered pictures.
 * Films need the plug-in idem-video.so, which is FFmpeg; without it these functions fail with IDEM_ERROR_MISSING.
 *
 *     idem_video_options o;
 *     idem_video_options_default(&o);
 *     o.identity = "new.jpg";
 *     idem_video_report report = {.struct_size = sizeof report};
 *     if (idem_compose_video(context, "a.mp4", "b.mp4", &o, &report))
 *         fprintf(stderr, "%s\n", idem_last_error());
 *
 * Every picture comes out once, with the time stamp, size, shape, turn, depth and colour tags it had; all other tracks
 * are copied packet by packet. Outside of the faces the film's own samples go to the encoder. The file appears whole or
 * not at all; until then its finished parts lie in a folder beside it, its name with ".idem-parts". */
#ifndef IDEM_VIDEO_H
#define IDEM_VIDEO_H

#include <stddef.h>
#include <stdint.h>

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which persons of a clip get `identity`: the one of whom most is seen, all, none. */
enum { IDEM_VIDEO_LARGEST, IDEM_VIDEO_ALL, IDEM_VIDEO_NONE };

/* A person of the clip, by a photograph, and a photograph of the one whose identity takes its place. */
typedef struct {
    const char *who, *identity;
} idem_video_role;

/* Pass 1 looks for faces, pass 2 paints. of 0: not known. Called by the thread that works. */
typedef void idem_video_progress_function(void *user, int pass, int64_t done, int64_t of);

typedef struct {
    size_t struct_size;   /* set by idem_video_options_default */
    const char *identity; /* photograph; NULL: only the persons of roles change */
    int faces;            /* IDEM_VIDEO_... */
    const idem_video_role *roles;
    int n_roles;
    double from, to;       /* seconds in which faces change; to 0: the end */
    int refine;            /* steps for each face of each picture, on from the picture before; 0: the mapper's answer */
    const char *boxes;     /* JSON of what is to be done with faces over ranges of frames (docs/video.md); NULL: none */
    const char *boxes_out; /* where to write such a file of what was found; NULL: nowhere */
    const char *review;    /* folder for the pictures that deserve a look; NULL: none */
    const char *codec;     /* "h264", "h265", "vp9", "av1", "ffv1"; NULL: the source's, or what the file can hold */
    int quality;           /* constant rate factor, less is better; 0: lossless; -1: the usual */
    int drop_metadata;     /* places, devices, dates, covers and data tracks do not stay */
    int no_audio, no_subtitles;
    int resume; /* go on after the last finished part of a run of the same job that was broken off */
    idem_video_progress_function *progress; /* NULL: nobody is told */
    void *user;
} idem_video_options;

IDEM_API void idem_video_options_init(idem_video_options *options, size_t struct_size);
static inline void idem_video_options_default(idem_video_options *options) {
    idem_video_options_init(options, sizeof *options);
}

typedef struct {
    size_t struct_size;      /* set by the caller to sizeof(idem_video_report) */
    int64_t frames, resumed; /* in all; of them done by an earlier run */
    int64_t faces, bridged;  /* painted by this call; of them where none was found, but before and after */
    int64_t hidden;          /* places hidden by hand, in frames of this call */
    int64_t outside;         /* not painted: they lie outside the picture for the most part */
    int64_t review;          /* pictures written there */
    int persons, changed;    /* seen; of them with another identity */
    int damaged;             /* places of the source that could not be decoded whole */
    int width, height;       /* upright */
    double seconds;          /* of the clip */
    char damage[256];        /* the first damage, a sentence; "" */
    char codec[16];
    char why[300];  /* another codec than usual, a sentence; "" */
    char left[300]; /* tracks of the source that are not in the result, ""  */
} idem_video_report;

/* The faces of `from` get another identity in `to`, a file of a kind above. report may be NULL; it is filled as far as
 * it goes. That no face is found is a failure unless faces is IDEM_VIDEO_NONE. */
IDEM_API int idem_compose_video(idem_context *context, const char *from, const char *to,
                                const idem_video_options *options, idem_video_report *report);

/* ---- measuring ---- */

/* By one recogniser; S = (cos - s0) / (1 - s0) with s0 the mean of 44,550 pairs of strangers: 0 is a stranger, 1 the
 * same picture. */
typedef struct {
    double adjacent_source, adjacent;  /* neighbouring frames with each other: of the source, of the result */
    double pairs_source, pairs;        /* all pairs of frames */
    double tl_id, tg_id;               /* mean over neighbours, over all pairs, of cos_result / cos_source */
    double tl_id_most_1, tg_id_most_1; /* the same, each ratio at most 1 */
    double kept, kept_5;               /* to the identity picture: mean, 5th percentile; NaN without one */
    double left;                       /* each face to what it was */
    int64_t matches;                   /* faces that match what they were, by the recogniser's threshold */
} idem_video_identity;

/* Of the person of whom most is seen in the source. */
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_video_measure) */
    int64_t frames_source, frames;
    int64_t stamps;              /* frames whose time differs by more than a millisecond, or that are not there */
    int64_t sound_source, sound; /* packets of sound */
    int same_sound, same_size;
    int64_t faces, lost;          /* found in the source; of them without a face in the result */
    int64_t missed, first_missed; /* that match what they were by either recogniser; the first such frame, or -1 */
    idem_video_identity feature, judge; /* by the recogniser of training, and by one that never trained */
    double nme, nme_shuffled, follow;   /* landmarks to the source's, in parts of the eyes' distance; to those of
                                           another frame; the ratio */
    double follow_face;                 /* the same ratio within the face's frame: without the way of the head */
    double jitter_source, jitter,
        jitter_ratio;                     /* mean second difference of landmarks, in parts of the eyes' distance */
    double change_inside, change_outside; /* of the result from frame to frame, of 255, in the face and around */
    double flicker_source, flicker;       /* inside over outside */
    double outside, psnr_outside;         /* of the result to the source outside the face's frame: mean, dB */
} idem_video_measure;

/* identity: the photograph of the wanted person; NULL: not known. Tells options->progress alone; options may be NULL.
 */
IDEM_API int idem_measure_video(idem_context *context, const char *source, const char *result, const char *identity,
                                const idem_video_options *options, idem_video_measure *measure);

#ifdef __cplusplus
}
#endif

#endif
