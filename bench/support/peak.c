#include "support/work.h"

#include "engine/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { ROUNDS = 200000, SUMS = 12 };

/* The peak rate of a core: ROUNDS rounds of SUMS independent multiply-adds of `width` floats. */
#define LOOP(name, target, vec, set, fma, width)                                                                       \
    target static double name(float *out) {                                                                            \
        vec s[SUMS], a = set(out[0]), b = set(out[1]);                                                                 \
        _Pragma("GCC unroll 12") for (int k = 0; k < SUMS; k++) s[k] = set((float)k);                                  \
        for (int i = 0; i < ROUNDS; i++)                                                                               \
            _Pragma("GCC unroll 12") for (int k = 0; k < SUMS; k++) s[k] = fma(s[k], a, b);                            \
        for (int k = 1; k < SUMS; k++)                                                                                 \
            s[0] = s[0] + s[k];                                                                                        \
        out[2] = ((const float *)&s[0])[0];                                                                            \
        return 2.0 * ROUNDS * SUMS * (width);                                                                          \
    }
#define PLAIN(a, b, c) ((a) * (b) + (c))
LOOP(plain, , float, , PLAIN, 1)
#if defined(__x86_64__)
LOOP(avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps, 8)
LOOP(avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps, 16)
#endif

double bench_peak(int threads, double (*clock)(void)) {
    double (*loop)(float *) = plain;
#if defined(__x86_64__)
    idem_isa isa = idem_isa_has();
    loop = isa >= IDEM_ISA_AVX512 ? avx512 : isa == IDEM_ISA_AVX2 ? avx2 : plain;
#endif
    double best = 0;
    for (int run = 0; run < 10; run++) {
        double flops = 0, start = clock();
#pragma omp parallel for num_threads(threads) reduction(+ : flops)
        for (int t = 0; t < threads; t++) {
            float values[3] = {0.999f, 0.001f, 0};
            flops += loop(values);
        }
        double rate = flops / (clock() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}
