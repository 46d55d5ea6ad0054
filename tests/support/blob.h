/* Bytes put together piece by piece. A failure here fails the test that called. */
#ifndef IDEM_TESTS_SUPPORT_BLOB_H
#define IDEM_TESTS_SUPPORT_BLOB_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char *data; /* malloc'ed */
    size_t size, capacity;
} blob;

void blob_put(blob *b, const void *bytes, size_t n);
void blob_text(blob *b, const char *s);
void blob_byte(blob *b, int x);
void blob_le(blob *b, uint64_t x, int bytes); /* little-endian */
void blob_drop(blob *b);
blob blob_read(const char *path); /* at most 16 MB */

#endif
