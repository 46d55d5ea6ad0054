/* Template of the filters' sums of a few taps for one instruction set; see simd_sets.h. */
#include "engine/lanes_simd.h"

static inline __attribute__((always_inline)) TARGET void
NAME(taps)(float *out, const float *in, int64_t step, int64_t n, const int count, const float *weight, bool past) {
    int64_t j = 0;
    for (; j + W <= n; j += W) {
        VEC sum = SPLAT(weight[0]) * NAME(load)(in + j);
        _Pragma("GCC unroll 4") for (int t = 1; t < count; t++) sum =
            FMA(SPLAT(weight[t]), NAME(load)(in + t * step + j), sum);
        NAME(write)(out + j, sum, past);
    }
    for (; j < n; j++) {
        float sum = weight[0] * in[j];
        for (int t = 1; t < count; t++)
            sum += weight[t] * in[t * step + j];
        out[j] = sum;
    }
}

/* out[j] = sum_t weight[t] * in[t * step + j]; out and in do not overlap. past: out is written past the caches. */
static TARGET void NAME(combine)(float *out, const float *in, int64_t step, int64_t n, int count, const float *weight,
                                 bool past) {
    if (count == 4 && past)
        NAME(taps)(out, in, step, n, 4, weight, true);
    else if (count == 4)
        NAME(taps)(out, in, step, n, 4, weight, false);
    else if (count == 2)
        NAME(taps)(out, in, step, n, 2, weight, past);
    else if (count > 0)
        NAME(taps)(out, in, step, n, count, weight, past);
    else
        memset(out, 0, (size_t)n * sizeof *out);
}
