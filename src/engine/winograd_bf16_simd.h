/* Template of the Winograd kernels with transformed values in bfloat16, for one instruction set; see simd_sets.h.
 * Inputs and filters are transformed in float, rounded to the nearest bfloat16 (8 significant bits), multiplied exactly
 * and summed in float. Against float the result's error is 0.3 to 1.2 % of its size, depending on how alike
 * neighbouring pixels are; a direct sum of rounded numbers has 0.2 %.
 *
 * Channels 2 c and 2 c + 1 are the lower and the upper half of a 32-bit number, in V as in U. */

#include "engine/lanes_simd.h"
#include "engine/winograd_maps_simd.h"

typedef int32_t NAME(ints) __attribute__((vector_size(4 * W)));
enum { NAME(LINE) = 16 /* pairs in a cache line */ };

/* The upper halves are the nearest bfloat16, ties to even; the lower ones are undefined. */
static inline __attribute__((always_inline)) TARGET NAME(ints) NAME(rounded)(VEC v) {
    const NAME(ints) u = (NAME(ints))v;
    const NAME(ints) number = (NAME(ints))(v == v);
    return (number & (u + 0x7fff + (u >> 16 & 1))) | (~number & 0x7fc00000);
}

#ifdef BF16_NATIVE
static inline __attribute__((always_inline)) TARGET void NAME(store_bf16)(uint16_t *p, VEC v) {
    __m256bh r = _mm512_cvtneps_pbh(v);
    __builtin_memcpy(p, &r, sizeof r);
}

/* sum + a's lower half * b's lower half + a's upper half * b's upper half */
static inline __attribute__((always_inline)) TARGET VEC NAME(dot)(VEC sum, NAME(ints) a, NAME(ints) b) {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
#else
static inline __attribute__((always_inline)) TARGET void NAME(store_bf16)(uint16_t *p, VEC v) {
    const NAME(ints) r = NAME(rounded)(v);
    for (int i = 0; i < W; i++)
        p[i] = (uint16_t)((uint32_t)r[i] >> 16);
}

static inline __attribute__((always_inline)) TARGET VEC NAME(dot)(VEC sum, NAME(ints) a, NAME(ints) b) {
    const NAME(ints) upper = (NAME(ints)){0} + (int32_t)0xffff0000;
    return FMA((VEC)(a & upper), (VEC)(b & upper), FMA((VEC)(a << 16), (VEC)(b << 16), sum));
}
#endif

WINOGRAD_INPUT(input_bf16, uint16_t, store_bf16, input6, 6, 6)
WINOGRAD_INPUT(input_down_bf16, uint16_t, store_bf16, down9, 9, 9)
WINOGRAD_INPUT(input_up_bf16, uint16_t, store_bf16, up9, 5, 9)

/* Filters g[(9 * channel + tap) * nr] of two input channels and nr output channels to pairs u[filter * stride]. */
#define WEIGHT(name, map)                                                                                              \
    static TARGET void NAME(name)(const float *g, int nr, void *numbers, int64_t stride) {                             \
        int32_t *u = numbers;                                                                                          \
        for (int c = 0; c < nr; c += W) {                                                                              \
            VEC even[36], odd[36];                                                                                     \
            NAME(map)(g + c, nr, even);                                                                                \
            NAME(map)(g + 9 * nr + c, nr, odd);                                                                        \
            for (int f = 0; f < 36; f++) {                                                                             \
                const NAME(ints) low = NAME(rounded)(even[f]) >> 16 & 0xffff;                                          \
                const NAME(ints) pair = (NAME(rounded)(odd[f]) & (int32_t)0xffff0000) | low;                           \
                __builtin_memcpy(u + f * stride + c, &pair, sizeof pair);                                              \
            }                                                                                                          \
        }                                                                                                              \
    }
WEIGHT(weight_bf16, weight36)
WEIGHT(weight_half_bf16, half36)
#undef WEIGHT

/* c [rows, vectors * W] = a [rows, 2 k] x b [2 k, vectors * W]; a's rows are lda pairs apart. Prefetches `lines` cache
 * lines from `next` on, one or two per step. */
static inline __attribute__((always_inline)) TARGET void NAME(product_rows_bf16)(const int32_t *a, int64_t lda,
                                                                                 const int32_t *b, int64_t k, float *c,
                                                                                 const int32_t *next, int64_t lines,
                                                                                 const int vectors, const int rows) {
    VEC low[MR], high[MR];
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) low[r] = high[r] = (VEC){0};
    for (int64_t l = 0; l < k; l++, b += vectors * W) {
        NAME(ints) b0, b1 = {0};
        __builtin_memcpy(&b0, b, sizeof b0);
        if (vectors > 1)
            __builtin_memcpy(&b1, b + W, sizeof b1);
        if (l < lines)
            __builtin_prefetch(next + l * NAME(LINE));
        if (l + k < lines)
            __builtin_prefetch(next + (l + k) * NAME(LINE));
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
            const NAME(ints) x = (NAME(ints)){0} + a[r * lda + l];
            low[r] = NAME(dot)(low[r], x, b0);
            if (vectors > 1)
                high[r] = NAME(dot)(high[r], x, b1);
        }
    }
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
        NAME(store)(c + r * vectors * W, low[r]);
        if (vectors > 1)
            NAME(store)(c + r * vectors * W + W, high[r]);
    }
}

static inline __attribute__((always_inline)) TARGET void NAME(product_of_bf16)(const int32_t *a, int64_t lda,
                                                                               const int32_t *b, int64_t k, float *c,
                                                                               int64_t rows, const int32_t *next,
                                                                               const int vectors) {
    int64_t tiles = (rows + MR - 1) / MR, lines = (k * vectors * W / NAME(LINE) + tiles - 1) / tiles;
    for (; rows >= MR; rows -= MR, a += MR * lda, c += MR * vectors * W, next += lines * NAME(LINE))
        NAME(product_rows_bf16)(a, lda, b, k, c, next, lines, vectors, MR);
    switch (rows) {
#define ROWS(n)                                                                                                        \
    case n:                                                                                                            \
        NAME(product_rows_bf16)(a, lda, b, k, c, next, lines, vectors, n);                                             \
        break;
        ALL_ROWS
#undef ROWS
    }
}

/* a by rows of k numbers, lda numbers apart, c dense, nr of one or two vectors; prefetches the k x nr numbers at next,
 * each tile its share. */
static TARGET void NAME(product_bf16)(const void *a, int64_t lda, const void *b, int64_t k, int nr, float *c,
                                      int64_t rows, const void *next) {
    if (nr > W)
        NAME(product_of_bf16)(a, lda / 2, b, k / 2, c, rows, next, 2);
    else
        NAME(product_of_bf16)(a, lda / 2, b, k / 2, c, rows, next, 1);
}

#undef ALL_ROWS
#undef MORE_ROWS
