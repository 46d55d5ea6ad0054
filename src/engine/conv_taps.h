/* Convolution tap by tap as matrix products, in all three directions: for small pictures with many channels, where the
 * weights are larger than the values. Each product omits the positions whose tap falls into the padding, and reads the
 * weights in place. */
#ifndef IDEM_ENGINE_CONV_TAPS_H
#define IDEM_ENGINE_CONV_TAPS_H

#include "engine/conv.h"

typedef struct idem_conv_taps idem_conv_taps;

/* Whether the kernel supports these sizes and is the fastest (docs/lab-book.md): a fixed function of them. */
bool idem_conv_taps_fits(const idem_conv_dims *d);
bool idem_conv_taps_pays(const idem_conv_dims *d, bool frozen);

idem_conv_taps *idem_conv_taps_new(const idem_conv_dims *d); /* NULL with a message on failure */
/* Data gradient only for the rows from h and the columns from w on; the others are unchanged. */
idem_conv_taps *idem_conv_taps_new_edge(const idem_conv_dims *d, int64_t h, int64_t w);
void idem_conv_taps_free(idem_conv_taps *c); /* NULL is allowed */
size_t idem_conv_taps_scratch(const idem_conv_taps *c);
/* in: as idem_convolution_run; factors [n, channels] multiply the input of a forward convolution or data gradient,
 * NULL: none. Uses the thread count of its creation; threads share the channels. */
void idem_conv_taps_run(const idem_conv_taps *c, const float *const *in, const float *factors, float *out,
                        void *scratch);

#endif
