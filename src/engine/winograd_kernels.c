#include "engine/winograd_private.h"

/* A constant times a vector would be two roundings in ISO mode, so fused multiply-adds are asked for by name. */
#define VEC vec4
#define W 4
#define MR 6
#define TARGET
#define SPLAT(x) ((vec4){x, x, x, x})
#define FMA(a, b, c) ((a) * (b) + (c))
#define NAME(x) x##_plain
typedef float vec4 __attribute__((vector_size(16)));
#include "engine/winograd_simd.h"
#undef VEC
#undef W
#undef MR
#undef TARGET
#undef SPLAT
#undef FMA
#undef NAME

#if defined(__x86_64__)
#include <immintrin.h>

#define VEC __m256
#define W 8
#define MR 6
#define TARGET __attribute__((target("avx2,fma")))
#define SPLAT(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define NAME(x) x##_avx2
#include "engine/winograd_simd.h"
#undef VEC
#undef W
#undef MR
#undef TARGET
#undef SPLAT
#undef FMA
#undef NAME

#define VEC __m512
#define W 16
#define MR 12
#define TARGET __attribute__((target("avx512f")))
#define SPLAT(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define NAME(x) x##_avx512
#include "engine/winograd_simd.h"
#endif

#define KERNELS(set, width, nr, mr)                                                                                    \
    {                                                                                                                  \
        "winograd:" #set, width, nr, mr, {input_##set, input_down_##set, input_up_##set},                              \
            {output_##set, output_down_##set, output_up_##set}, {weight_##set, weight_half_##set, weight_half_##set},  \
            product_##set, expand_##set, filter_##set, product_add_##set                                               \
    }
static const idem_winograd_kernels plain = KERNELS(plain, 4, 8, 6);
#if defined(__x86_64__)
static const idem_winograd_kernels avx2 = KERNELS(avx2, 8, 16, 6), avx512 = KERNELS(avx512, 16, 32, 12);
#endif

const idem_winograd_kernels *idem_winograd_kernels_for(int width) {
#if defined(__x86_64__)
    if (width >= 16 && __builtin_cpu_supports("avx512f"))
        return &avx512;
    if (width >= 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &avx2;
#endif
    (void)width;
    return &plain;
}
