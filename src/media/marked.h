/* Whether a file's metadata says that idem made the picture. */
#ifndef IDEM_MEDIA_MARKED_H
#define IDEM_MEDIA_MARKED_H

#include <stdbool.h>
#include <stddef.h>

/* By the texts of a PNG, or the XMP packet of a PNG, WebP or JPEG (other programs keep it when they convert pictures);
 * see xmp.h. false if a file cannot be read or is damaged before the mark. */
bool idem_image_says_synthetic(const char *path);
bool idem_image_bytes_say_synthetic(const unsigned char *bytes, size_t size);

#endif
