/* What kernels are compared with: plain loops in double precision. */
#ifndef IDEM_TESTS_SUPPORT_PLAIN_H
#define IDEM_TESTS_SUPPORT_PLAIN_H

#include "engine/conv.h"

/* Every product of the convolution, all values in memory order; NULL is the one of the three that is summed into out.
 */
void plain_convolution(const idem_conv_dims *d, const float *x, const float *wt, const float *y, double *out);

#endif
