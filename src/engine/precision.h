/* The numbers that convolutions multiply: float, or bfloat16 (8 significant bits) with sums in float. A setting of the
 * calling thread, read when networks are opened: generators (nets/stylegan2.h) and discriminators then compute their
 * four largest resolutions with it. Weights, activations, gradients of weights and everything else stay float. */
#ifndef IDEM_ENGINE_PRECISION_H
#define IDEM_ENGINE_PRECISION_H

#include <stdbool.h>

bool idem_bf16(void); /* initially false */
/* Returns the setting before. */
bool idem_bf16_set(bool on);
/* Whether it is faster than float here: on AMD's processors with AVX512_BF16, which multiply twice as many of its
 * numbers in a cycle. Intel's multiply as many as of float (faster ones are in AMX, which kernels do not use), and
 * conversions make it slower. Without the instructions it is computed with the same rounding, but is not faster either.
 */
bool idem_bf16_faster(void);

/* Resolutions of a network that may use it, from the largest on (Karras et al. 2020, ADA, num_fp16_res). */
enum { IDEM_BF16_RESOLUTIONS = 4 };
static inline bool idem_bf16_at(bool on, int side, int largest) {
    return on && side > largest >> IDEM_BF16_RESOLUTIONS;
}

#endif
