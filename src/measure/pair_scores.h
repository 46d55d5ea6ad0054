/* Figures of one pair, from plain arrays, for the means of scores.h and the rows of a study. Landmarks are the 51 inner
 * points [51, 2] in whole-picture units; pictures [S, S, 3] in [0, 1]. */
#ifndef IDEM_MEASURE_PAIR_SCORES_H
#define IDEM_MEASURE_PAIR_SCORES_H

#include <stddef.h>
#include <stdint.h>

double idem_pair_cosine(const float *a, const float *b, int dim);

/* The number of sources first .. end - 1, without `i`, that are at least as near to `out` as its source `i`, by cosine:
 * 0: found first; ties count as nearer. sources [N, dim]. */
int idem_pair_rank(const float *out, const float *sources, int i, int first, int end, int dim);
/* The candidates of pair i: its group of `group` consecutive sources; remaining pairs at the end use the last `group`.
 */
void idem_pair_candidates(int i, int n, int group, int *first, int *end);

/* Mean distance of the points / distance of the outer eye corners of `want` (300-W's inter-ocular distance). */
double idem_pair_nme(const float *points, const float *want);
/* Mean squared difference of the 102 numbers in units of a 160-pixel picture. */
double idem_pair_landmark_mse160(const float *points, const float *want);
/* The NME after the best similarity transform (rotation, scale, shift) of the points to `want`: the remaining
 * difference is expression and shape of the face. */
double idem_pair_landmark_expression(const float *points, const float *want);

double idem_pair_mean_square(const float *a, const float *b, size_t numbers);
double idem_pair_psnr(double mean_square); /* dB; mean squares are floored at 1e-10 */

/* Mean |a - b| over the pixels whose outside[S * S] is 1; NaN if there is none. */
double idem_pair_colour(const float *a, const float *b, int size, const uint8_t *outside);
/* Mean contrast-structure term of SSIM (Wang et al. 2004) on luminance, (2 cov + C) / (var_a + var_b + C) with C =
 * 0.03^2 and an 11 x 11 Gaussian window of sigma 1.5, over the windows inside the picture and centred outside the face.
 * 1: the same edges, at any brightness. NaN if there is no such window. -1: memory is short. */
int idem_pair_structure(double *structure, const float *a, const float *b, int size, const uint8_t *outside);

#endif
