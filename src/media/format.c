#include "media/format.h"

#include <stdbool.h>
#include <string.h>

/* A box "ftyp" with the names of the standards that the file follows: the main one, its version, the others. */
static bool is_heif(const unsigned char *bytes, size_t size) {
    static const char brands[][5] = {"heic", "heix", "heim", "heis", "hevc", "hevx",
                                     "mif1", "mif2", "msf1", "avif", "avis"};
    if (size < 12 || memcmp(bytes + 4, "ftyp", 4) != 0)
        return false;
    const size_t box = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
    for (size_t at = 8; at + 4 <= size && at + 4 <= box; at += at == 8 ? 8 : 4)
        for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
            if (memcmp(bytes + at, brands[i], 4) == 0)
                return true;
    return false;
}

idem_format idem_image_format(const unsigned char *bytes, size_t size) {
    static const unsigned char png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff)
        return IDEM_FORMAT_JPEG;
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        return IDEM_FORMAT_PNG;
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return IDEM_FORMAT_WEBP;
    return is_heif(bytes, size) ? IDEM_FORMAT_HEIF : IDEM_FORMAT_NONE;
}
