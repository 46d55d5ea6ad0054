/* Depthwise convolution by 3x3 filters of stride 1 or 2 with a border of at most one pixel; data gradient of stride 1.
 * Several pixels at a time per channel, the end (conv_end.h) in registers. */
#ifndef IDEM_ENGINE_CONV_DEPTH_H
#define IDEM_ENGINE_CONV_DEPTH_H

#include "engine/conv.h"
#include "engine/conv_end.h"

typedef struct idem_conv_depth idem_conv_depth;

/* Whether the kernel supports these sizes; it is then the fastest (docs/lab-book.md). */
bool idem_conv_depth_fits(const idem_conv_dims *d);

/* For idem_threads() threads; width: the most floats of a vector. run does not read a frozen weight. NULL with a
 * message. */
idem_conv_depth *idem_conv_depth_new(const idem_conv_dims *d, idem_frozen weight, int width);
void idem_conv_depth_free(idem_conv_depth *c); /* NULL is allowed */
size_t idem_conv_depth_scratch(const idem_conv_depth *c);
bool idem_conv_depth_reads_weight(const idem_conv_depth *c);
void idem_conv_depth_run(const idem_conv_depth *c, const float *x, const float *weight, const idem_conv_end *end,
                         float *out, void *scratch);
const char *idem_conv_depth_kernel(const idem_conv_depth *c); /* "depth:avx2" */

#endif
