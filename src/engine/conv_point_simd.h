/* Template of the 1x1 convolution for one instruction set; see simd_sets.h. */
#include "engine/lanes_simd.h"

/* y[rows, vectors * W] = end(x[rows, k] b[k, vectors * W]); rows of x and y are x_row and y_row floats apart.
 * Prefetches k lines of `ahead`. */
static inline __attribute__((always_inline)) TARGET void
NAME(point_rows)(const float *x, int64_t x_row, const float *b, int64_t k, const float *ahead, const idem_conv_end *end,
                 float *y, int64_t y_row, const int vectors, const int rows) {
    VEC sum[MR][2];
    _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) {
        VEC first = end->bias ? NAME(load)(end->bias + v * W) : (VEC){0};
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) sum[r][v] = first;
    }
    for (int64_t l = 0; l < k; l++, b += vectors * W) {
        VEC f[2];
        if (W == 16)
            __builtin_prefetch(ahead + l * W, 0, 2);
        _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) f[v] = NAME(load)(b + v * W);
        _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
            VEC one = SPLAT(x[r * x_row + l]);
            _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) sum[r][v] = FMA(one, f[v], sum[r][v]);
        }
    }
    const float *residual = end->residual, *slope = end->slope;
    _Pragma("GCC unroll 16") for (int r = 0; r < rows; r++) {
        _Pragma("GCC unroll 2") for (int v = 0; v < vectors; v++) {
            int64_t at = r * y_row + v * W;
            NAME(store)(y + at, NAME(finish)(sum[r][v], residual ? residual + at : NULL, slope ? slope + v * W : NULL));
        }
    }
}

/* next: the weights of the next panel, of the same number. Memory beyond the second-level cache is slower than a tile
 * consumes weights, so the first tiles of a panel prefetch those of the next. */
static inline __attribute__((always_inline)) TARGET void NAME(point_all)(const float *x, int64_t k, const float *b,
                                                                         const float *next, int64_t rows,
                                                                         const idem_conv_end *given, float *y,
                                                                         int64_t y_row, const int vectors) {
    idem_conv_end end = *given;
    const float *ahead = next;
    /* Tiles of nearly equal size: a tile of one or two rows would wait for its own sums. */
    for (int64_t tiles = (rows + MR - 1) / MR; tiles > 0; tiles--) {
        const int64_t now = (rows + tiles - 1) / tiles;
        switch (now) { /* separate code for every count, so that the sums stay in registers */
#define ROWS(n)                                                                                                        \
    case n:                                                                                                            \
        NAME(point_rows)(x, k, b, k, ahead, &end, y, y_row, vectors, n);                                               \
        break;
            ROWS(1)
            ROWS(2)
            ROWS(3)
            ROWS(4)
            ROWS(5)
            ROWS(6)
#if MR > 6
            ROWS(7)
            ROWS(8)
            ROWS(9)
            ROWS(10)
            ROWS(11)
            ROWS(12)
#endif
#undef ROWS
        }
        rows -= now;
        x += now * k;
        y += now * y_row;
        end = idem_conv_end_at(&end, 0, now * y_row);
        ahead = ahead == next && vectors > 1 ? next + k * W : b;
    }
}

/* Two vectors of output channels, or one. */
static TARGET void NAME(point_wide)(const float *x, int64_t k, const float *b, const float *next, int64_t rows,
                                    const idem_conv_end *end, float *y, int64_t y_row) {
    NAME(point_all)(x, k, b, next, rows, end, y, y_row, 2);
}

static TARGET void NAME(point_narrow)(const float *x, int64_t k, const float *b, const float *next, int64_t rows,
                                      const idem_conv_end *end, float *y, int64_t y_row) {
    NAME(point_all)(x, k, b, next, rows, end, y, y_row, 1);
}
