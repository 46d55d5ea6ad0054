/* The numbers that convolutions multiply: float, or bfloat16 (8 significant bits) with sums in float. A setting of the
 * calling thread, read when networks are opened: generators (nets/stylegan2.h) and discriminators then compute their
 * four largest resolutions with it. Weights, activations, gradients of weights and everything else stay float. */
#ifndef IDEM_ENGINE_PRECISION_H
#define IDEM_ENGINE_PRECISION_H

#include <stdbool.h>

bool idem_bf16(void); /* initially false */
/* Returns the setting before. */
bool idem_bf16_set(bool on);
/* Whether kernels use the processor's instructions for it. Without them it is computed with the same rounding, but is
 * not faster than float. */
bool idem_bf16_native(void);

/* Resolutions of a network that may use it, from the largest on (Karras et al. 2020, ADA, num_fp16_res). */
enum { IDEM_BF16_RESOLUTIONS = 4 };
static inline bool idem_bf16_at(bool on, int side, int largest) {
    return on && side > largest >> IDEM_BF16_RESOLUTIONS;
}

#endif
