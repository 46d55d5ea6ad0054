/* The formats of picture files that idem reads: their names, endings and first bytes. This is the only list of them. */
#ifndef IDEM_MEDIA_FORMAT_H
#define IDEM_MEDIA_FORMAT_H

#include <stddef.h>

typedef enum {
    IDEM_FORMAT_NONE,
    IDEM_FORMAT_JPEG,
    IDEM_FORMAT_PNG,
    IDEM_FORMAT_WEBP,
    IDEM_FORMAT_HEIF /* HEIC and AVIF */
} idem_format;

#define IDEM_FORMATS "PNG, JPEG, WebP, HEIC or AVIF" /* for messages: "a ... file" */
/* For idem_dir_list: any case. */
#define IDEM_ENDINGS ".jpg|.jpeg|.jpe|.jfif|.png|.webp|.heic|.heif|.avif"

/* By the first bytes; 64 are enough. */
idem_format idem_image_format(const unsigned char *bytes, size_t size);

#endif
