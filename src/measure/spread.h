/* What many numbers are like: mean, median, standard deviation, standard error, n. */
#ifndef IDEM_MEASURE_SPREAD_H
#define IDEM_MEASURE_SPREAD_H

#include "measure/scores.h"

typedef struct {
    idem_figure mean; /* with its standard error, n, and what n it needs */
    double median;    /* of an even n the mean of the two in the middle */
    double deviation; /* of the sample, n - 1; NaN when n < 2 */
} idem_spread;

/* Of the x that are numbers: NaN stands for a pair that a figure says nothing of. The order of x is lost. share: x are
 * 0 or 1, and the error of a share that is all or none is that of Laplace's rule. needs >= 1: least n. */
idem_spread idem_spread_of(double *x, int n, bool share, int64_t needs);

#endif
