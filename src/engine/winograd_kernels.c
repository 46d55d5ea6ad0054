#include "engine/winograd_private.h"

#define TEMPLATE "engine/winograd_simd.h"
#include "engine/simd_sets.h"
#undef TEMPLATE

#define KERNELS(set, width, nr, mr)                                                                                    \
    {                                                                                                                  \
        width, nr, mr,                                                                                                 \
            {"winograd:" #set,                                                                                         \
             sizeof(float),                                                                                            \
             1,                                                                                                        \
             {input_##set, input_down_##set, input_up_##set},                                                          \
             {weight_##set, weight_half_##set, weight_half_##set},                                                     \
             product_##set},                                                                                           \
            {output_##set, output_down_##set, output_up_##set}, expand_##set, filter_##set, product_add_##set          \
    }
static const idem_winograd_kernels plain = KERNELS(plain, 4, 8, 6);
#if defined(__x86_64__)
static const idem_winograd_kernels avx2 = KERNELS(avx2, 8, 16, 6), avx512 = KERNELS(avx512, 16, 32, 12);
#endif

const idem_winograd_kernels *idem_winograd_kernels_for(int width) {
    return SIMD_CHOOSE(width, &plain, &avx2, &avx512);
}
