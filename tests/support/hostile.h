/* For the tests of hostile files: PyTorch archives made of any pickle, and one attempt to read a file of any kind. A
 * failure here fails the test that called. */
#ifndef IDEM_TESTS_SUPPORT_HOSTILE_H
#define IDEM_TESTS_SUPPORT_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/blob.h"

/* With an address sanitizer red zones and quarantine count as memory: only death and time are looked at. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOSTILE_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HOSTILE_SANITIZED 1
#endif

/* What a file is read as. ONNX_GRAPH: a network is built of it too; MANIFEST_BIN: the values beside HOSTILE_MANIFEST;
 * MODULE, MODULE_SHARD: both as JavaScript modules;
 * CHECKPOINT: the newest of a training run, of the generator with the hash "hash"; EXIF: the block in a picture. */
enum {
    TORCH,
    SAFETENSORS,
    NPY,
    ONNX,
    ONNX_GRAPH,
    MANIFEST,
    MANIFEST_BIN,
    MODULE,
    MODULE_SHARD,
    CHECKPOINT,
    REGISTRY,
    PICTURE,
    EXIF
};

/* One attempt to read a file: an exact copy of the bytes, so that a sanitizer sees a read behind the end. */
typedef struct {
    bool loaded;
    uint64_t digest;     /* of every value that was loaded */
    const char *problem; /* NULL, or what is wrong with a refusal: its message, when that does not name the source */
} hostile_outcome;
hostile_outcome hostile_try(int format, const unsigned char *bytes, size_t size);

/* The same in a test: 0 or -1, fails on a problem. */
int hostile_attempt(int format, const unsigned char *bytes, size_t size);

/* A checkpoint as a run of training writes it. */
blob hostile_checkpoint(void);

extern const char HOSTILE_MANIFEST[]; /* fits the 10 bytes of values that an attempt on MANIFEST is given */
extern const char HOSTILE_MODULE[], HOSTILE_SHARD[];

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
