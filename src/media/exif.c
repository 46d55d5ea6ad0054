/* EXIF is a TIFF header and a folder of tagged values; only the orientation (tag 0x0112) is read here. */
#include <string.h>

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

int idem_exif_orientation(const unsigned char *block, size_t size) {
    enum { PREFIX = 6, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, TYPE_LONG = 4 };
    if (size >= PREFIX && memcmp(block, "Exif\0\0", PREFIX) == 0) {
        block += PREFIX;
        size -= PREFIX;
    }
    tiff t = {block, size, false};
    if (size < 8)
        return 0;
    if (memcmp(t.bytes, "MM", 2) == 0)
        t.big_endian = true;
    else if (memcmp(t.bytes, "II", 2) != 0)
        return 0;
    size_t folder = number(&t, 4, 4);
    if (number(&t, 2, 2) != 42 || folder > t.size - 2)
        return 0;
    size_t entries = number(&t, folder, 2);
    size_t capacity = (t.size - folder - 2) / ENTRY;
    for (size_t i = 0; i < entries && i < capacity; i++) {
        size_t at = folder + 2 + i * ENTRY;
        if (number(&t, at, 2) != TAG_ORIENTATION)
            continue;
        /* Some programs write it as a long number, against the standard. */
        uint32_t type = number(&t, at + 2, 2), value = number(&t, at + 8, type == TYPE_LONG ? 4 : 2);
        bool good = (type == TYPE_SHORT || type == TYPE_LONG) && number(&t, at + 4, 4) == 1 && value >= 1 && value <= 8;
        return good ? (int)value : 0;
    }
    return 0;
}
