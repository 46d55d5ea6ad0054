/* The covariance of codes, as a root. */
#ifndef IDEM_MODEL_COVARIANCE_H
#define IDEM_MODEL_COVARIANCE_H

#include <stddef.h>

/* r [W, W], row-major: the upper triangle of R with R'R = C + floor * v * I, C the covariance (sum over `divisor`) of
 * the rows of x [n, W], v its mean variance; the rest is not set. x becomes the distances from the rows' mean [W].
 * Returns v; 0 if the rows do not differ or are not finite. */
double idem_covariance_root(double *r, double *x, double *mean, size_t n, int width, double divisor, double floor);

#endif
