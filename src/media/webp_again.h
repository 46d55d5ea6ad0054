/* Only for src/media: writes WebP files. */
#ifndef IDEM_MEDIA_WEBP_AGAIN_H
#define IDEM_MEDIA_WEBP_AGAIN_H

#include "media/codec.h"

/* The picture, with the transparency of im->rgba, in malloc'ed memory; lossless, or at quality 92. marks NULL: none. */
int idem_webp_again(const idem_image *im, bool lossless, const idem_marks *marks, const char *what,
                    unsigned char **data, size_t *size);

#endif
