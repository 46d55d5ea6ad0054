/* Brushes: how the faces of a clip are painted, one after another in the order of pictures. What a brush keeps from one
 * picture for the next is plain numbers, so that a run may go on where another was broken off. */
#ifndef IDEM_COMPOSE_VIDEO_BRUSH_H
#define IDEM_COMPOSE_VIDEO_BRUSH_H

#include "compose/clip_hand.h"
#include "compose/studio.h"
#include "face/track.h"

/* A face to be painted. */
typedef struct {
    int64_t picture;
    idem_image *image; /* the picture; what a brush changes it puts back */
    const idem_track_place *place;
    const float *attr;   /* [attr_dim], smoothed over time */
    const uint8_t *seen; /* [S, S, 3], the face in its frame */
    uint8_t *painted;    /* [S, S, 3], to be filled */
} idem_clip_sitting;

typedef struct idem_clip_brush idem_clip_brush;
struct idem_clip_brush {
    bool (*wants)(idem_clip_brush *b, int64_t picture, const idem_track_place *place);
    /* 1: painted; 0: the face stays as it was; -1. */
    int (*paint)(idem_clip_brush *b, const idem_clip_sitting *s);
    float *state; /* [numbers], what is kept */
    size_t numbers;
};

/* Who a person of the tracks becomes. */
typedef struct {
    float *code;       /* [id_dim]; NULL: stays */
    uint8_t *rgb;      /* [S, S, 3], for refining */
    bool only_by_hand; /* painted only where it is said that a face is to be replaced */
} idem_clip_who;

/* Gives persons other identities, but where hand (NULL is allowed) has it otherwise. All is borrowed; who [persons]; it
 * needs a mapper unless nobody has a code. refine: steps for each face, from what its track's picture before became; 0:
 * the mapper's answer. */
idem_clip_brush *idem_clip_brush_new(idem_studio *s, const idem_clip_who *who, int persons, const idem_clip_hand *hand,
                                     int refine);
void idem_clip_brush_free(idem_clip_brush *b); /* NULL is allowed */

#endif
