/* Inside src/media only: WebP files out. */
#ifndef IDEM_MEDIA_WEBP_AGAIN_H
#define IDEM_MEDIA_WEBP_AGAIN_H

#include "media/codec.h"

/* The picture, as transparent as im->rgba says, in malloc'ed memory; without loss, or at quality 92. marks NULL: none.
 */
int idem_webp_again(const idem_image *im, bool lossless, const idem_marks *marks, const char *what,
                    unsigned char **data, size_t *size);

#endif
