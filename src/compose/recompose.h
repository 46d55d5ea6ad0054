/* Paints one face of a photograph with the identity of a surrogate and its own attributes, and pastes it. The result is
 * measured in place, and painted again from further away until neither recogniser matches the person; or, if a
 * similarity is requested, until it is reached. */
#ifndef IDEM_COMPOSE_RECOMPOSE_H
#define IDEM_COMPOSE_RECOMPOSE_H

#include "compose/studio.h"

typedef struct idem_recomposer idem_recomposer;

/* steps: of refinement. dial: similarities will be requested. The studio must outlive it. */
idem_recomposer *idem_recomposer_new(idem_studio *s, int steps, bool dial);
void idem_recomposer_free(idem_recomposer *r); /* NULL is allowed */

typedef struct {
    idem_image *photo; /* changed where the face is */
    const idem_crop *frame;
    const float (*points)[2];
    const float *feature, *judge; /* the person's vectors */
    const float *surrogate;       /* code by E_id */
    /* In a clip. Both NULL: a photograph. */
    const float *attributes; /* [attr_dim], smoothed over pictures */
    float *trail; /* [idem_recomposer_trail], initially zero: the code of the face in the previous picture, from which
                     painting continues; and its distance from the person */
} idem_sitter;

typedef struct {
    double feature, judge; /* cosines of the result with the person */
    bool above;            /* one of them is above its threshold */
    double share;          /* of the person's vector in the painted code */
    int tries;
} idem_recomposed;

/* Numbers of a trail. The first is 0 if the previous picture's codes are not continued. */
size_t idem_recomposer_trail(const idem_recomposer *r);

/* similarity: wanted cosine by fr_feature; NaN: below the thresholds of both. 1: done; 0: the thresholds were not
 * reached, and the photograph is unchanged; -1: interrupted, or memory is short. With a trail the photograph is
 * unchanged in every case, and idem_recomposer_picture is the painted face. */
int idem_recomposer_run(idem_recomposer *r, const idem_sitter *sitter, double similarity, idem_recomposed *about);

/* [S, S, 3], the last painted face, in its frame. */
const uint8_t *idem_recomposer_picture(const idem_recomposer *r);

#endif
