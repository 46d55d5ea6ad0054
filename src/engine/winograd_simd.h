/* Template of the Winograd kernels for one instruction set; see simd_sets.h.
 *
 * F(4x4, 3x3): a 6x6 patch d of the input and the 3x3 filter g give a 4x4 patch of the output,
 *     y = A' [(G g G') * (B' d B)] A
 * with * element by element, so 36 multiplications do the work of 144 (Lavin and Gray 2015). The matrices here come
 * from the points 0, +-3/4, +-3/2 and infinity instead of 0, +-1, +-2: every coefficient of A and B is still exact, and
 * the rounding error is a third (1.1e-6 of the output's size against 2.5e-6; a direct sum has 0.6e-6). */

#include "engine/lanes_simd.h"

enum { NAME(NR) = 2 * W, NAME(LINE) = 16 /* floats in a cache line */ };

/* r = B' d, one row or column of six */
static inline __attribute__((always_inline)) TARGET void NAME(input6)(const VEC d[6], VEC r[6]) {
    VEC e1 = FMA(d[2], SPLAT(2.25f), -d[4]), o1 = FMA(d[1], SPLAT(1.6875f), d[3] * -0.75f);
    VEC e2 = FMA(d[2], SPLAT(-0.5625f), d[4]), o2 = FMA(d[3], SPLAT(1.5f), d[1] * -0.84375f);
    r[0] = FMA(d[0], SPLAT(1.265625f), FMA(d[2], SPLAT(-2.8125f), d[4]));
    r[1] = e1 + o1;
    r[2] = e1 - o1;
    r[3] = e2 + o2;
    r[4] = e2 - o2;
    r[5] = FMA(d[1], SPLAT(1.265625f), FMA(d[3], SPLAT(-2.8125f), d[5]));
}

/* y = A' m */
static inline __attribute__((always_inline)) TARGET void NAME(output4)(const VEC m[6], VEC y[4]) {
    VEC s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];
    y[0] = m[0] + s1 + s2;
    y[1] = FMA(d1, SPLAT(0.75f), d2 * 1.5f);
    y[2] = FMA(s1, SPLAT(0.5625f), s2 * 2.25f);
    y[3] = FMA(d1, SPLAT(0.421875f), FMA(d2, SPLAT(3.375f), m[5]));
}

/* u = G g */
static inline __attribute__((always_inline)) TARGET void NAME(weight6)(const VEC g[3], VEC u[6]) {
    VEC e1 = FMA(g[0], SPLAT(128.0f / 243), g[2] * (8.0f / 27)), o1 = g[1] * (32.0f / 81);
    VEC e2 = FMA(g[0], SPLAT(32.0f / 243), g[2] * (8.0f / 27)), o2 = g[1] * (16.0f / 81);
    u[0] = g[0] * (64.0f / 81);
    u[1] = e1 + o1;
    u[2] = e1 - o1;
    u[3] = e2 + o2;
    u[4] = e2 - o2;
    u[5] = g[2];
}

/* Stride 2 splits into even and odd positions: two taps apply to the even ones by F(4, 2), points +-1/2, +-5/4 and
 * infinity, five numbers; the tap between them applies directly to the odd ones, four numbers. So nine numbers give
 * four outputs of a convolution (from nine inputs) or eight of a transposed one (from five), 81 products instead of 144
 * in two dimensions; 36 filters are different. */
static inline __attribute__((always_inline)) TARGET void NAME(even5)(const VEC d[5], VEC r[5]) {
    VEC e1 = FMA(d[0], SPLAT(0.78125f), d[2] * -0.5f), o1 = FMA(d[1], SPLAT(1.5625f), -d[3]);
    VEC e2 = FMA(d[2], SPLAT(1.25f), d[0] * -0.3125f), o2 = FMA(d[1], SPLAT(-0.25f), d[3]);
    r[0] = e1 + o1;
    r[1] = e1 - o1;
    r[2] = e2 + o2;
    r[3] = e2 - o2;
    r[4] = FMA(d[0], SPLAT(0.390625f), FMA(d[2], SPLAT(-1.8125f), d[4]));
}

static inline __attribute__((always_inline)) TARGET void NAME(even4)(const VEC m[5], VEC y[4]) {
    VEC s1 = m[0] + m[1], d1 = m[0] - m[1], s2 = m[2] + m[3], d2 = m[2] - m[3];
    y[0] = s1 + s2;
    y[1] = FMA(d1, SPLAT(0.5f), d2 * 1.25f);
    y[2] = FMA(s1, SPLAT(0.25f), s2 * 1.5625f);
    y[3] = FMA(d1, SPLAT(0.125f), FMA(d2, SPLAT(1.953125f), m[4]));
}

