/* What a convolution is to the kernels that can run it: sizes, window, direction. No graph, no library. */
#ifndef IDEM_ENGINE_CONV_H
#define IDEM_ENGINE_CONV_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/ops.h"

typedef enum { IDEM_CONV_FORWARD, IDEM_CONV_DATA, IDEM_CONV_WEIGHT } idem_conv_way;

/* x [n, i, h, w], weight [o, i/groups, kernel], y [n, o, oh, ow]: the same letters in every direction. */
typedef struct {
    idem_conv_way way;
    int64_t n, i, h, w, o, oh, ow;
    idem_window win;
    bool bias; /* forward only */
} idem_conv_dims;

/* Multiplications and additions of a direct computation. */
static inline double idem_conv_flops(const idem_conv_dims *d) {
    return 2.0 * (double)d->n * (double)d->oh * (double)d->ow * (double)d->o * (double)(d->i / d->win.groups) *
           d->win.kernel[0] * d->win.kernel[1];
}

struct idem_step;
/* Which kernel a prepared conv, conv_data or conv_weight step runs ("jit:avx2"); for profiles. */
const char *idem_conv_kernel(const struct idem_step *s);

#endif
