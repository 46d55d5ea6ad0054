/* Convolution tap by tap as matrix products, in all three directions: for small pictures with many channels, where the
 * weights are large against the values. Each product leaves out the positions whose tap falls into the padding, and
 * reads the weights where they lie. */
#ifndef IDEM_ENGINE_CONV_TAPS_H
#define IDEM_ENGINE_CONV_TAPS_H

#include "engine/conv.h"

typedef struct idem_conv_taps idem_conv_taps;

/* Whether the kernel can run these sizes, and whether it should (docs/lab-book.md): a fixed function of them. */
bool idem_conv_taps_fits(const idem_conv_dims *d);
bool idem_conv_taps_pays(const idem_conv_dims *d, bool frozen);

idem_conv_taps *idem_conv_taps_new(const idem_conv_dims *d); /* NULL with a message on failure */
/* Data gradient only of the rows from h and the columns from w on; the others are left as they are. */
idem_conv_taps *idem_conv_taps_new_edge(const idem_conv_dims *d, int64_t h, int64_t w);
void idem_conv_taps_free(idem_conv_taps *c); /* NULL is allowed */
size_t idem_conv_taps_scratch(const idem_conv_taps *c);
/* in: as idem_convolution_run. By the threads there were when it was made, which share the channels. */
void idem_conv_taps_run(const idem_conv_taps *c, const float *const *in, float *out, void *scratch);

#endif
