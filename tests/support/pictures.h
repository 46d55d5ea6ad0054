/* Picture files of every kind, written with the formats' own libraries, for tests and fuzz seeds. */
#ifndef TESTS_SUPPORT_PICTURES_H
#define TESTS_SUPPORT_PICTURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

#include "media/image.h"
#include "support/blob.h"

typedef struct {
    int colour_type, depth;
    bool interlaced, transparent_key;
} png_kind;

enum { PNG_SIDE_X = 13, PNG_SIDE_Y = 9 }; /* ends inside bytes and inside Adam7 cells */

/* Samples in, file out. samples: [PNG_SIDE_Y, PNG_SIDE_X, channels], each below 1 << depth. transparent_key: a
 * palette's alphas, else the first sample's colour becomes transparent. */
blob png_write(const png_kind *k, const uint16_t *samples, const png_color *palette, const png_byte *palette_alpha);
int channels_of(int colour_type);

typedef struct {
    J_COLOR_SPACE in, stored;
    int quality;
    bool progressive;
    int restart_rows;
    const unsigned char *app1;
    unsigned app1_size;
} jpeg_kind;

/* samples: [height, width, channels of k->in] */
blob jpeg_write(const jpeg_kind *k, const uint8_t *samples, int width, int height);

void put_number(unsigned char *to, uint32_t v, int n, bool big_endian);
/* An EXIF block whose folder has a width tag and the orientation, into out[64]; returns its size. */
unsigned exif_block(unsigned char *out, int orientation, bool big_endian);

/* DIR/NAME; the test fails when it cannot be read or written. Black has no face in it. */
void picture_load(idem_image *im, const char *dir, const char *name);
void picture_black(const char *dir, const char *name, int width, int height);

/* Fails the test unless im is of this size and no value is further than `tolerance` from rgb[height, width, 3]. */
void assert_pixels(const idem_image *im, int width, int height, const uint8_t *rgb, int tolerance);

uint32_t crc32_of(const unsigned char *p, size_t n); /* PNG's */

idem_image random_image(int width, int height, const char *stream);

/* PNG (8-bit RGB with a text; interlaced 16-bit RGBA), JPEG (with EXIF; progressive; YCCK), lossy WebP. */
enum { SMALL_FILES = 6 };
void make_small_files(blob *files);

#endif
