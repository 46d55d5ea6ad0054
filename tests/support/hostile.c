#define _GNU_SOURCE
#include "support/hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <zip.h>

#include "base/file.h"
#include "base/status.h"
#include "format/onnx.h"
#include "format/weights.h"

void blob_put(blob *b, const void *bytes, size_t n) {
    if (b->size + n > b->room) {
        b->room = 2 * (b->size + n);
        b->data = realloc(b->data, b->room);
        assert_non_null(b->data);
    }
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

/* ---- one attempt, whatever the format ---- */

const char HOSTILE_MANIFEST[] = "[{\"weights\":[{\"name\":\"a\",\"shape\":[2,3],\"dtype\":\"float32\","
                                "\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.5,\"min\":-1.25}},"
                                "{\"name\":\"b\",\"shape\":[1],\"dtype\":\"float32\"}],\"paths\":[\"m.bin\"]}]";

/* Reads every value that was loaded, so that a sanitizer sees memory that is not there. */
static double touch(const idem_weights *w) {
    double sum = 0;
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        const idem_weight *t = idem_weights_at(w, i);
        for (int64_t k = 0; k < idem_shape_count(&t->shape); k++)
            sum += t->data[k] > 0;
    }
    return sum;
}

/* 0 or -1; an exact copy is parsed, so that a sanitizer sees a read behind the end. */
int hostile_attempt(int format, const unsigned char *bytes, size_t size) {
    static const unsigned char BIN[10] = {1, 2, 3, 4, 5, 6};
    unsigned char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, bytes, size);
    idem_weights *w = NULL;
    idem_onnx *m = NULL;
    idem_shape shape;
    float *x = NULL;
    int status = -1;
    idem_error_clear();
    switch (format) {
    case TORCH:
        status = idem_torch_parse(&w, copy, size, "x");
        break;
    case SAFETENSORS:
        status = idem_safetensors_parse(&w, copy, size, "x");
        break;
    case NPY:
        status = idem_npy_parse(copy, size, "x", &shape, &x);
        break;
    case ONNX:
        status = idem_onnx_parse(&m, copy, size, "x");
        break;
    default:
        status = idem_manifest_parse(&w, copy, size, BIN, sizeof BIN, "x");
    }
    if (status && strncmp(idem_error(), "x: ", 3))
        fail_msg("message \"%s\" does not name the source", idem_error());
    if (!status && w)
        assert_true(touch(w) >= 0);
    idem_weights_free(w);
    idem_onnx_free(m);
    free(x);
    free(copy);
    return status;
}

blob hostile_archive(const member *m, size_t n) {
    char path[] = "/tmp/idem-hostile-XXXXXX";
    int fd = mkstemp(path), error;
    assert_true(fd >= 0);
    close(fd);
    zip_t *z = zip_open(path, ZIP_TRUNCATE, &error);
    assert_non_null(z);
    for (size_t i = 0; i < n; i++) {
        zip_int64_t at = zip_file_add(z, m[i].name, zip_source_buffer(z, m[i].data, m[i].size, 0), 0);
        assert_true(at >= 0);
        zip_set_file_compression(z, (zip_uint64_t)at, m[i].method, 1);
    }
    assert_int_equal(zip_close(z), 0);
    blob b = {0};
    assert_int_equal(idem_file_read(path, (size_t)1 << 30, &b.data, &b.size), 0);
    unlink(path);
    return b;
}

/* Parses an archive of this pickle and 64 bytes of storage "0". */
int hostile_pickle(const void *pickle, size_t size) {
    static const unsigned char STORAGE[64];
    const member m[] = {{"a/data.pkl", pickle, size, ZIP_CM_STORE}, {"a/data/0", STORAGE, 64, ZIP_CM_STORE}};
    blob b = hostile_archive(m, 2);
    int status = hostile_attempt(TORCH, b.data, b.size);
    blob_drop(&b);
    return status;
}

/* {"t": a tensor of one dimension} with its numbers written by the caller. */
blob hostile_tensor(int64_t offset, int64_t size, int64_t stride, int64_t count) {
    blob b = {0};
    blob_text(&b, "\x80\x02}U\x01tctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
                  "0U\x03"
                  "cpu\x8a\x08");
    blob_le(&b, (uint64_t)count, 8);
    blob_text(&b, "tQ\x8a\x08");
    blob_le(&b, (uint64_t)offset, 8);
    blob_text(&b, "\x8a\x08");
    blob_le(&b, (uint64_t)size, 8);
    blob_text(&b, "\x85\x8a\x08");
    blob_le(&b, (uint64_t)stride, 8);
    blob_text(&b, "\x85\x89}tRs.");
    return b;
}
