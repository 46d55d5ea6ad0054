/* What a convolution does with its sums before it writes them: plus a bias, plus another value of the result's shape,
 * then times a slope where negative. A pass over memory saved for each. */
#ifndef IDEM_ENGINE_CONV_END_H
#define IDEM_ENGINE_CONV_END_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const float *bias;     /* [channels]; NULL: none */
    const float *residual; /* of the result's shape, not the result itself; NULL: none */
    const float *slope;    /* [channels]; NULL: linear */
} idem_conv_end;

/* The same seen from a channel and an element of the result on. */
static inline idem_conv_end idem_conv_end_at(const idem_conv_end *e, int64_t channel, int64_t element) {
    return (idem_conv_end){.bias = e->bias ? e->bias + channel : NULL,
                           .residual = e->residual ? e->residual + element : NULL,
                           .slope = e->slope ? e->slope + channel : NULL};
}

#endif
