/* Pictures in files (part of idem.h). */
#ifndef IDEM_PICTURES_H
#define IDEM_PICTURES_H

#include "idem/context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads a picture (PNG, JPEG, WebP; HEIC and AVIF where the plug-in for them is) and resizes it to size x size; one
 * that is not square is stretched. */
IDEM_API int idem_read_picture(idem_context *context, const char *path, uint8_t *rgb);
/* Writes a PNG whose metadata says that it is synthetic, painted whole (IPTC's trainedAlgorithmicMedia), and by what
 * model; whole or not at all. */
IDEM_API int idem_write_picture(idem_context *context, const char *path, const uint8_t *rgb);

#ifdef __cplusplus
}
#endif

#endif
