#include "support/fill.h"

#include <stdint.h>

static uint64_t fnv1a(uint64_t h, const char *text) {
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

void fixture_fill(float *out, size_t count, const char *salt, const char *name, double a, double b) {
    const uint64_t h = fnv1a(fnv1a(0xcbf29ce484222325u, salt), name);
    for (size_t i = 0; i < count; i++) {
        uint64_t s = h + ((uint64_t)i + 1) * 0x9E3779B97F4A7C15u;
        s = (s ^ s >> 30) * 0xBF58476D1CE4E5B9u;
        s = (s ^ s >> 27) * 0x94D049BB133111EBu;
        s ^= s >> 31;
        double u = (double)(s >> 40) / 16777216.0;
        out[i] = (float)((2 * u - 1) * a + b);
    }
}
