/* Weight gradient of 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3), transposed. */
#ifndef IDEM_ENGINE_WINOGRAD_WEIGHT_H
#define IDEM_ENGINE_WINOGRAD_WEIGHT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/conv.h"

typedef struct idem_winograd_weight idem_winograd_weight;

/* Whether the kernel supports these sizes and is the fastest: a fixed function of them. */
bool idem_winograd_weight_fits(const idem_conv_dims *d);
bool idem_winograd_weight_pays(const idem_conv_dims *d);

/* Prepared for the current idem_threads(); width: the most floats of a vector. NULL with a message on failure. */
idem_winograd_weight *idem_winograd_weight_new(const idem_conv_dims *d, int width);
void idem_winograd_weight_free(idem_winograd_weight *w); /* NULL is allowed */
size_t idem_winograd_weight_scratch(const idem_winograd_weight *w);
void idem_winograd_weight_run(const idem_winograd_weight *w, const float *x, const float *dy, float *dw, void *scratch);
const char *idem_winograd_weight_kernel(const idem_winograd_weight *w);

#endif
