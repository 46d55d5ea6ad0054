/* The interface of the plug-in idem-heif.so, for src/media/heif.c. The plug-in is a separate part: it uses libheif, and
 * of idem only this header. */
#ifndef IDEM_MEDIA_PLUGIN_HEIF_H
#define IDEM_MEDIA_PLUGIN_HEIF_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *pixels;             /* malloc'ed: width * height * channels, rows from the top, turned as the file says */
    int width, height, channels; /* 3: red, green, blue; 4: and alpha, not premultiplied */
    uint8_t *profile;            /* malloc'ed ICC profile, or NULL */
    size_t profile_size;
    int primaries, transfer; /* ITU-T H.273; 0: unknown */
    int pictures;            /* in the file; the primary one is read */
} idem_heif_picture;

/* 0, or -1 with a message; *out is the caller's to free in both cases. The version increases with every change of this
 * interface. */
typedef int idem_heif_read(idem_heif_picture *out, const unsigned char *bytes, size_t size, uint64_t max_pixels,
                           size_t max_profile, char *message, size_t n);
#define IDEM_HEIF_READ idem_heif_read_1
#define IDEM_HEIF_SYMBOL "idem_heif_read_1"

#endif
