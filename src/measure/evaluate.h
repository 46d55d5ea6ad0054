/* Measuring a model: cross-face pairs of held-out pictures through the mapper; every figure by the training recogniser
 * and by witnesses never used in training; the same figures with shuffled attribute pictures as a control; and
 * baselines without a mapper. docs/evaluation.md explains each figure.
 *
 *     idem_evaluator *e = idem_evaluator_new(m, NULL, 8, NULL);
 *     idem_evaluator_sample(e, 300, 0.9f, seed);                       // the sources are measured once
 *     idem_report r;
 *     idem_evaluator_mapper(e, &r);
 *     json_t *j = idem_report_json(&r); */
#ifndef IDEM_MEASURE_EVALUATE_H
#define IDEM_MEASURE_EVALUATE_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/plan.h"
#include "measure/pairs.h"
#include "measure/scores.h"
#include "measure/share.h"
#include "model/model.h"

enum { IDEM_RETRIEVAL_GROUP = 100, IDEM_STRANGER_PAIRS = 2000 };

/* The figures of one method of composing pairs. */
typedef struct {
    idem_identity_scores train, judge;
    idem_figure retrieval_train, retrieval_judge;            /* top-1 */
    idem_figure nme, landmark_mse160, colour, yaw;           /* out against the attribute picture */
    idem_figure nme_shuffled, colour_shuffled, yaw_shuffled; /* out against another pair's attribute picture */
    idem_figure psnr_same_face;                              /* needs 0: not measured */
    int pairs, candidates;                                   /* of retrieval */
    double seconds_per_picture;                              /* of making the pictures; 0: not made */
} idem_report;

typedef struct idem_evaluator idem_evaluator;

/* The model needs its frozen networks; options NULL: all zero. batch >= 1. */
idem_evaluator *idem_evaluator_new(idem_model *m, const char *models, int batch, const idem_plan_options *options);
void idem_evaluator_free(idem_evaluator *e); /* NULL is allowed */

/* Calls `measured` with the number of pictures measured since the last call: 2 n for the pairs, n for each report, none
 * for copied pictures as baselines. */
void idem_evaluator_watch(idem_evaluator *e, void (*measured)(void *user, int pictures), void *user);

/* Ranks that measure the same pairs together: all paint and look at their share, and all have all of it. Calls of the
 * evaluator are then all ranks'. */
void idem_evaluator_share(idem_evaluator *e, const idem_measure_share *share);

/* Pairs to measure on; replaces earlier ones. Drawn: 2 n pictures of the generator (measure/pairs.h). Given: pictures
 * [n, S, S, 3] in [0, 1] (copied). n >= 2. */
int idem_evaluator_sample(idem_evaluator *e, int n, float psi, uint64_t seed);
int idem_evaluator_pictures(idem_evaluator *e, int n, const float *identity, const float *attributes, uint64_t seed);
/* The same with the persons of the identity pictures, person[n] (at least two): strangers are two persons, and
 * retrieval is among all n sources, of which each of the person counts as right; otherwise it is among
 * IDEM_RETRIEVAL_GROUP. */
int idem_evaluator_people(idem_evaluator *e, int n, const float *identity, const float *attributes, const int *person,
                          uint64_t seed);
/* The same with any source; unreadable pairs are reported and left out of `pairs`. */
int idem_evaluator_pairs(idem_evaluator *e, idem_pairs *pairs, uint64_t seed);

/* The model's current mapper. */
int idem_evaluator_mapper(idem_evaluator *e, idem_report *r);
/* The same with every pair refined in `steps` steps (model/refine.h). `measured` is called with 1 for each: 2 n more.
 */
int idem_evaluator_refined(idem_evaluator *e, int steps, idem_report *r);
/* Measures given outputs [n, S, S, 3] for the pairs; psnr_same_face stays unmeasured. */
int idem_evaluator_outputs(idem_evaluator *e, const float *out, idem_report *r);

/* The last measured outputs, [n, S, S, 3]; the next call replaces them. */
const float *idem_evaluator_shown(const idem_evaluator *e);

/* Baselines on the first `pairs` pairs: the identity picture itself, the attribute picture itself and, for sampled
 * pairs, style mixing of the true codes at every crossover in both directions: 2 (layers - 1) rows. As a JSON array of
 * {name, ...report}. same: NULL, or gets the last report's figures on only these pairs, for comparison. */
json_t *idem_evaluator_baselines(idem_evaluator *e, int pairs, idem_report *same);

/* {train: {...}, judge: {...}, nme, ..., shuffled: {...}}, each object with figures as in measure/figures.h. NULL:
 * memory is short, or a figure is not a number; the message names it. */
json_t *idem_report_json(const idem_report *r);

/* The verdict whether the mapper keeps more identity (training recogniser's id_kept) than every baseline row of equal
 * or lower NME; needs IDEM_NEEDS_VERDICT pairs. */
idem_figure idem_report_beats(const idem_report *mapper, const json_t *baselines);

#endif
