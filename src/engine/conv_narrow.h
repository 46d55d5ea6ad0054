/* Data gradient of a convolution that reads few channels (a network's first one): one matrix product computes each
 * output position's window, and the windows are then summed. */
#ifndef IDEM_ENGINE_CONV_NARROW_H
#define IDEM_ENGINE_CONV_NARROW_H

#include "engine/conv.h"

typedef struct idem_conv_narrow idem_conv_narrow;

/* Whether the kernel supports these sizes and is the fastest (docs/lab-book.md): a fixed function of them. */
bool idem_conv_narrow_fits(const idem_conv_dims *d);
bool idem_conv_narrow_pays(const idem_conv_dims *d);

idem_conv_narrow *idem_conv_narrow_new(const idem_conv_dims *d); /* for idem_threads() threads; NULL with a message */
void idem_conv_narrow_free(idem_conv_narrow *c);                 /* NULL is allowed */
size_t idem_conv_narrow_scratch(const idem_conv_narrow *c);
void idem_conv_narrow_run(const idem_conv_narrow *c, const float *dy, const float *weight, float *dx, void *scratch);

#endif
