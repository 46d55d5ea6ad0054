/* Convolution by a 1x1 filter of stride 1, forward or data gradient, with frozen weights: one matrix product with its
 * end (conv_end.h) in registers. "few": to at most 4 channels, forward (a generator's colours): computed in a whole
 * vector, of which the rest is dropped; its end may only be a bias. */
#ifndef IDEM_ENGINE_CONV_POINT_H
#define IDEM_ENGINE_CONV_POINT_H

#include "engine/conv.h"
#include "engine/conv_end.h"

typedef struct idem_conv_point idem_conv_point;

/* Whether the kernel supports these sizes and is the fastest (docs/lab-book.md): a fixed function of them. */
bool idem_conv_point_fits(const idem_conv_dims *d, bool frozen);
bool idem_conv_point_pays(const idem_conv_dims *d, bool frozen);
bool idem_conv_point_is_few(const idem_conv_dims *d);

/* For idem_threads() threads; width: the most floats of a vector. NULL with a message. */
idem_conv_point *idem_conv_point_new(const idem_conv_dims *d, idem_frozen weight, int width);
void idem_conv_point_free(idem_conv_point *c); /* NULL is allowed */
size_t idem_conv_point_scratch(const idem_conv_point *c);
/* factors: only for few: [n, channels] multiply x; NULL: none */
void idem_conv_point_run(const idem_conv_point *c, const float *x, const float *factors, const idem_conv_end *end,
                         float *out, void *scratch);
const char *idem_conv_point_kernel(const idem_conv_point *c); /* "point:avx2" */

#endif
