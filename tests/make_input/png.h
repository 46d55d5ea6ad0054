/* 8-bit RGB PNG read, any PNG written, chunk by chunk. */
#ifndef IDEM_TESTS_MAKE_INPUT_PNG_H
#define IDEM_TESTS_MAKE_INPUT_PNG_H

#include "make_input/bytes.h"

typedef struct {
    int w, h;
    byte *rgb;
} picture;

extern const byte png_signature[8];
void add_chunk(buffer *out, const char *kind, const void *data, size_t size);

/* The next chunk's kind, or NULL at the end; *at begins at 8. */
const char *next_chunk(const buffer *png, size_t *at, const byte **data, size_t *size);

picture read_png(const char *path);

/* `rows` holds h rows of `stride` bytes; `kind` is the depth and the colour type; `extra`, which may be NULL, are whole
 * chunks between the header and the pixels. */
void write_png(const char *path, int w, int h, const byte *rows, size_t stride, const char *kind, const buffer *extra,
               int level);

/* A PNG, or a PPM where the path says so. */
void write_rgb(const char *path, const picture *p, int level);

#endif
