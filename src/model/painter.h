/* A painter makes the picture of a pair: identity and attribute codes through the mapper and the generator, optionally
 * refined for the pair (refine.h). Everything that paints pairs uses it.
 *
 *     idem_painter *p = idem_painter_new(m, 8, 25, NULL);
 *     idem_painter_run(p, n, pairs, y);       // y [n, S, S, 3], may overshoot [0, 1]
 *
 * Without refinement, pairs run through the networks batch by batch. Refined pairs are processed one by one, starting
 * from their pictures, so that their bytes depend on nothing else. */
#ifndef IDEM_MODEL_PAINTER_H
#define IDEM_MODEL_PAINTER_H

#include "model/pipe.h"
#include "model/refine.h"

typedef struct {
    const float *id, *attr;     /* codes [id_dim], [attr_dim]; read only without refinement */
    const float *x_id, *x_attr; /* pictures [S, S, 3] in [0, 1]; read only with refinement */
} idem_pair;

typedef struct idem_painter idem_painter;

/* refine: steps per pair, from the mapper's answer or, without a mapper, from the mean w; 0: the mapper's answer.
 * options NULL: all zero. The model must outlive p. */
idem_painter *idem_painter_new(idem_model *m, int batch, int refine, const idem_plan_options *options);
void idem_painter_free(idem_painter *p); /* NULL is allowed */

/* Pictures y [n, S, S, 3] of n pairs; a pair of the same picture twice is reconstructed. -1: interrupted, memory is
 * short, or a network gave numbers that are not finite. */
int idem_painter_run(idem_painter *p, size_t n, const idem_pair *pairs, float *y);
/* The same with the codes ws [n, L, W] that the generator painted; w or y may be NULL. */
int idem_painter_codes(idem_painter *p, size_t n, const idem_pair *pairs, float *ws, float *y);
/* Number of pairs whose refinement met a number that is not finite and kept an earlier step. */
int idem_painter_cut_short(const idem_painter *p);
int idem_painter_refines(const idem_painter *p);     /* steps */
idem_plan *idem_painter_plan(const idem_painter *p); /* to share its buffer */

#endif
