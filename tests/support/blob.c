#include "support/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"

void blob_put(blob *b, const void *bytes, size_t n) {
    if (b->size + n > b->capacity) {
        b->capacity = 2 * (b->size + n);
        b->data = realloc(b->data, b->capacity);
        assert_non_null(b->data);
    }
    if (n)
        memcpy(b->data + b->size, bytes, n);
    b->size += n;
}

void blob_text(blob *b, const char *s) {
    blob_put(b, s, strlen(s));
}

void blob_byte(blob *b, int x) {
    blob_put(b, &(unsigned char){(unsigned char)x}, 1);
}

void blob_le(blob *b, uint64_t x, int bytes) {
    for (int i = 0; i < bytes; i++)
        blob_byte(b, (int)(x >> (8 * i) & 255));
}

void blob_drop(blob *b) {
    free(b->data);
    *b = (blob){0};
}

blob blob_read(const char *path) {
    blob b = {0};
    if (idem_file_read(path, (size_t)16 << 20, &b.data, &b.size))
        fail_msg("%s", idem_error());
    return b;
}
