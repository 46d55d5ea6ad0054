/* The evaluation during training: held-out cross pairs through the current mapper, scored with E_id and a second
 * recogniser. The figures are those of the final report (identity by cosine and by S = (cos - s0) / (1 - s0),
 * landmarks, same-face reconstruction).
 *
 *     idem_held_out *h = idem_held_out_new(m, data, idem_data_held_out, 300, seed, NULL, NULL, NULL);
 *     idem_held_out_run(h, &scores);     // repeatedly: the weights may have changed */
#ifndef IDEM_MEASURE_HELD_OUT_H
#define IDEM_MEASURE_HELD_OUT_H

#include "data/data.h"
#include "model/model.h"
#include "measure/scores.h"
#include "measure/share.h"
#include "media/image.h"

/* The figures of one recogniser. */
typedef struct {
    double cos_id_out, cos_attr_out, cos_id_attr; /* mean cosines */
    double strangers;                             /* s0: mean cosine of 2,000 random pairs of the held-out pictures */
    idem_figure id_kept, attr_leak;               /* S(id, out), S(attr, out) */
} idem_likeness;

typedef struct {
    idem_likeness train;         /* by E_id */
    idem_likeness judge;         /* by the second recogniser; all 0 if there is none */
    idem_figure nme;             /* mean distance of 51 points / distance of the outer eye corners */
    idem_figure landmark_mse160; /* mean squared error of the 102 numbers in 160-px units */
    double mse_same_face, psnr_same_face, cos_same_face;
    int pairs, skipped; /* skipped: pairs without landmarks, which count only in the identity figures */
} idem_held_out_scores;

/* A second recogniser, never used in training: pictures [n, S, S, 3] in [0, 1] -> unit vectors [n, dim]. 0 or -1. */
typedef struct {
    int (*describe)(void *user, int n, const float *pictures, float *descriptors); /* NULL: no second recogniser */
    void *user;
    int dim;
} idem_second_opinion;

typedef struct idem_held_out idem_held_out;

/* The source of the pairs: idem_data_held_out or idem_data_held_out_photographs. */
typedef int idem_pairs_of(idem_data *data, size_t first, size_t n, float *x_id, float *x_attr);

/* Computes the pictures, their identities and landmarks once. judge may be NULL; so may share: this process alone. */
idem_held_out *idem_held_out_new(idem_model *m, idem_data *data, idem_pairs_of *pairs_of, int pairs, uint64_t seed,
                                 const idem_second_opinion *judge, const idem_measure_share *share,
                                 const idem_plan_options *options);
void idem_held_out_free(idem_held_out *h); /* NULL is allowed */

int idem_held_out_run(idem_held_out *h, idem_held_out_scores *s);

/* After run, as a captioned page: the first `side` identities at the left, as many attribute pictures at the top, every
 * combination. Of those that measure together only rank 0 can. */
int idem_held_out_sheet(idem_held_out *h, int side, const char *title, idem_image *page);

#endif
