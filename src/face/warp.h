/* Warping 8-bit photographs through a crop (crop.h), without a map in memory, at any scale and rotation. Bilinear; if
 * the crop shrinks, the triangle is stretched by the scale (antialiased), for each source axis. */
#ifndef IDEM_FACE_WARP_H
#define IDEM_FACE_WARP_H

#include "face/crop.h"
#include "media/image.h"

typedef enum {
    IDEM_WARP_EDGE,    /* outside the photograph: its nearest pixel */
    IDEM_WARP_GROUND,  /* plain grey of IDEM_WARP_GREY */
    IDEM_WARP_REFLECT, /* mirrored at its edge pixels (not repeated), repeatedly if needed */
} idem_warp_border;

enum { IDEM_WARP_GREY = 127 };

/* out [h, w, 3] in 0..255. -1: sides that are not positive, a crop that is not finite or exceeds the photograph more
 * than 50 times. */
int idem_warp(float *out, int h, int w, const idem_image *photo, const idem_crop *crop, idem_warp_border border);

#endif
