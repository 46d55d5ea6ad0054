/* Convolution by Winograd's method for 3x3 filters: of stride 1, dilated or not, by F(4x4, 3x3), forward and data
 * gradient (the same with rotated filters); of stride 2 by F(4, 2) on the positions of even number, forward and (for
 * even padding) data gradient. Two to three times as fast as a direct sum, with an error of about 1e-6 of the output's
 * size. */
#ifndef IDEM_ENGINE_WINOGRAD_H
#define IDEM_ENGINE_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/conv.h"
#include "engine/conv_end.h"
#include "engine/pack.h"

typedef struct idem_winograd idem_winograd;

/* Whether the kernel supports these sizes. */
bool idem_winograd_fits(const idem_conv_dims *d);
/* Whether it supports the sizes and is clearly faster than a direct sum (docs/lab-book.md). A fixed function of the
 * sizes. */
bool idem_winograd_pays(const idem_conv_dims *d, bool frozen);

/* Prepared for the current idem_threads(); frozen weights are transformed now, others at every run. width: the most
 * floats of a vector (16: the CPU's). NULL with a message on failure. */
idem_winograd *idem_winograd_new(const idem_conv_dims *d, idem_frozen weight, int width);
void idem_winograd_free(idem_winograd *w); /* NULL is allowed */
size_t idem_winograd_scratch(const idem_winograd *w);
/* x: or dy; factors [n, channels] multiply it, NULL: none. For sizes with an edge the end may only be a bias
 * (idem_winograd_whole). */
void idem_winograd_run(const idem_winograd *w, const float *x, const float *weight, const float *factors,
                       const idem_conv_end *end, float *out, void *scratch);
/* Whether the patches compute the whole result, so that an end may have a residual and slopes. */
bool idem_winograd_whole(const idem_conv_dims *d);
bool idem_winograd_reads_weight(const idem_winograd *w);  /* at run: it is not held transformed completely */
const char *idem_winograd_kernel(const idem_winograd *w); /* "winograd:avx2" */

#endif
