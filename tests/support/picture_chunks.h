/* Picture files with more than pixels: an orientation, a profile, chunks of PNG. */
#ifndef TESTS_SUPPORT_PICTURE_CHUNKS_H
#define TESTS_SUPPORT_PICTURE_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/blob.h"

enum { FILE_JPEG, FILE_PNG, FILE_WEBP, FILE_FORMATS };

/* rgb [height, width, 3] without loss, but for JPEG (quality 100). */
blob file_encode(int format, const uint8_t *rgb, int width, int height);
blob png_rgba(const uint8_t *rgba, int width, int height);

/* A TIFF header and a folder with a width tag and the orientation, as a short or a long number, into out[64]; 0: the
 * folder has the width alone. Returns its size. */
size_t tiff_block(unsigned char *out, uint32_t orientation, bool big_endian, bool is_long);

/* They go in front of what is there already. prefix: "Exif\0\0" first, which JPEG always has. */
void file_add_exif(int format, blob *file, const unsigned char *block, size_t size, bool prefix);
void file_add_profile(int format, blob *file, const unsigned char *profile, size_t size);
void file_add_png_chunk(blob *png, const char *name, const unsigned char *data, size_t size);

/* An ICC profile as it stands in files; closes it. */
blob profile_bytes(void *lcms_profile);
blob p3_profile(void); /* Display P3 */

/* Fails the test unless the file is read to this picture, no value further than `tolerance` from rgb, with these notes
 * (IDEM_NOTE_...). */
void assert_file(const blob *b, const char *what, int width, int height, const uint8_t *rgb, int tolerance,
                 unsigned notes);

#endif
