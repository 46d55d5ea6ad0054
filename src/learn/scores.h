/* The figures of a report, from plain arrays. n pictures or pairs; embeddings are unit vectors [n, D]; landmarks are
 * the 51 inner points [n, 51, 2] in whole-picture units; pictures are [n, S, S, 3] in [0, 1], clipped.
 *
 * Raw cosines differ by recogniser, so identity is also given as S = (cos - s0) / (1 - s0), s0 the mean cosine of
 * strangers: 0 is a stranger, 1 the same picture. id_kept = S(id, out), attr_leak = S(attr, out). */
#ifndef IDEM_LEARN_SCORES_H
#define IDEM_LEARN_SCORES_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    double mean;
    double error; /* standard error of the mean; 0 when n < 2 */
    int n;
} idem_figure;

idem_figure idem_figure_of(const double *x, int n);

/* Mean cosine of `pairs` random pairs of different rows, by seed: s0. n >= 2. */
double idem_score_strangers(const float *e, int n, int dim, int pairs, uint64_t seed);

typedef struct {
    idem_figure cos_id_out, cos_attr_out, cos_id_attr;
    idem_figure id_kept, attr_leak; /* S by strangers' mean s0 */
    double strangers;
} idem_identity_scores;
void idem_score_identity(idem_identity_scores *s, const float *id, const float *attr, const float *out, int n, int dim,
                         double strangers);

/* Share of outputs whose nearest source by cosine, among the sources of their group of `group` consecutive pairs (the
 * last one may be smaller), is the right one. Chance is 1 / group. */
idem_figure idem_score_retrieval(const float *out, const float *id, int n, int dim, int group);

/* Mean distance of 51 points / distance of the outer eye corners in b (300-W's inter-ocular distance). */
idem_figure idem_score_nme(const float *a, const float *b, int n);
/* Mean squared error of the 102 numbers in units of a 160-pixel picture. */
idem_figure idem_score_landmark_mse160(const float *a, const float *b, int n);

/* Mean over pictures of the mean squared difference of their numbers. */
idem_figure idem_score_mse(const float *a, const float *b, int n, int size);
/* Mean over pictures of 10 log10(1 / MSE), MSE floored at 1e-10. */
idem_figure idem_score_psnr(const float *a, const float *b, int n, int size);
/* Mean |a - b| over the pixels whose weight in outside[S * S] is 1; picture i of a against order[i] of b (NULL: i). */
idem_figure idem_score_colour(const float *a, const float *b, const int *order, int n, int size,
                              const uint8_t *outside);

/* Mean |a - b| in degrees over the pairs where |from - b| >= apart: how far the result's yaw is from the wanted one
 * where the two sources differ. */
idem_figure idem_score_yaw(const float *out, const float *want, const float *from, int n, double apart);

/* order[i] != i for all i: a seeded cyclic permutation, the control in which attribute pictures are shuffled. n >= 2.
 */
void idem_score_shuffle(int *order, int n, uint64_t seed);
/* Rows of x [n, width] in that order. */
void idem_score_reorder(float *out, const float *x, const int *order, int n, size_t width);

#endif
