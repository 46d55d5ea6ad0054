/* Convolution by a 1x1 filter of stride 1, forward or data gradient, with frozen weights: one matrix product with its
 * end (conv_end.h) in registers. */
#ifndef IDEM_ENGINE_CONV_POINT_H
#define IDEM_ENGINE_CONV_POINT_H

#include "engine/conv.h"
#include "engine/conv_end.h"

typedef struct idem_conv_point idem_conv_point;

/* Whether the kernel supports these sizes and is the fastest (docs/lab-book.md): a fixed function of them. */
bool idem_conv_point_fits(const idem_conv_dims *d, bool frozen);
bool idem_conv_point_pays(const idem_conv_dims *d, bool frozen);

/* For idem_threads() threads; width: the most floats of a vector. NULL with a message. */
idem_conv_point *idem_conv_point_new(const idem_conv_dims *d, idem_frozen weight, int width);
void idem_conv_point_free(idem_conv_point *c); /* NULL is allowed */
void idem_conv_point_run(const idem_conv_point *c, const float *x, const idem_conv_end *end, float *out);
const char *idem_conv_point_kernel(const idem_conv_point *c); /* "point:avx2" */

#endif
