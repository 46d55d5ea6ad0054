#include "engine/denormal.h"

#include <omp.h>

#if defined(__x86_64__)
#include <immintrin.h>

static const uint64_t FLUSH = 0x8040; /* MXCSR: operands, results */

static uint64_t get(void) {
    return _mm_getcsr();
}

static void set(uint64_t state) {
    _mm_setcsr((unsigned)state);
}
#elif defined(__aarch64__)
static const uint64_t FLUSH = 1 << 24; /* FPCR.FZ */

static uint64_t get(void) {
    uint64_t state;
    __asm__ volatile("mrs %0, fpcr" : "=r"(state));
    return state;
}

static void set(uint64_t state) {
    __asm__ volatile("msr fpcr, %0" : : "r"(state));
}
#else
static const uint64_t FLUSH = 0;

static uint64_t get(void) {
    return 0;
}

static void set(uint64_t state) {
    (void)state;
}
#endif

/* State of the team's other threads. A thread created meanwhile has no entry and inherits its creator's state. */
static uint64_t own;
#pragma omp threadprivate(own)

int idem_denormals_flush(int threads, uint64_t *before) {
    int team = 1;
    *before = get();
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        {
            own = get();
            set(own | FLUSH);
#pragma omp master
            team = omp_get_num_threads();
        }
    }
    set(*before | FLUSH);
    return team;
}

void idem_denormals_restore(uint64_t before, int threads) {
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        set((get() & ~FLUSH) | (own & FLUSH));
    }
    set(before);
}
