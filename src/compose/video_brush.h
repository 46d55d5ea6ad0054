/* Brushes paint the faces of a clip, one after another in the order of pictures. A brush's state between pictures is
 * plain numbers, so that an interrupted run can continue. */
#ifndef IDEM_COMPOSE_VIDEO_BRUSH_H
#define IDEM_COMPOSE_VIDEO_BRUSH_H

#include "compose/clip_hand.h"
#include "compose/studio.h"
#include "face/track.h"

/* A face to paint. */
typedef struct {
    int64_t picture;
    idem_image *image; /* the picture; a brush restores its changes */
    const idem_track_place *place;
    const float *attr;   /* [attr_dim], smoothed over time */
    const uint8_t *seen; /* [S, S, 3], the face in its frame */
    uint8_t *painted;    /* [S, S, 3], the result */
} idem_clip_sitting;

typedef struct idem_clip_brush idem_clip_brush;
struct idem_clip_brush {
    bool (*wants)(idem_clip_brush *b, int64_t picture, const idem_track_place *place);
    /* 1: painted; 0: the face is unchanged; -1. */
    int (*paint)(idem_clip_brush *b, const idem_clip_sitting *s);
    float *state; /* [numbers] */
    size_t numbers;
};

/* The new identity of a person of the tracks. */
typedef struct {
    float *code;       /* [id_dim]; NULL: unchanged */
    uint8_t *rgb;      /* [S, S, 3], for refinement */
    bool only_by_hand; /* painted only where a range says "replace" */
} idem_clip_who;

/* Gives persons other identities, except where hand (may be NULL) says otherwise. Borrows all arguments; who [persons];
 * needs a mapper unless nobody has a code. refine: steps per face, starting from the code of the track's previous
 * picture; 0: the mapper's answer. */
idem_clip_brush *idem_clip_brush_new(idem_studio *s, const idem_clip_who *who, int persons, const idem_clip_hand *hand,
                                     int refine);
void idem_clip_brush_free(idem_clip_brush *b); /* NULL is allowed */

#endif
