/* Inside src/media only: one parser per file format, and what they share. A parser gets the whole file, checks every
 * size before it allocates, and leaves *im untouched when it fails. `what` names the file in messages. */
#ifndef IDEM_MEDIA_CODEC_H
#define IDEM_MEDIA_CODEC_H

#include "media/image.h"

enum { IDEM_IMAGE_MAX_PIXELS = 200000000 };

int idem_png_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what);
/* least, width, height: as idem_image_parse_reduced. */
int idem_jpeg_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what, int least, int *width,
                    int *height);
int idem_webp_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what);

/* 0 when the sides are positive and within the limit. */
int idem_image_check_size(uint64_t width, uint64_t height, const char *what);

/* n pixels of red, green, blue, alpha over white. out may equal rgba. */
void idem_image_over_white(uint8_t *out, const uint8_t *rgba, size_t n);

/* Orientation 1..8 from an EXIF block that starts with "Exif\0\0" (JPEG's APP1 content); 1 when it says none or is
 * broken, as a wrong orientation tag is no reason to refuse a picture. */
int idem_exif_orientation(const unsigned char *app1, size_t size);
/* Turns the picture upright in place. */
int idem_image_orient(idem_image *im, int orientation);

#endif
