/* Statistics of numbers: mean, median, standard deviation, standard error, n. */
#ifndef IDEM_MEASURE_SPREAD_H
#define IDEM_MEASURE_SPREAD_H

#include "measure/scores.h"

typedef struct {
    idem_figure mean; /* with its standard error, n, and the n that it needs */
    double median;    /* for an even n the mean of the two central values */
    double deviation; /* of the sample, n - 1; NaN if n < 2 */
} idem_spread;

/* Ignores NaN, which marks pairs without the figure. Changes the order of x. share: x are 0 or 1, and the error of a
 * share of 0 or 1 is that of Laplace's rule. needs >= 1: least n. */
idem_spread idem_spread_of(double *x, int n, bool share, int64_t needs);

#endif
