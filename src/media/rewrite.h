/* Writes a picture file again in its own format after a part of it was changed: the rest stays unchanged.
 *
 *     idem_image im;
 *     idem_rewrite *r = idem_rewrite_open(path, &im);     // upright, sRGB, with its transparency
 *     ... change im.rgb ...
 *     idem_rewrite_save(r, &im, to, &marks, &about);
 *     idem_rewrite_free(r);
 *
 * PNG and lossless WebP: unchanged pixels are equal (16 bits become 8; colours of a profile become sRGB). JPEG: blocks
 * without a changed pixel keep their coefficients, and the profile stays; a file turned by its EXIF is encoded again,
 * upright, with its own tables. Lossy WebP is encoded again; HEIC and AVIF become JPEG. No metadata of the source is
 * written: neither EXIF (with its thumbnail and place) nor XMP nor comments. */
#ifndef IDEM_MEDIA_REWRITE_H
#define IDEM_MEDIA_REWRITE_H

#include <stdbool.h>

#include "media/image.h"

typedef struct idem_rewrite idem_rewrite;

/* The caller frees im. NULL with a message, and im empty. */
idem_rewrite *idem_rewrite_open(const char *path, idem_image *im);
/* The same for the bytes of a file, which are copied; `what` names them in messages. */
idem_rewrite *idem_rewrite_parse(const unsigned char *bytes, size_t size, const char *what, idem_image *im);
void idem_rewrite_free(idem_rewrite *r); /* NULL is allowed */

/* The ending of the written file: ".jpg", ".png" or ".webp"; NULL: the source's ending is suitable. */
const char *idem_rewrite_ending(const idem_rewrite *r);

typedef struct {
    bool anew;           /* all of it was encoded again */
    double replaced;     /* replaced share of its pixels, or of a JPEG's blocks */
    int64_t changed;     /* pixels of im that differ from the file */
    int largest_outside; /* largest difference, of 255, between the source and the written file in unchanged pixels */
} idem_rewritten;

/* Into memory: *data is malloc'ed. marks NULL: none. about may be NULL. */
int idem_rewrite_encode(const idem_rewrite *r, const idem_image *im, const idem_marks *marks, unsigned char **data,
                        size_t *size, idem_rewritten *about);
/* Into a file: writes aside, then renames. */
int idem_rewrite_save(const idem_rewrite *r, const idem_image *im, const char *path, const idem_marks *marks,
                      idem_rewritten *about);

#endif
