/* Includes TEMPLATE once per instruction set, with
 *
 *     VEC       vector type of W floats        W       floats in a vector
 *     MR        rows of a product's tile       TARGET  attribute of every function
 *     SPLAT(x)  all floats x                   FMA(a,b,c)  a * b + c
 *     MAX, MIN  of two vectors, the second where the first is not a number
 *     STREAM(p, v)  stores v past the caches if vectors are cache lines, else like any other
 *     NAME(x)   x with the instruction set's suffix: plain, avx2, avx512
 *
 * and, with SIMD_BF16_SET, once more as avx512 with instructions for bfloat16: the suffix is bf16, BF16_NATIVE is
 * defined.
 *
 * In ISO mode a product plus a vector has two roundings, so fused multiply-adds are written explicitly. */
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "engine/isa.h"

#ifndef IDEM_SIMD_SETS_TYPES
#define IDEM_SIMD_SETS_TYPES
typedef float vec4 __attribute__((vector_size(16)));
typedef int mask4 __attribute__((vector_size(16)));
#define CHOOSE4(mask, a, b) ((vec4)(((mask) & (mask4)(a)) | (~(mask) & (mask4)(b))))
#endif

#define VEC vec4
#define W 4
#define MR 6
#define TARGET
#define SPLAT(x) ((vec4){x, x, x, x})
#define FMA(a, b, c) ((a) * (b) + (c))
#define MAX(a, b) CHOOSE4((a) > (b), a, b)
#define MIN(a, b) CHOOSE4((a) < (b), a, b)
#define STREAM(p, v) NAME(store)(p, v)
#define NAME(x) x##_plain
#include TEMPLATE
#include "engine/simd_clear.h"

#if defined(__x86_64__)
#define VEC __m256
#define W 8
#define MR 6
#define TARGET __attribute__((target("avx2,fma")))
#define SPLAT(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define MAX(a, b) _mm256_max_ps(a, b)
#define MIN(a, b) _mm256_min_ps(a, b)
#define STREAM(p, v) NAME(store)(p, v)
#define NAME(x) x##_avx2
#include TEMPLATE
#include "engine/simd_clear.h"

#define VEC __m512
#define W 16
#define MR 12
#define TARGET __attribute__((target("avx512f")))
#define SPLAT(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define MAX(a, b) _mm512_max_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
#define STREAM(p, v) _mm512_stream_ps(p, v)
#define NAME(x) x##_avx512
#include TEMPLATE
#include "engine/simd_clear.h"

#if defined(SIMD_BF16_SET)
#define VEC __m512
#define W 16
#define MR 12
#define TARGET __attribute__((target("avx512f,avx512bf16")))
#define SPLAT(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define MAX(a, b) _mm512_max_ps(a, b)
#define MIN(a, b) _mm512_min_ps(a, b)
#define STREAM(p, v) _mm512_stream_ps(p, v)
#define NAME(x) x##_bf16
#define BF16_NATIVE
#include TEMPLATE
#undef BF16_NATIVE
#include "engine/simd_clear.h"
#endif
#endif

/* Of three sets of kernels the widest that may run here (isa.h) and is at most `width` floats wide. */
#if defined(__x86_64__)
#define SIMD_CHOOSE(width, plain, avx2, avx512)                                                                        \
    ((width) >= 16 && idem_isa_runs() >= IDEM_ISA_AVX512 ? (avx512)                                                    \
     : (width) >= 8 && idem_isa_runs() >= IDEM_ISA_AVX2  ? (avx2)                                                      \
                                                         : (plain))
#else
#define SIMD_CHOOSE(width, plain, avx2, avx512) ((void)(width), (plain))
#endif
