/* EXIF is a TIFF header and a folder of tagged values; only the orientation (tag 0x0112) is read here. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/codec.h"

typedef struct {
    const unsigned char *bytes;
    size_t size;
    bool big_endian;
} tiff;

/* n bytes at `at`, n <= 4; the caller has checked the bounds. */
static uint32_t number(const tiff *t, size_t at, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; i++)
        v = v << 8 | t->bytes[t->big_endian ? at + (size_t)i : at + (size_t)(n - 1 - i)];
    return v;
}

int idem_exif_orientation(const unsigned char *app1, size_t size) {
    enum { HEADER = 6, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };
    if (size < HEADER + 8 || memcmp(app1, "Exif\0\0", HEADER) != 0)
        return 1;
    tiff t = {app1 + HEADER, size - HEADER, false};
    if (memcmp(t.bytes, "MM", 2) == 0)
        t.big_endian = true;
    else if (memcmp(t.bytes, "II", 2) != 0)
        return 1;
    size_t folder = number(&t, 4, 4);
    if (number(&t, 2, 2) != 42 || folder > t.size - 2)
        return 1;
    size_t entries = number(&t, folder, 2);
    size_t room = (t.size - folder - 2) / ENTRY;
    for (size_t i = 0; i < entries && i < room; i++) {
        size_t at = folder + 2 + i * ENTRY;
        if (number(&t, at, 2) != TAG_ORIENTATION)
            continue;
        uint32_t value = number(&t, at + 8, 2);
        bool good = number(&t, at + 2, 2) == TYPE_SHORT && number(&t, at + 4, 4) == 1 && value >= 1 && value <= 8;
        return good ? (int)value : 1;
    }
    return 1;
}

int idem_image_orient(idem_image *im, int orientation) {
    if (orientation <= 1 || orientation > 8)
        return 0;
    /* Where upright pixel (x, y) comes from. Orientations 5 to 8 have the axes exchanged. */
    bool exchanged = orientation >= 5;
    int width = exchanged ? im->height : im->width, height = exchanged ? im->width : im->height;
    bool flip_column = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool flip_row = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    idem_image up;
    if (idem_image_new(&up, width, height) < 0)
        return -1;
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            int column = exchanged ? y : x, row = exchanged ? x : y;
            column = flip_column ? im->width - 1 - column : column;
            row = flip_row ? im->height - 1 - row : row;
            memcpy(up.rgb + ((size_t)y * (size_t)width + (size_t)x) * 3,
                   im->rgb + ((size_t)row * (size_t)im->width + (size_t)column) * 3, 3);
        }
    }
    idem_image_free(im);
    *im = up;
    return 0;
}