static inline __attribute__((always_inline)) TARGET void NAME(half6)(const VEC g[3], VEC u[6]) {
    VEC e1 = g[0] * (16.0f / 21), e2 = g[0] * (32.0f / 105), o = g[2] * (8.0f / 21);
    u[0] = e1 + o;
    u[1] = e1 - o;
    u[2] = e2 + o;
    u[3] = e2 - o;
    u[4] = g[2];
    u[5] = g[1];
}

static inline __attribute__((always_inline)) TARGET void NAME(down9)(const VEC d[9], VEC r[9]) {
    const VEC even[5] = {d[0], d[2], d[4], d[6], d[8]};
    NAME(even5)(even, r);
    for (int i = 0; i < 4; i++)
        r[5 + i] = d[2 * i + 1];
}

static inline __attribute__((always_inline)) TARGET void NAME(down4)(const VEC m[9], VEC y[4]) {
    NAME(even4)(m, y);
    for (int i = 0; i < 4; i++)
        y[i] += m[5 + i];
}

static inline __attribute__((always_inline)) TARGET void NAME(up9)(const VEC d[5], VEC r[9]) {
    NAME(even5)(d, r);
    for (int i = 0; i < 4; i++)
        r[5 + i] = d[1 + i];
}

static inline __attribute__((always_inline)) TARGET void NAME(up8)(const VEC m[9], VEC y[8]) {
    VEC e[4];
    NAME(even4)(m, e);
    for (int i = 0; i < 4; i++) {
        y[2 * i] = e[i];
        y[2 * i + 1] = m[5 + i];
    }
}

/* The transposed maps, for the weight gradient: e = A y, four to six, and g = G' s, six to three. */
static inline __attribute__((always_inline)) TARGET void NAME(expand6)(const VEC y[4], VEC e[6]) {
    VEC e1 = FMA(y[2], SPLAT(0.5625f), y[0]), o1 = FMA(y[1], SPLAT(0.75f), y[3] * 0.421875f);
    VEC e2 = FMA(y[2], SPLAT(2.25f), y[0]), o2 = FMA(y[1], SPLAT(1.5f), y[3] * 3.375f);
    e[0] = y[0];
    e[1] = e1 + o1;
    e[2] = e1 - o1;
    e[3] = e2 + o2;
    e[4] = e2 - o2;
    e[5] = y[3];
}

static inline __attribute__((always_inline)) TARGET void NAME(filter3)(const VEC s[6], VEC g[3]) {
    VEC s1 = s[1] + s[2], d1 = s[1] - s[2], s2 = s[3] + s[4], d2 = s[3] - s[4];
    g[0] = FMA(s[0], SPLAT(64.0f / 81), FMA(s1, SPLAT(128.0f / 243), s2 * (32.0f / 243)));
    g[1] = FMA(d1, SPLAT(32.0f / 81), d2 * (16.0f / 81));
    g[2] = FMA(s1 + s2, SPLAT(8.0f / 27), s[5]);
}

/* One patch: the side * side pixels at pixel[] (rows of `channels` floats) to v[point * stride + channel]. */
#define INPUT(name, map, side, points)                                                                                 \
    static TARGET void NAME(name)(const float *const *pixel, int64_t channels, float *v, int64_t stride) {             \
        for (int64_t c = 0; c < channels; c += W) {                                                                    \
            VEC t[points][side];                                                                                       \
            _Pragma("GCC unroll 9") for (int j = 0; j < side; j++) {                                                   \
                VEC d[side], r[points];                                                                                \
                for (int i = 0; i < side; i++)                                                                         \
                    d[i] = NAME(load)(pixel[side * i + j] + c);                                                        \
                NAME(map)(d, r);                                                                                       \
                for (int i = 0; i < points; i++)                                                                       \
                    t[i][j] = r[i];                                                                                    \
            }                                                                                                          \
            _Pragma("GCC unroll 9") for (int i = 0; i < points; i++) {                                                 \
                VEC r[points];                                                                                         \
                NAME(map)(t[i], r);                                                                                    \
                for (int j = 0; j < points; j++)                                                                       \
                    NAME(store)(v + (points * i + j) * stride + c, r[j]);                                              \
            }                                                                                                          \
        }                                                                                                              \
    }
