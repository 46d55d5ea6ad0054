/* Little-endian numbers from and to bytes, and sizes that cannot overflow. */
#ifndef IDEM_FORMAT_BYTES_H
#define IDEM_FORMAT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/graph.h"
#include "format/weights.h"

static inline uint16_t idem_le16(const unsigned char *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t idem_le32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t idem_le64(const unsigned char *p) {
    return (uint64_t)idem_le32(p) | (uint64_t)idem_le32(p + 4) << 32;
}

/* The n lowest bytes of x. */
static inline void idem_le_put(unsigned char *to, uint64_t x, int n) {
    for (int i = 0; i < n; i++)
        to[i] = (unsigned char)(x >> 8 * i);
}

/* Number of elements; false if it does not fit an int64_t or a dimension is negative. Unlike idem_shape_count it
 * accepts untrusted numbers, 0 included. */
static inline bool idem_shape_elements(const idem_shape *s, int64_t *count) {
    *count = 1;
    bool empty = false, fits = true;
    for (int i = 0; i < s->rank; i++) {
        if (s->d[i] < 0)
            return false;
        if (s->d[i] == 0)
            empty = true;
        else if (__builtin_mul_overflow(*count, s->d[i], count))
            fits = false;
    }
    if (empty)
        *count = 0;
    return fits || empty;
}

/* Bytes of one element. */
size_t idem_dtype_size(idem_dtype t);

/* count elements of any type from little-endian bytes; rounds to nearest even if float32 cannot hold the value. */
void idem_dtype_read(float *out, const unsigned char *in, idem_dtype t, size_t count);
/* To little-endian float32, float16 or bfloat16, rounding to nearest even. */
void idem_dtype_write(unsigned char *out, const float *in, idem_dtype t, size_t count);

/* -1 with a message if a finite value is outside the type's range. */
int idem_dtype_check(const float *x, idem_dtype t, size_t count, const char *name, const char *path);

uint16_t idem_f16_from_f32(float x);
float idem_f32_from_f16(uint16_t h);
uint16_t idem_bf16_from_f32(float x);

/* The most memory that the reader may allocate for one weight file: inflated entries and tensors, without the file
 * itself and its tables. Valid files need far less (bytes to floats is 4 times). */
static inline size_t idem_format_budget(size_t file_size) {
    size_t most = (size_t)20 << 20, share;
    if (__builtin_mul_overflow(file_size, (size_t)6, &share) || __builtin_add_overflow(most, share, &most))
        return SIZE_MAX;
    return most;
}

/* idem_weights_add with the source named in the message. */
idem_weight *idem_weights_add_from(idem_weights *w, const char *what, const char *name, idem_shape shape);
/* Bytes the tensors, names and metadata take. */
size_t idem_weights_bytes(const idem_weights *w);
/* Records a tensor without elements as metadata. */
int idem_weights_note_empty(idem_weights *w, const char *name, const idem_shape *shape);

/* Checks JSON against memory bombs: at most 2 MB, and a density of containers that real descriptions of tensors do not
 * reach. */
int idem_json_check(const unsigned char *text, size_t size, const char *what);

/* The rest of a message: "it looks like a PNG picture", by the first bytes. */
const char *idem_looks_like(const unsigned char *bytes, size_t size);

#endif
