/* The Frechet distance of two sets of feature rows, each assumed to be normally distributed (Heusel et al. 2017):
 *     |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))
 * Covariances with n - 1, all in double. With fewer rows than features the covariances are singular, which the formula
 * allows; but the distance decreases with n, so only distances of the same n and the same features compare. */
#ifndef IDEM_MEASURE_FRECHET_H
#define IDEM_MEASURE_FRECHET_H

#include <stddef.h>
#include <stdint.h>

/* a [n_a, width], b [n_b, width]; at least 2 rows each. -1: too few, or numbers that are not finite. */
int idem_frechet(double *distance, const float *a, size_t n_a, const float *b, size_t n_b, size_t width);

/* Means and covariances of rows that are added step by step and not kept: D^2 numbers for any number of rows. */
typedef struct idem_moments idem_moments;
idem_moments *idem_moments_new(size_t width);
void idem_moments_free(idem_moments *m);                         /* NULL is allowed */
int idem_moments_add(idem_moments *m, const float *x, size_t n); /* rows [n, width] */
size_t idem_moments_count(const idem_moments *m);
/* b keeps the root of its covariance, for comparison with further moments. */
int idem_moments_distance(double *distance, const idem_moments *a, idem_moments *b);

/* Of unit vectors: the mean cosine of all n (n - 1) / 2 pairs of rows, and its standard error as that of a mean of n
 * rows, each compared with all others (Hoeffding 1948): twice the standard deviation of a row's mean cosine, divided by
 * the square root of n. -1: fewer than 2 rows. */
int idem_moments_cosine(const idem_moments *m, double *mean, double *error);

/* Between two random halves of the rows (n / 2 each; an odd last one is left out), by seed: a lower bound to be
 * expected of distances to these data. n >= 4. */
int idem_frechet_halves(double *distance, const float *x, size_t n, size_t width, uint64_t seed);

#endif
