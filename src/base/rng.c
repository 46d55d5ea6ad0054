#include "base/rng.h"

#include <math.h>

static uint64_t mix(uint64_t s) {
    s = (s ^ s >> 30) * 0xBF58476D1CE4E5B9u;
    s = (s ^ s >> 27) * 0x94D049BB133111EBu;
    return s ^ s >> 31;
}

idem_rng idem_rng_make(uint64_t seed, const char *stream) {
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a of the stream's name */
    for (const char *c = stream; *c; c++)
        h = (h ^ (unsigned char)*c) * 0x100000001B3u;
    return (idem_rng){.key = mix(mix(seed + 0x9E3779B97F4A7C15u) ^ h), .counter = 0};
}

uint64_t idem_rng_u64(idem_rng *r) {
    r->counter++;
    return mix(r->key + r->counter * 0x9E3779B97F4A7C15u);
}

double idem_rng_uniform(idem_rng *r) {
    return (double)(idem_rng_u64(r) >> 11) * 0x1p-53;
}

uint64_t idem_rng_below(idem_rng *r, uint64_t n) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, x;
    do
        x = idem_rng_u64(r);
    while (x >= limit);
    return x % n;
}

float idem_rng_normal(idem_rng *r) {
    double u = 1.0 - idem_rng_uniform(r), v = idem_rng_uniform(r);
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

void idem_rng_fill_normal(idem_rng *r, float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = idem_rng_normal(r);
}

void idem_rng_shuffle(idem_rng *r, uint32_t *x, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)idem_rng_below(r, i);
        uint32_t t = x[i - 1];
        x[i - 1] = x[j];
        x[j] = t;
    }
}
