#include "format/bytes.h"

#include <math.h>
#include <string.h>

#include "base/status.h"

static const struct {
    const char *name;
    size_t size;
} TYPES[] = {
    [IDEM_DTYPE_F32] = {"float32", 4}, [IDEM_DTYPE_F16] = {"float16", 2}, [IDEM_DTYPE_BF16] = {"bfloat16", 2},
    [IDEM_DTYPE_F64] = {"float64", 8}, [IDEM_DTYPE_I64] = {"int64", 8},   [IDEM_DTYPE_I32] = {"int32", 4},
    [IDEM_DTYPE_U8] = {"uint8", 1},    [IDEM_DTYPE_I8] = {"int8", 1},     [IDEM_DTYPE_I16] = {"int16", 2},
    [IDEM_DTYPE_U16] = {"uint16", 2},  [IDEM_DTYPE_U32] = {"uint32", 4},  [IDEM_DTYPE_U64] = {"uint64", 8},
    [IDEM_DTYPE_BOOL] = {"bool", 1},
};

const char *idem_dtype_name(idem_dtype t) {
    return TYPES[t].name;
}

size_t idem_dtype_size(idem_dtype t) {
    return TYPES[t].size;
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

float idem_f32_from_f16(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ffu;
    if (exponent == 31)
        return float_of(sign | 0x7f800000u | mantissa << 13);
    if (exponent == 0) {
        float x = (float)mantissa * 0x1p-24f;
        return sign ? -x : x;
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t idem_f16_from_f32(float x) {
    uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000u, a = bits & 0x7fffffffu;
    if (a > 0x7f800000u) /* NaN: becomes a quiet NaN */
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x47800000u) /* 2^16 and more */
        return (uint16_t)(sign | 0x7c00u);
    if (a >= 0x38800000u) { /* normal: 2^-14 and more; a carry out of the mantissa increments the exponent, which is
                               correct */
        a -= 112u << 23;
        return (uint16_t)(sign | (a + 0xfffu + (a >> 13 & 1)) >> 13);
    }
    if (a < 0x33000000u) /* below half of the smallest subnormal */
        return (uint16_t)sign;
    uint32_t mantissa = (a & 0x7fffffu) | 0x800000u, shift = 126 - (a >> 23);
    uint32_t q = mantissa >> shift, rest = mantissa & ((1u << shift) - 1), half = 1u << (shift - 1);
    return (uint16_t)(sign | (q + (rest > half || (rest == half && (q & 1)))));
}

uint16_t idem_bf16_from_f32(float x) {
    uint32_t bits = bits_of(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

static double double_of(const unsigned char *p) {
    uint64_t bits = idem_le64(p);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* One loop per type, each reading element i at p. */
#define EACH(expression)                                                                                               \
    for (size_t i = 0; i < count; i++) {                                                                               \
        const unsigned char *p = in + i * size;                                                                        \
        out[i] = (float)(expression);                                                                                  \
    }                                                                                                                  \
    return

void idem_dtype_read(float *out, const unsigned char *in, idem_dtype t, size_t count) {
    const size_t size = TYPES[t].size;
    switch (t) {
    case IDEM_DTYPE_F32:
        EACH(float_of(idem_le32(p)));
    case IDEM_DTYPE_F16:
        EACH(idem_f32_from_f16(idem_le16(p)));
    case IDEM_DTYPE_BF16:
        EACH(float_of((uint32_t)idem_le16(p) << 16));
    case IDEM_DTYPE_F64:
        EACH(double_of(p));
    case IDEM_DTYPE_I64:
        EACH((int64_t)idem_le64(p));
    case IDEM_DTYPE_I32:
        EACH((int32_t)idem_le32(p));
    case IDEM_DTYPE_I16:
        EACH((int16_t)idem_le16(p));
    case IDEM_DTYPE_I8:
        EACH((int8_t)*p);
    case IDEM_DTYPE_U64:
        EACH(idem_le64(p));
    case IDEM_DTYPE_U32:
        EACH(idem_le32(p));
    case IDEM_DTYPE_U16:
        EACH(idem_le16(p));
    case IDEM_DTYPE_U8:
        EACH(*p);
    case IDEM_DTYPE_BOOL:
        EACH(*p != 0);
    }
}

void idem_dtype_write(unsigned char *out, const float *in, idem_dtype t, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (t == IDEM_DTYPE_F32) {
            uint32_t b = bits_of(in[i]);
            for (int k = 0; k < 4; k++)
                out[i * 4 + (size_t)k] = (unsigned char)(b >> (8 * k));
        } else {
            uint16_t h = t == IDEM_DTYPE_F16 ? idem_f16_from_f32(in[i]) : idem_bf16_from_f32(in[i]);
            out[i * 2] = (unsigned char)h;
            out[i * 2 + 1] = (unsigned char)(h >> 8);
        }
    }
}

int idem_dtype_check(const float *x, idem_dtype t, size_t count, const char *name, const char *path) {
    for (size_t i = 0; t == IDEM_DTYPE_F16 && i < count; i++)
        if (fabsf(x[i]) >= 65520 && isfinite(x[i]))
            return idem_fail("%s: tensor %s holds %g, float16 ends at 65504: save as float32 or bfloat16", path, name,
                             (double)x[i]);
    return 0;
}
