/* Files may be hostile: every size in a container is checked against the bytes left; a packet is not parsed but
 * searched for the mark. idem does not write compressed packets or packets split over several parts of a JPEG. */
#define _GNU_SOURCE
#include "media/marked.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/bytes.h"
#include "media/format.h"
#include "media/xmp.h"

typedef struct {
    const unsigned char *at;
    size_t n;
} span;

static bool starts(span s, const char *with, size_t n) {
    return s.n >= n && !memcmp(s.at, with, n);
}

static bool is(span s, const char *text, size_t n) {
    return s.n == n && starts(s, text, n);
}

/* A literal, which may contain NULs, and its length. */
#define LITERAL(text) text, sizeof(text) - 1

static span past(span s, size_t n) {
    return (span){s.at + n, s.n - n};
}

/* The bytes after the next `text` in s; n 0: none. */
static span behind(span s, const char *text, size_t n) {
    const unsigned char *at = memmem(s.at, s.n, text, n);
    return at ? past(s, (size_t)(at - s.at) + n) : (span){s.at, 0};
}

/* In idem's form, or rewritten with other quotes or as an element. */
static bool packet_says(span xmp) {
    if (!memmem(xmp.at, xmp.n, LITERAL(IDEM_XMP_NAMESPACE)))
        return false;
    while ((xmp = behind(xmp, LITERAL("idem:synthetic"))).n)
        if (starts(xmp, LITERAL("=\"true\"")) || starts(xmp, LITERAL("='true'")) || starts(xmp, LITERAL(">true<")))
            return true;
    return false;
}

static uint32_t big32(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool png_says(span file) {
    bool ours = false, synthetic = false;
    for (file = past(file, 8); file.n >= 12;) {
        const size_t n = big32(file.at);
        const char *type = (const char *)file.at + 4;
        if (n > file.n - 12)
            return false;
        const span data = {file.at + 8, n};
        if (!memcmp(type, "tEXt", 4)) {
            ours = ours || is(data, LITERAL("Software\0idem"));
            synthetic = synthetic || is(data, LITERAL("synthetic\0true"));
        }
        /* two zeros: the end of the keyword, and not compressed */
        if ((ours && synthetic) ||
            (!memcmp(type, "iTXt", 4) && starts(data, LITERAL(IDEM_XMP_KEYWORD "\0\0")) && packet_says(data)))
            return true;
        file = past(file, n + 12);
    }
    return false;
}

static bool webp_says(span file) {
    for (file = past(file, 12); file.n >= 8;) {
        const size_t n = idem_le32(file.at + 4);
        if (n > file.n - 8)
            return false;
        if (!memcmp(file.at, "XMP ", 4) && packet_says((span){file.at + 8, n}))
            return true;
        const size_t whole = 8 + n + (n & 1);
        if (whole > file.n)
            return false;
        file = past(file, whole);
    }
    return false;
}

static bool jpeg_says(span file) {
    enum { TEM = 0x01, RST0 = 0xd0, SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP1 = 0xe1, FILL = 0xff };
    while (file.n >= 4 && file.at[0] == FILL) {
        const int marker = file.at[1];
        if (marker == EOI || marker == SOS)
            return false;
        if (marker == FILL || marker == TEM || (marker >= RST0 && marker <= SOI)) {
            file = past(file, marker == FILL ? 1 : 2);
            continue;
        }
        const size_t n = (size_t)file.at[2] << 8 | file.at[3]; /* with its own two bytes */
        if (n < 2 || n > file.n - 2)
            return false;
        const span data = {file.at + 4, n - 2};
        if (marker == APP1 && starts(data, LITERAL("http://ns.adobe.com/xap/1.0/\0")) && packet_says(data))
            return true;
        file = past(file, n + 2);
    }
    return false;
}

bool idem_image_bytes_say_synthetic(const unsigned char *bytes, size_t size) {
    const span file = {bytes, size};
    switch (idem_image_format(bytes, size)) {
    case IDEM_FORMAT_PNG:
        return png_says(file);
    case IDEM_FORMAT_WEBP:
        return webp_says(file);
    case IDEM_FORMAT_JPEG:
        return jpeg_says(file);
    case IDEM_FORMAT_HEIF: /* idem writes none */
    case IDEM_FORMAT_NONE:
        break;
    }
    return false;
}

bool idem_image_says_synthetic(const char *path) {
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(path, (size_t)1 << 30, &bytes, &size) < 0)
        return false;
    const bool says = idem_image_bytes_say_synthetic(bytes, size);
    free(bytes);
    return says;
}
