#include "engine/winograd_private.h"

#define TEMPLATE "engine/winograd_bf16_simd.h"
#define SIMD_BF16_SET
#include "engine/simd_sets.h"
#undef TEMPLATE

#define NUMBERS(set)                                                                                                   \
    {                                                                                                                  \
        "winograd-bf16:" #set, 2, 2, {input_bf16_##set, input_down_bf16_##set, input_up_bf16_##set},                   \
            {weight_bf16_##set, weight_half_bf16_##set, weight_half_bf16_##set}, product_bf16_##set                    \
    }
static const idem_winograd_numbers plain = NUMBERS(plain);
#if defined(__x86_64__)
static const idem_winograd_numbers avx2 = NUMBERS(avx2), avx512 = NUMBERS(avx512), bf16 = NUMBERS(bf16);
#endif

const idem_winograd_numbers *idem_winograd_bf16_for(int width) {
    return SIMD_CHOOSE(width, &plain, &avx2, idem_isa_runs() >= IDEM_ISA_BF16 ? &bf16 : &avx512);
}
