/* Template of the depthwise convolution for one instruction set; see simd_sets.h. */
#include "engine/lanes_simd.h"

/* `n` outputs next to each other at y, from the pixels of three rows of x; weight [9][channels]. */
static inline __attribute__((always_inline)) TARGET void NAME(depth_tile)(const depth_pixels *x, const float *weight,
                                                                          int64_t channels, const idem_conv_end *end,
                                                                          float *y, const int stride, const int n) {
    const int pixels = (n - 1) * stride + 3;
    const depth_pixels p = *x; /* a copy: writing y cannot change it */
    const float *bias = end->bias, *residual = end->residual, *slope = end->slope;
    for (int64_t c = 0; c < channels; c += W) {
        if (c + W > channels)
            c = channels - W; /* the last vector overlaps the one before */
        VEC sum[6], first = bias ? NAME(load)(bias + c) : (VEC){0};
        _Pragma("GCC unroll 6") for (int o = 0; o < n; o++) sum[o] = first;
        _Pragma("GCC unroll 3") for (int i = 0; i < 3; i++) {
            VEC v[9];
            _Pragma("GCC unroll 9") for (int j = 0; j < pixels; j++) {
                const float *at = j == 0 ? p.first[i] : j == pixels - 1 ? p.last[i] : p.row[i] + j * channels;
                v[j] = NAME(load)(at + c);
            }
            /* Tap by tap: the outputs' sums are independent of each other. */
            _Pragma("GCC unroll 3") for (int k = 0; k < 3; k++) {
                VEC f = NAME(load)(weight + (3 * i + k) * channels + c);
                _Pragma("GCC unroll 6") for (int o = 0; o < n; o++) sum[o] = FMA(v[o * stride + k], f, sum[o]);
            }
        }
        if (residual)
            _Pragma("GCC unroll 6") for (int o = 0; o < n; o++) sum[o] =
                sum[o] + NAME(load)(residual + o * channels + c);
        if (slope) {
            VEC s = NAME(load)(slope + c);
            _Pragma("GCC unroll 6") for (int o = 0; o < n; o++) sum[o] = NAME(bend)(sum[o], s);
        }
        _Pragma("GCC unroll 6") for (int o = 0; o < n; o++) NAME(store)(y + o * channels + c, sum[o]);
    }
}

static TARGET void NAME(depth)(const depth_pixels *x, const float *weight, int64_t channels, const idem_conv_end *end,
                               float *y, int stride, int n) {
    switch (8 * stride + n) {
#define TILE(stride, n)                                                                                                \
    case 8 * stride + n:                                                                                               \
        NAME(depth_tile)(x, weight, channels, end, y, stride, n);                                                      \
        break;
        TILE(1, 1)
        TILE(1, 2)
        TILE(1, 3)
        TILE(1, 4)
        TILE(1, 5)
        TILE(1, 6)
        TILE(2, 1)
        TILE(2, 2)
        TILE(2, 3)
        TILE(2, 4)
#undef TILE
    }
}
