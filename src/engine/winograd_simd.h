/* Template of the Winograd kernels for one instruction set; see simd_sets.h. The transforms are explained in
 * winograd_maps_simd.h. */

#include "engine/lanes_simd.h"
#include "engine/winograd_maps_simd.h"

enum { NAME(LINE) = 16 /* floats in a cache line */ };

WINOGRAD_INPUT(input, float, store, input6, 6, 6)
WINOGRAD_INPUT(input_down, float, store, down9, 9, 9)
WINOGRAD_INPUT(input_up, float, store, up9, 5, 9)

/* Inverse of one patch: `vectors` vectors of channels at m[point * stride] to the side * side pixels at y, cut to rows
 * x columns. The end's pointers belong to the first pixel. past: y is written past the caches. */
#define OUTPUT(name, map, points, side)                                                                                \
    static TARGET void NAME(name)(const float *m, int64_t stride, int vectors, const idem_conv_end *end, float *y,     \
                                  int64_t row, int64_t column, int rows, int columns, bool past) {                     \
        for (int c = 0; c < vectors * W; c += W) {                                                                     \
            const float *residual = end->residual, *slope = end->slope ? end->slope + c : NULL;                        \
            VEC t[side][points], b = {0};                                                                              \
            if (end->bias)                                                                                             \
                b = NAME(load)(end->bias + c);                                                                         \
            _Pragma("GCC unroll 9") for (int j = 0; j < points; j++) {                                                 \
                VEC d[points], r[side];                                                                                \
                for (int i = 0; i < points; i++)                                                                       \
                    d[i] = NAME(load)(m + (points * i + j) * stride + c);                                              \
                NAME(map)(d, r);                                                                                       \
                for (int i = 0; i < side; i++)                                                                         \
                    t[i][j] = r[i];                                                                                    \
            }                                                                                                          \
            for (int i = 0; i < rows; i++) {                                                                           \
                VEC r[side];                                                                                           \
                NAME(map)(t[i], r);                                                                                    \
                int64_t at = i * row + c;                                                                              \
                if (columns < side || residual || slope)                                                               \
                    for (int j = 0; j < columns; j++, at += column)                                                    \
                        NAME(write)(y + at, NAME(finish)(r[j] + b, residual ? residual + at : NULL, slope), past);     \
                else if (past)                                                                                         \
                    for (int j = 0; j < side; j++)                                                                     \
                        NAME(write)(y + at + j * column, r[j] + b, true);                                              \
                else                                                                                                   \
                    for (int j = 0; j < side; j++)                                                                     \
                        NAME(write)(y + at + j * column, r[j] + b, false);                                             \
            }                                                                                                          \
        }                                                                                                              \
    }
OUTPUT(output, output4, 6, 4)
OUTPUT(output_down, down4, 9, 4)
OUTPUT(output_up, up8, 9, 8)
#undef OUTPUT

/* Filters g[tap * nr] of one input channel and nr output channels to u[filter * stride]. */
#define WEIGHT(name, map)                                                                                              \
    static TARGET void NAME(name)(const float *g, int nr, void *numbers, int64_t stride) {                             \
        float *u = numbers;                                                                                            \
        for (int c = 0; c < nr; c += W) {                                                                              \
            VEC r[36];                                                                                                 \
            NAME(map)(g + c, nr, r);                                                                                   \
            for (int f = 0; f < 36; f++)                                                                               \
                NAME(store)(u + f * stride + c, r[f]);                                                                 \
        }                                                                                                              \
    }
WEIGHT(weight, weight36)
WEIGHT(weight_half, half36)
#undef WEIGHT

/* One patch of the output's gradient: the 16 pixels at pixel[] to v[xi * stride + channel]. */
static TARGET void NAME(expand)(const float *const *pixel, int64_t channels, float *v, int64_t stride) {
    for (int64_t c = 0; c < channels; c += W) {
        VEC t[6][4];
        _Pragma("GCC unroll 6") for (int j = 0; j < 4; j++) {
            VEC d[4], r[6];
            for (int i = 0; i < 4; i++)
                d[i] = NAME(load)(pixel[4 * i + j] + c);
            NAME(expand6)(d, r);
            for (int i = 0; i < 6; i++)
                t[i][j] = r[i];
        }
        _Pragma("GCC unroll 6") for (int i = 0; i < 6; i++) {
            VEC r[6];
            NAME(expand6)(t[i], r);
            for (int j = 0; j < 6; j++)
                NAME(store)(v + (6 * i + j) * stride + c, r[j]);
        }
    }
}

