/* Compares a clip with its result: whether the identity is constant over time, is the wanted one, and no longer the old
 * one; whether the face still moves as before, and shakes or flickers more; whether the container is the same. */
#ifndef IDEM_COMPOSE_VIDEO_MEASURE_H
#define IDEM_COMPOSE_VIDEO_MEASURE_H

#include "compose/video_faces.h"

/* By one recogniser. */
typedef struct {
    double adjacent_source, adjacent;  /* mean S of neighbouring pictures: of the source, of the result */
    double pairs_source, pairs;        /* S of all pairs */
    double tl_id, tg_id;               /* mean of cos_result / cos_source over neighbours; over all pairs */
    double tl_id_most_1, tg_id_most_1; /* the same with ratios clamped to at most 1 */
    double kept, kept_5;               /* S with the identity picture: mean, 5th percentile; NaN without one */
    double left;                       /* mean S between each face of the result and the source */
    int64_t matches;                   /* faces that still match the source's, by the recogniser's threshold */
} idem_clip_identity;

typedef struct {
    int64_t frames_source, frames; /* pictures */
    int64_t stamps;              /* pictures whose time or duration differs by more than a tick, or that are missing */
    int64_t sound_source, sound; /* sound packets */
    bool same_sound;             /* their contents and stamps are equal */
    bool same_size;
    int64_t faces;        /* of the person seen most in the source: found, not bridged */
    int64_t lost;         /* of these without a face in the result */
    int64_t missed;       /* that still match the source's, by either recogniser */
    int64_t first_missed; /* picture, or -1 */
    idem_clip_identity feature, judge;
    double nme, nme_shuffled, follow; /* distance of landmarks to the source's, divided by the distance of the eyes; to
                                         those of another picture; their ratio */
    double follow_face;               /* the same ratio within the frame: expression without the head's motion */
    double jitter_source, jitter,
        jitter_ratio;                     /* mean second difference of landmarks, divided by the distance of the eyes */
    double change_inside, change_outside; /* mean change from picture to picture, 0 .. 255: in the face, around it */
    double flicker_source, flicker;       /* inside / outside */
    double outside;                       /* mean |result - source| outside the frames, 0 .. 255 */
    double psnr_outside;                  /* dB */
} idem_clip_measure;

/* identity: photograph of the wanted person; NULL: unknown. */
int idem_clip_measure_run(idem_studio *s, const char *source, const char *result, const char *identity,
                          idem_video_progress *progress, void *user, idem_clip_measure *m);

#endif
