/* Measuring a model: cross-face pairs of held-out pictures through the mapper; every figure by the training recogniser
 * and by witnesses never used in training; the same figures with shuffled attribute pictures as a control; and
 * baselines that need no mapper. docs/evaluation.md says what each figure means.
 *
 *     idem_evaluator *e = idem_evaluator_new(m, NULL, 8, NULL);
 *     idem_evaluator_sample(e, 300, 0.9f, seed);                       // the sources are measured once
 *     idem_report r;
 *     idem_evaluator_mapper(e, &r);
 *     json_t *j = idem_report_json(&r);
 */
#ifndef IDEM_MEASURE_EVALUATE_H
#define IDEM_MEASURE_EVALUATE_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/plan.h"
#include "measure/pairs.h"
#include "measure/scores.h"
#include "model/model.h"

enum { IDEM_RETRIEVAL_GROUP = 100, IDEM_STRANGER_PAIRS = 2000 };

/* One way of making pictures from pairs, measured. */
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

/* Calls `measured` with the number of pictures that went through all networks since the last call: 2 n for the pairs, n
 * for each report, none for the pictures themselves as baselines. */
void idem_evaluator_watch(idem_evaluator *e, void (*measured)(void *user, int pictures), void *user);

/* Pairs to measure on; replaces earlier ones. Drawn: 2 n pictures of the generator (measure/pairs.h). Given: pictures
 * [n, S, S, 3] in [0, 1] (copied). n >= 2. */
int idem_evaluator_sample(idem_evaluator *e, int n, float psi, uint64_t seed);
int idem_evaluator_pictures(idem_evaluator *e, int n, const float *identity, const float *attributes, uint64_t seed);
/* The same, person[n] the identity pictures' (two at least): strangers are two persons, and retrieval is among all n
 * sources, of which each of the person is right; otherwise among IDEM_RETRIEVAL_GROUP. */
int idem_evaluator_people(idem_evaluator *e, int n, const float *identity, const float *attributes, const int *person,
                          uint64_t seed);
/* The same of any source; those that cannot be read are told to whoever listens and left out of `pairs`. */
int idem_evaluator_pairs(idem_evaluator *e, idem_pairs *pairs, uint64_t seed);

/* The model's mapper as it is now. */
int idem_evaluator_mapper(idem_evaluator *e, idem_report *r);
/* The same with every pair refined by so many steps (model/refine.h). `measured` is called with 1 for each: 2 n more.
 */
int idem_evaluator_refined(idem_evaluator *e, int steps, idem_report *r);
/* Measures given outputs [n, S, S, 3] for the pairs; psnr_same_face stays unmeasured. */
int idem_evaluator_outputs(idem_evaluator *e, const float *out, idem_report *r);

/* The outputs that were measured last, [n, S, S, 3]; the next call replaces them. */
const float *idem_evaluator_shown(const idem_evaluator *e);

/* Baselines on the first `pairs` pairs: the identity picture itself, the attribute picture itself and, for sampled
 * pairs, style mixing of the true codes at every crossover both ways: 2 (layers - 1) rows. As a JSON array of {name,
 * ...report}. same NULL, or the last report's figures on these pairs alone, to compare with. */
json_t *idem_evaluator_baselines(idem_evaluator *e, int pairs, idem_report *same);

/* {train: {...}, judge: {...}, nme, ..., shuffled: {...}}, each object with figures as measure/figures.h says. NULL:
 * memory is short, or a figure is not a number, and the message names it. */
json_t *idem_report_json(const idem_report *r);

/* The verdict whether the mapper keeps more identity (training recogniser's id_kept) than every baseline row of equal
 * or lower NME; needs IDEM_NEEDS_VERDICT pairs. */
idem_figure idem_report_beats(const idem_report *mapper, const json_t *baselines);

#endif
