#include "make_input/png.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

const byte png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

void add_chunk(buffer *out, const char *kind, const void *data, size_t size) {
    add_big(out, size, 4);
    size_t start = out->size;
    add(out, kind, 4);
    add(out, data, size);
    add_big(out, crc32(0, out->data + start, (uInt)(out->size - start)), 4);
}

/* The next chunk's kind, or NULL at the end; *at begins at 8. */
const char *next_chunk(const buffer *png, size_t *at, const byte **data, size_t *size) {
    if (*at + 12 > png->size)
        return NULL;
    const byte *chunk = png->data + *at;
    *size = big(chunk, 4);
    if (*size > png->size - *at - 12)
        quit("a PNG chunk is cut short");
    *data = chunk + 8;
    *at += 12 + *size;
    return (const char *)chunk + 4;
}

static int paeth(int a, int b, int c) {
    int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

picture read_png(const char *path) {
    buffer png = read_file(path), idat = {0};
    const byte *data, *head = NULL;
    size_t size, at = 8;
    for (const char *kind; (kind = next_chunk(&png, &at, &data, &size));)
        if (!memcmp(kind, "IHDR", 4))
            head = data;
        else if (!memcmp(kind, "IDAT", 4))
            add(&idat, data, size);
    if (!head || memcmp(head + 8, "\10\2\0\0\0", 5))
        quit("%s: give an 8-bit RGB PNG", path);
    picture p = {(int)big(head, 4), (int)big(head + 4, 4), NULL};
    size_t n = (size_t)p.w * 3;
    uLongf length = (uLongf)(n + 1) * (uLongf)p.h;
    byte *raw = take(length), *none = take(n);
    p.rgb = take(n * (size_t)p.h);
    if (uncompress(raw, &length, idat.data, idat.size) != Z_OK || length != (n + 1) * (size_t)p.h)
        quit("%s: its pixels do not unpack", path);
    for (size_t y = 0; y < (size_t)p.h; y++) {
        const byte *in = raw + y * (n + 1), *last = y ? p.rgb + (y - 1) * n : none;
        byte *row = p.rgb + y * n;
        for (size_t i = 0; i < n; i++) {
            int a = i > 2 ? row[i - 3] : 0, b = last[i], c = i > 2 ? last[i - 3] : 0;
            int guess[] = {0, a, b, (a + b) / 2, paeth(a, b, c)};
            if (in[0] > 4)
                quit("%s: row filter %d", path, in[0]);
            row[i] = (byte)(in[i + 1] + guess[in[0]]);
        }
    }
    return p;
}

/* `rows` holds h rows of `stride` bytes; `extra` are whole chunks between the header and the pixels. */
void write_png(const char *path, int w, int h, const byte *rows, size_t stride, const char *kind, const buffer *extra,
               int level) {
    buffer out = {0}, head = {0}, raw = {0};
    add(&out, png_signature, 8);
    add_big(&head, (uint64_t)w, 4);
    add_big(&head, (uint64_t)h, 4);
    add(&head, kind, 2); /* depth and colour type */
    add(&head, "\0\0\0", 3);
    add_chunk(&out, "IHDR", head.data, head.size);
    if (extra)
        add(&out, extra->data, extra->size);
    for (int y = 0; y < h; y++) {
        add(&raw, "", 1); /* no row filter */
        add(&raw, rows + (size_t)y * stride, stride);
    }
    uLongf size = compressBound(raw.size);
    byte *packed = take(size);
    if (compress2(packed, &size, raw.data, raw.size, level) != Z_OK)
        quit("cannot compress %s", path);
    add_chunk(&out, "IDAT", packed, size);
    add_chunk(&out, "IEND", NULL, 0);
    write_file(path, &out);
}

void write_rgb(const char *path, const picture *p, int level) {
    size_t length = strlen(path), stride = (size_t)p->w * 3;
    if (length < 4 || strcmp(path + length - 4, ".ppm")) {
        write_png(path, p->w, p->h, p->rgb, stride, "\10\2", NULL, level);
        return;
    }
    buffer out = {0};
    char head[64];
    snprintf(head, sizeof head, "P6 %d %d 255\n", p->w, p->h);
    add_text(&out, head);
    add(&out, p->rgb, stride * (size_t)p->h);
    write_file(path, &out);
}
