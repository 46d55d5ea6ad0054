/* For the tests of hostile files: bytes put together piece by piece, PyTorch archives made of any pickle, and one
 * attempt to read them. A failure here fails the test that called. */
#ifndef IDEM_TESTS_SUPPORT_HOSTILE_H
#define IDEM_TESTS_SUPPORT_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *data;
    size_t size, room;
} blob;

void blob_put(blob *b, const void *bytes, size_t n);
void blob_text(blob *b, const char *s);
void blob_byte(blob *b, int x);
void blob_le(blob *b, uint64_t x, int bytes); /* little-endian */
void blob_drop(blob *b);

enum { TORCH, SAFETENSORS, NPY, ONNX, MANIFEST };

/* 0 or -1. Every value of what was loaded is read; a message must name the source. */
int hostile_attempt(int format, const unsigned char *bytes, size_t size);

extern const char HOSTILE_MANIFEST[]; /* fits the 10 bytes of values that an attempt on MANIFEST is given */

/* One entry of a zip archive; method is libzip's. */
typedef struct {
    const char *name;
    const void *data;
    size_t size;
    int method;
} member;

blob hostile_archive(const member *m, size_t n);

/* Attempts an archive of this pickle and 64 bytes of storage "0". */
int hostile_pickle(const void *pickle, size_t size);

/* The pickle of {"t": a tensor of one dimension}, a view of storage "0". */
blob hostile_tensor(int64_t offset, int64_t size, int64_t stride, int64_t count);

#endif