/* Sums s[xi * stride + channel] back to filters g[tap * tap_stride + channel]. */
static TARGET void NAME(filter)(const float *s, int64_t stride, int64_t channels, float *g, int64_t tap_stride) {
    for (int64_t c = 0; c < channels; c += W) {
        VEC t[3][6];
        _Pragma("GCC unroll 6") for (int j = 0; j < 6; j++) {
            VEC d[6], r[3];
            for (int i = 0; i < 6; i++)
                d[i] = NAME(load)(s + (6 * i + j) * stride + c);
            NAME(filter3)(d, r);
            for (int i = 0; i < 3; i++)
                t[i][j] = r[i];
        }
        for (int i = 0; i < 3; i++) {
            VEC r[3];
            NAME(filter3)(t[i], r);
            for (int j = 0; j < 3; j++)
                NAME(store)(g + (3 * i + j) * tap_stride + c, r[j]);
        }
    }
}

/* c [rows, vectors * W] = a [rows, k] x b [k, vectors * W], or added to c; a[r * row + l * step], c[r * ldc].
 * Prefetches `lines` cache lines from `next` on, one or two per step. */
static inline __attribute__((always_inline)) TARGET void
NAME(product_rows)(const float *a, int64_t row, int64_t step, const float *b, int64_t k, float *c, int64_t ldc,
                   bool add, const float *next, int64_t lines, const int vectors, const int rows) {
    VEC low[MR], high[MR];
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
        low[r] = add ? NAME(load)(c + r * ldc) : (VEC){0};
        if (vectors > 1)
            high[r] = add ? NAME(load)(c + r * ldc + W) : (VEC){0};
    }
    for (int64_t l = 0; l < k; l++, b += vectors * W) {
        VEC b0 = NAME(load)(b), b1 = vectors > 1 ? NAME(load)(b + W) : (VEC){0};
        if (l < lines)
            __builtin_prefetch(next + l * NAME(LINE));
        if (l + k < lines)
            __builtin_prefetch(next + (l + k) * NAME(LINE));
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
            VEC x = SPLAT(a[r * row + l * step]);
            low[r] = FMA(x, b0, low[r]);
            if (vectors > 1)
                high[r] = FMA(x, b1, high[r]);
        }
    }
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
        NAME(store)(c + r * ldc, low[r]);
        if (vectors > 1)
            NAME(store)(c + r * ldc + W, high[r]);
    }
}

static inline __attribute__((always_inline)) TARGET void NAME(product_of)(const float *a, int64_t lda, const float *b,
                                                                          int64_t k, float *c, int64_t rows,
                                                                          const float *next, const int vectors) {
    int64_t tiles = (rows + MR - 1) / MR, lines = (k * vectors * W / NAME(LINE) + tiles - 1) / tiles;
    for (; rows >= MR; rows -= MR, a += MR * lda, c += MR * vectors * W, next += lines * NAME(LINE))
        NAME(product_rows)(a, lda, 1, b, k, c, vectors * W, false, next, lines, vectors, MR);
    switch (rows) {
#define ROWS(n)                                                                                                        \
    case n:                                                                                                            \
        NAME(product_rows)(a, lda, 1, b, k, c, vectors * W, false, next, lines, vectors, n);                           \
        break;
        ALL_ROWS
#undef ROWS
    }
}

/* a by rows, c dense, nr of one or two vectors; prefetches the k x nr numbers at next, each tile its share. */
static TARGET void NAME(product)(const void *a, int64_t lda, const void *b, int64_t k, int nr, float *c, int64_t rows,
                                 const void *next) {
    if (nr > W)
        NAME(product_of)(a, lda, b, k, c, rows, next, 2);
    else
        NAME(product_of)(a, lda, b, k, c, rows, next, 1);
}

/* a by columns, added to c with row stride ldc */
static TARGET void NAME(product_add)(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t ldc,
                                     int64_t rows) {
    for (; rows >= MR; rows -= MR, a += MR, c += MR * ldc)
        NAME(product_rows)(a, 1, lda, b, k, c, ldc, true, NULL, 0, 2, MR);
    switch (rows) {
#define ROWS(n)                                                                                                        \
    case n:                                                                                                            \
        NAME(product_rows)(a, 1, lda, b, k, c, ldc, true, NULL, 0, 2, n);                                              \
        break;
        ALL_ROWS
#undef ROWS
    }
}

#undef ALL_ROWS
#undef MORE_ROWS
