/* The end of a convolution, before it writes its sums: adds a bias and another value of the result's shape, then
 * multiplies negative values by a slope. Each saves a pass over memory. */
#ifndef IDEM_ENGINE_CONV_END_H
#define IDEM_ENGINE_CONV_END_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const float *bias;     /* [channels]; NULL: none */
    const float *residual; /* of the result's shape, not the result itself; NULL: none */
    const float *slope;    /* [channels]; NULL: linear */
} idem_conv_end;

/* The same, starting at a channel and an element of the result. */
static inline idem_conv_end idem_conv_end_at(const idem_conv_end *e, int64_t channel, int64_t element) {
    return (idem_conv_end){.bias = e->bias ? e->bias + channel : NULL,
                           .residual = e->residual ? e->residual + element : NULL,
                           .slope = e->slope ? e->slope + channel : NULL};
}

#endif
