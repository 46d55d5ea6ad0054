/* Files around a picture whose pixels stay: orientations, an animated PNG. */
#include "make_input/png.h"

#include <string.h>

/* A TIFF directory with an orientation and nothing else. */
static buffer tiff(int orientation, int is_long) {
    buffer out = {0};
    add(&out, "II*", 4);
    add_little(&out, 8, 4);
    add_little(&out, 1, 2);
    add_little(&out, 0x112, 2);
    add_little(&out, is_long ? 4 : 3, 2);
    add_little(&out, 1, 4);
    add_little(&out, (uint64_t)orientation, 4);
    add_little(&out, 0, 4);
    return out;
}

void make_png_exif(int n, char **args) {
    (void)n;
    buffer in = read_file(args[0]), out = {0}, exif = tiff(number(args[2]), 0);
    const byte *data;
    size_t size, at = 8;
    add(&out, png_signature, 8);
    for (const char *name; (name = next_chunk(&in, &at, &data, &size));) {
        add_chunk(&out, name, data, size);
        if (!memcmp(name, "IHDR", 4))
            add_chunk(&out, "eXIf", exif.data, exif.size);
    }
    write_file(args[1], &out);
}

static void add_app1(buffer *out, int orientation, int is_long) {
    buffer exif = tiff(orientation, is_long);
    add(out, "\xff\xe1", 2);
    add_big(out, 2 + 6 + exif.size, 2);
    add(out, "Exif\0", 6);
    add(out, exif.data, exif.size);
}

void make_jpg_exif(int n, char **args) {
    const char *how = n > 3 ? args[3] : "";
    buffer in = read_file(args[0]), out = {0};
    add(&out, in.data, 2);
    if (!strcmp(how, "second"))
        add_app1(&out, 1, 0);
    add_app1(&out, number(args[2]), !strcmp(how, "long"));
    add(&out, in.data + 2, in.size - 2);
    write_file(args[1], &out);
}

void make_webp_exif(int n, char **args) {
    (void)n;
    buffer in = read_file(args[0]), body = {0}, out = {0}, exif = tiff(number(args[2]), 0);
    uint64_t w = 0, h = 0;
    if (in.size < 30)
        quit("%s is no WebP", args[0]);
    if (!memcmp(in.data + 12, "VP8 ", 4)) {
        w = little(in.data + 26, 2) & 0x3fff;
        h = little(in.data + 28, 2) & 0x3fff;
    } else if (!memcmp(in.data + 12, "VP8L", 4)) {
        uint64_t bits = little(in.data + 21, 4);
        w = (bits & 0x3fff) + 1;
        h = (bits >> 14 & 0x3fff) + 1;
    } else
        quit("give a plain WebP");
    add_text(&body, "WEBPVP8X");
    add_little(&body, 10, 4);
    add_little(&body, 8, 4); /* the flag of EXIF */
    add_little(&body, w - 1, 3);
    add_little(&body, h - 1, 3);
    add(&body, in.data + 12, in.size - 12);
    add_text(&body, "EXIF");
    add_little(&body, exif.size, 4);
    add(&body, exif.data, exif.size);
    add(&body, "", exif.size % 2);
    add_text(&out, "RIFF");
    add_little(&out, body.size, 4);
    add(&out, body.data, body.size);
    write_file(args[1], &out);
}

static void add_frame(buffer *out, const byte *head, uint64_t sequence) {
    buffer data = {0};
    add_big(&data, sequence, 4);
    add(&data, head, 8); /* width and height */
    add(&data, "\0\0\0\0\0\0\0\0\0\1\0\12\0\0", 14);
    add_chunk(out, "fcTL", data.data, data.size);
}

/* The header and the pixels of a PNG, still compressed. */
static const byte *pixels(const buffer *png, buffer *idat) {
    const byte *data, *head = NULL;
    size_t size, at = 8;
    for (const char *name; (name = next_chunk(png, &at, &data, &size));)
        if (!memcmp(name, "IHDR", 4))
            head = data;
        else if (!memcmp(name, "IDAT", 4))
            add(idat, data, size);
    if (!head)
        quit("no IHDR");
    return head;
}

void make_apng(int n, char **args) {
    (void)n;
    buffer one = read_file(args[0]), two = read_file(args[1]), first = {0}, second = {0}, out = {0};
    add_big(&second, 2, 4); /* its sequence number */
    const byte *head = pixels(&one, &first);
    if (memcmp(head, pixels(&two, &second), 13))
        quit("sizes or kinds differ");
    add(&out, png_signature, 8);
    add_chunk(&out, "IHDR", head, 13);
    add_chunk(&out, "acTL", "\0\0\0\2\0\0\0", 8);
    add_frame(&out, head, 0);
    add_chunk(&out, "IDAT", first.data, first.size);
    add_frame(&out, head, 1);
    add_chunk(&out, "fdAT", second.data, second.size);
    add_chunk(&out, "IEND", NULL, 0);
    write_file(args[2], &out);
}
