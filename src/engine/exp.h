/* The exponential function in plain arithmetic, for loops that the compiler vectorises. */
#ifndef IDEM_ENGINE_EXP_H
#define IDEM_ENGINE_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float idem_float_of_bits(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e^x, to 1.2e-7 of the value; below -87.3 it is 0 (a denormal number in float32), above 88.72 infinity. e^x = 2^n e^r
 * with |r| <= ln(2) / 2 and Taylor's series to r^7, whose next term is 5e-9. 2^n is multiplied in two halves, as 2^128
 * is no float. */
static inline float idem_exp(float x) {
    const float shift = 12582912; /* 3 * 2^22: after adding it, the last bits are the nearest integer */
    float turned = x * 1.44269504f + shift, n = turned - shift;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f; /* the first factor has few bits: n times it is exact */
    float y = 1 / 5040.0f;
    y = y * r + 1 / 720.0f;
    y = y * r + 1 / 120.0f;
    y = y * r + 1 / 24.0f;
    y = y * r + 1 / 6.0f;
    y = y * r + 0.5f;
    y = y * r * r + r + 1;
    int32_t bits;
    memcpy(&bits, &turned, sizeof bits);
    int32_t whole = bits - 0x4b400000, half = whole >> 1;
    y = y * idem_float_of_bits((half + 127) * (1 << 23)) * idem_float_of_bits((whole - half + 127) * (1 << 23));
    y = x < -87.3f ? 0 : y;
    return x > 88.72f ? INFINITY : y;
}

#endif
