/* The Frechet distance of two sets of feature rows, each taken for a normal distribution (Heusel et al. 2017):
 *     |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))
 * Covariances with n - 1, all in double. With fewer rows than features the covariances lack rank, which is no obstacle
 * to the formula; but the distance falls with n, so only distances of the same n and the same features compare. */
#ifndef IDEM_MEASURE_FRECHET_H
#define IDEM_MEASURE_FRECHET_H

#include <stddef.h>
#include <stdint.h>

/* a [n_a, width], b [n_b, width]; at least 2 rows each. -1: too few, or numbers that are not finite. */
int idem_frechet(double *distance, const float *a, size_t n_a, const float *b, size_t n_b, size_t width);

/* Between two random halves of the rows (n / 2 each; an odd last one is left out), by seed: what no distance to these
 * data can be expected to fall below. n >= 4. */
int idem_frechet_halves(double *distance, const float *x, size_t n, size_t width, uint64_t seed);

#endif
