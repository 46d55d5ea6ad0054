/* A clip beside what was made of it: whether the person it shows is one over time, is the wanted one, and no longer the
 * old one; whether the face still moves as it did, and shakes or flickers more; whether the container is the same. */
#ifndef IDEM_COMPOSE_VIDEO_MEASURE_H
#define IDEM_COMPOSE_VIDEO_MEASURE_H

#include "compose/video_faces.h"

/* By one recogniser. */
typedef struct {
    double adjacent_source, adjacent;  /* S of neighbouring pictures, mean: the source's, the result's */
    double pairs_source, pairs;        /* S of all pairs */
    double tl_id, tg_id;               /* mean over neighbours, over all pairs, of cos_result / cos_source */
    double tl_id_most_1, tg_id_most_1; /* the same, each ratio at most 1 */
    double kept, kept_5;               /* S to the identity picture: mean, 5th percentile; NaN without one */
    double left;                       /* S of each face to what it was: mean */
    int64_t matches;                   /* faces that still match what they were, by the recogniser's threshold */
} idem_clip_identity;

typedef struct {
    int64_t frames_source, frames; /* pictures */
    int64_t stamps;                /* pictures whose time or duration differs by more than a tick, or is not there */
    int64_t sound_source, sound;   /* packets of sound */
    bool same_sound;               /* their contents and stamps are equal */
    bool same_size;
    int64_t faces;        /* of the person that most is seen of, in the source: found, not bridged */
    int64_t lost;         /* of them without a face in the result */
    int64_t missed;       /* that still match what they were, by either recogniser */
    int64_t first_missed; /* picture, or -1 */
    idem_clip_identity feature, judge;
    double nme, nme_shuffled, follow; /* landmarks to the source's in parts of the eyes' distance; to those of another
                                         picture; the ratio */
    double follow_face;               /* the same ratio within the frame: expression without the way of the head */
    double jitter_source, jitter,
        jitter_ratio;                     /* mean second difference of landmarks, in parts of the eyes' distance */
    double change_inside, change_outside; /* mean change from picture to picture, of 255: in the face, around it */
    double flicker_source, flicker;       /* inside over outside */
    double outside;                       /* mean |result - source| outside the frames, of 255 */
    double psnr_outside;                  /* dB */
} idem_clip_measure;

/* identity: the photograph of the wanted person; NULL: not known. */
int idem_clip_measure_run(idem_studio *s, const char *source, const char *result, const char *identity,
                          idem_video_progress *progress, void *user, idem_clip_measure *m);

#endif
