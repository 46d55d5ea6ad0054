/* Counter-based random numbers: value i of stream s under seed k is a pure function of (k, s, i), the same on every
 * machine, so a generator's whole state is its counter. Streams are independent: one per purpose, named by a string.
 * The mixing function is splitmix64's (Steele, Lea, Flood 2014), keyed by seed and stream. */
#ifndef IDEM_BASE_RNG_H
#define IDEM_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t key;     /* from seed and stream name */
    uint64_t counter; /* numbers drawn so far; the whole state to save */
} idem_rng;

idem_rng idem_rng_make(uint64_t seed, const char *stream);

uint64_t idem_rng_u64(idem_rng *r);
double idem_rng_uniform(idem_rng *r);             /* [0, 1) */
uint64_t idem_rng_below(idem_rng *r, uint64_t n); /* 0 .. n-1 without bias; n > 0 */
float idem_rng_normal(idem_rng *r);               /* mean 0, variance 1; draws two numbers for one value */
void idem_rng_fill_normal(idem_rng *r, float *x, size_t n);
void idem_rng_shuffle(idem_rng *r, uint32_t *x, size_t n);

#endif