INPUT(input, input6, 6, 6)
INPUT(input_down, down9, 9, 9)
INPUT(input_up, up9, 5, 9)
#undef INPUT

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

/* Filters g[tap * NR] of one input channel and NR output channels to u[filter * stride]. */
#define WEIGHT(name, map)                                                                                              \
    static TARGET void NAME(name)(const float *g, float *u, int64_t stride) {                                          \
        for (int c = 0; c < NAME(NR); c += W) {                                                                        \
            VEC t[6][3];                                                                                               \
            for (int j = 0; j < 3; j++) {                                                                              \
                VEC d[3], r[6];                                                                                        \
                for (int i = 0; i < 3; i++)                                                                            \
                    d[i] = NAME(load)(g + (3 * i + j) * NAME(NR) + c);                                                 \
                NAME(map)(d, r);                                                                                       \
                for (int i = 0; i < 6; i++)                                                                            \
                    t[i][j] = r[i];                                                                                    \
            }                                                                                                          \
            for (int i = 0; i < 6; i++) {                                                                              \
                VEC r[6];                                                                                              \
                NAME(map)(t[i], r);                                                                                    \
                for (int j = 0; j < 6; j++)                                                                            \
                    NAME(store)(u + (6 * i + j) * stride + c, r[j]);                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }
WEIGHT(weight, weight6)
WEIGHT(weight_half, half6)
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

/* c [rows, NR] = a [rows, k] x b [k, NR], or added to c; a[r * row + l * step], c[r * ldc]. Prefetches `lines` cache
 * lines from `next` on, one or two per step. */
static inline __attribute__((always_inline)) TARGET void NAME(product_rows)(const float *a, int64_t row, int64_t step,
                                                                            const float *b, int64_t k, float *c,
                                                                            int64_t ldc, bool add, const float *next,
                                                                            int64_t lines, const int rows) {
    VEC low[MR], high[MR];
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
        low[r] = add ? NAME(load)(c + r * ldc) : (VEC){0};
        high[r] = add ? NAME(load)(c + r * ldc + W) : (VEC){0};
    }
    for (int64_t l = 0; l < k; l++) {
        VEC b0 = NAME(load)(b + l * NAME(NR)), b1 = NAME(load)(b + l * NAME(NR) + W);
        if (l < lines)
            __builtin_prefetch(next + l * NAME(LINE));
        if (l + k < lines)
            __builtin_prefetch(next + (l + k) * NAME(LINE));
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
            VEC x = SPLAT(a[r * row + l * step]);
            low[r] = FMA(x, b0, low[r]);
            high[r] = FMA(x, b1, high[r]);
        }
    }
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
        NAME(store)(c + r * ldc, low[r]);
        NAME(store)(c + r * ldc + W, high[r]);
    }
}

/* Every number of rows below MR has separate code, so that the sums stay in registers. */
#if MR > 6
#define MORE_ROWS ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11)
#else
#define MORE_ROWS
#endif
#define ALL_ROWS ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) MORE_ROWS

/* a by rows, c dense; prefetches the k x NR numbers at next, each tile its share. */
static TARGET void NAME(product)(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t rows,
                                 const float *next) {
    int64_t tiles = (rows + MR - 1) / MR, lines = (k * NAME(NR) / NAME(LINE) + tiles - 1) / tiles;
    for (; rows >= MR; rows -= MR, a += MR * lda, c += MR * NAME(NR), next += lines * NAME(LINE))
        NAME(product_rows)(a, lda, 1, b, k, c, NAME(NR), false, next, lines, MR);
    switch (rows) {
#define ROWS(n)                                                                                                        \
    case n:                                                                                                            \
        NAME(product_rows)(a, lda, 1, b, k, c, NAME(NR), false, next, lines, n);                                       \
        break;
        ALL_ROWS
#undef ROWS
    }
}

/* a by columns, added to c with row stride ldc */
static TARGET void NAME(product_add)(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t ldc,
                                     int64_t rows) {
    for (; rows >= MR; rows -= MR, a += MR, c += MR * ldc)
        NAME(product_rows)(a, 1, lda, b, k, c, ldc, true, NULL, 0, MR);
    switch (rows) {
#define ROWS(n)                                                                                                        \
    case n:                                                                                                            \
        NAME(product_rows)(a, 1, lda, b, k, c, ldc, true, NULL, 0, n);                                                 \
        break;
        ALL_ROWS
#undef ROWS
    }
}

#undef ALL_ROWS
#undef MORE_ROWS
