/* Pictures: 8-bit RGB in memory, files in and out. An idem_image owns its pixels. */
#ifndef IDEM_MEDIA_IMAGE_H
#define IDEM_MEDIA_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "media/xmp.h"

typedef struct {
    int width, height;
    uint8_t *rgb;   /* height * width * 3, rows from the top */
    uint8_t *rgba;  /* of idem_image_load_transparent: the same before compositing over white; NULL: opaque */
    unsigned notes; /* of a file: parts of it that these pixels do not show */
} idem_image;

enum {
    IDEM_NOTE_TRANSPARENT = 1, /* transparent in places, which are white here */
    IDEM_NOTE_FRAMES = 2,      /* has further pictures: only the first is here */
    IDEM_NOTE_PROFILE = 4      /* its colour profile cannot be used: its colours are treated as sRGB */
};
/* Logs them, one line each; most pictures have none. */
void idem_image_log_notes(const idem_image *im, const char *path);

int idem_image_new(idem_image *im, int width, int height); /* black */
void idem_image_free(idem_image *im);
/* The width x height pixels of `in` from (left, top); they lie within it. */
int idem_image_cut(idem_image *out, const idem_image *in, int left, int top, int width, int height);

/* PNG (any depth, palette, grey), JPEG (grey, CMYK), WebP, HEIC and AVIF; at most 200 megapixels. For all formats the
 * pixels are upright (by EXIF), in sRGB (by the colour profile), and composited over white if transparent. Of an
 * animation, reads the first picture. */
int idem_image_load(idem_image *im, const char *path);
int idem_image_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what);
/* For detection in large photographs: a JPEG is decoded at 1, 1/2, 1/4 or 1/8 of its size, the smallest at which no
 * side is below `least` pixels (its antialiasing is the codec's); other formats whole. width, height: of the whole
 * picture. */
int idem_image_load_reduced(idem_image *im, const char *path, int least, int *width, int *height);
int idem_image_parse_reduced(idem_image *im, const unsigned char *bytes, size_t size, const char *what, int least,
                             int *width, int *height);

/* The same for a picture that will be written again: im->rgba keeps its transparency. */
int idem_image_load_transparent(idem_image *im, const char *path);
int idem_image_parse_transparent(idem_image *im, const unsigned char *bytes, size_t size, const char *what);

/* PNG, aside-then-rename. If im->rgba is set, the file has its transparency; pixels whose colour still equals rgba over
 * white keep their rgba bit for bit. marks: the texts become tEXt chunks, and, if the source is set, also an XMP packet
 * (iTXt); times and paths are never written. NULL: none. */
int idem_image_save_png(const idem_image *im, const char *path, const idem_marks *marks);
/* The same bytes in malloc'ed memory. */
int idem_image_encode_png(const idem_image *im, const idem_marks *marks, unsigned char **data, size_t *size);

/* JPEG and WebP, quality 1 .. 100, opaque: im->rgb. marks: written as one XMP packet; NULL: none. */
int idem_image_encode_jpeg(const idem_image *im, int quality, const idem_marks *marks, unsigned char **data,
                           size_t *size);
int idem_image_encode_webp(const idem_image *im, int quality, const idem_marks *marks, unsigned char **data,
                           size_t *size);

/* The text stored under `key` before the pixels of a PNG file, NUL-terminated in out[n]; -1 if there is none or n is
 * too small. */
int idem_png_text(const char *path, const char *key, char *out, size_t n);

/* [N, H, W, 3] floats in [lo, hi] (one picture at x) from and to bytes; values outside are clipped, those that are
 * not finite refused (IDEM_INTERNAL); rounded to nearest. */
void idem_image_to_float(float *x, const idem_image *im, float lo, float hi);
int idem_image_from_float(idem_image *im, const float *x, int width, int height, float lo, float hi);
/* Clips n numbers to [0, 1] and rounds them to multiples of 1/255, the precision of bytes. NaN becomes 0. */
void idem_image_quantise(float *x, size_t n);

/* Antialiased resize (triangle filter stretched by the scale when shrinking: Pillow's BILINEAR). */
int idem_image_resize(idem_image *out, const idem_image *in, int width, int height);
/* For display, not for networks: Lanczos of three lobes (sharper; Pillow's LANCZOS), and the average over the area an
 * output pixel covers (for shrinking). */
int idem_image_resize_lanczos(idem_image *out, const idem_image *in, int width, int height);
int idem_image_resize_area(idem_image *out, const idem_image *in, int width, int height);

#endif
