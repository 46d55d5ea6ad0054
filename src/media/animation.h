/* Animations: pictures of one size as a WebP file that repeats forever. */
#ifndef IDEM_MEDIA_ANIMATION_H
#define IDEM_MEDIA_ANIMATION_H

#include "media/image.h"

/* n pictures (one may appear several times), each shown for `milliseconds`; lossy at high quality; the same input gives
 * the same bytes. marks: written as one XMP packet; NULL: none. Writes aside, then renames. */
int idem_animation_save(const char *path, const idem_image *const *pictures, int n, int milliseconds,
                        const idem_marks *marks);

#endif
