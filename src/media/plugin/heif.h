/* What the plug-in idem-heif.so does for src/media/heif.c. It is a program's part of its own: it knows libheif and
 * nothing of idem but this. */
#ifndef IDEM_MEDIA_PLUGIN_HEIF_H
#define IDEM_MEDIA_PLUGIN_HEIF_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *pixels;             /* malloc'ed: width * height * channels, rows from the top, turned as the file says */
    int width, height, channels; /* 3: red, green, blue; 4: and alpha, by which they are not multiplied */
    uint8_t *profile;            /* malloc'ed ICC profile, or NULL */
    size_t profile_size;
    int primaries, transfer; /* ITU-T H.273; 0: the file says none */
    int pictures;            /* in the file; the chief one is taken */
} idem_heif_picture;

/* 0, or -1 with a message; *out is the caller's to free in both cases. The number goes up when any of this changes. */
typedef int idem_heif_read(idem_heif_picture *out, const unsigned char *bytes, size_t size, uint64_t max_pixels,
                           size_t max_profile, char *message, size_t n);
#define IDEM_HEIF_READ idem_heif_read_1
#define IDEM_HEIF_SYMBOL "idem_heif_read_1"

#endif
