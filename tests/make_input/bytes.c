#include "make_input/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void quit(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("make-input: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *take(size_t size) {
    void *data = calloc(size ? size : 1, 1);
    if (!data)
        quit("out of memory");
    return data;
}

void add(buffer *out, const void *data, size_t size) {
    if (out->size + size > out->capacity) {
        out->capacity = 2 * (out->size + size);
        out->data = realloc(out->data, out->capacity);
        if (!out->data)
            quit("out of memory");
    }
    if (size)
        memcpy(out->data + out->size, data, size);
    out->size += size;
}

void add_text(buffer *out, const char *text) {
    add(out, text, strlen(text));
}

/* n bytes of a number, the lowest or the highest first. */
void add_little(buffer *out, uint64_t value, int n) {
    for (int i = 0; i < n; i++)
        add(out, &(byte){(byte)(value >> 8 * i)}, 1);
}

void add_big(buffer *out, uint64_t value, int n) {
    for (int i = n; i-- > 0;)
        add(out, &(byte){(byte)(value >> 8 * i)}, 1);
}

uint64_t big(const byte *at, int n) {
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

uint64_t little(const byte *at, int n) {
    uint64_t value = 0;
    for (int i = n; i-- > 0;)
        value = value << 8 | at[i];
    return value;
}

buffer read_file(const char *path) {
    buffer out = {0};
    byte piece[1 << 16];
    FILE *file = fopen(path, "rb");
    if (!file)
        quit("cannot open %s", path);
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        add(&out, piece, n);
    fclose(file);
    return out;
}

void write_file(const char *path, const buffer *b) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(b->data, 1, b->size, file) != b->size || fclose(file))
        quit("cannot write %s", path);
}

int number(const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end)
        quit("\"%s\" is not a number", text);
    return (int)value;
}
