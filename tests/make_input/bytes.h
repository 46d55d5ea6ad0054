/* Growing bytes, numbers in both orders, files: what make-input's sub-commands share. Nothing is freed: it runs once.
 */
#ifndef IDEM_TESTS_MAKE_INPUT_BYTES_H
#define IDEM_TESTS_MAKE_INPUT_BYTES_H

#include <stddef.h>
#include <stdint.h>

typedef unsigned char byte;

typedef struct {
    byte *data;
    size_t size, capacity;
} buffer;

/* One line to stderr, then exit status 1: a test cannot go on without its input. */
__attribute__((noreturn, format(printf, 1, 2))) void quit(const char *format, ...);
void *take(size_t size); /* zeroed */
void add(buffer *out, const void *data, size_t size);
void add_text(buffer *out, const char *text);

/* n bytes of a number, the lowest or the highest first. */
void add_little(buffer *out, uint64_t value, int n);
void add_big(buffer *out, uint64_t value, int n);
uint64_t little(const byte *at, int n);
uint64_t big(const byte *at, int n);

buffer read_file(const char *path);
void write_file(const char *path, const buffer *b);
int number(const char *text);

/* The sub-commands: n arguments after their name. */
typedef void sub_command(int n, char **args);
sub_command make_canvas, make_part, make_kind, make_png_exif, make_jpg_exif, make_webp_exif, make_apng, make_st,
    make_pickle;

#endif
