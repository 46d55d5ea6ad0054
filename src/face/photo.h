/* A photograph with its faces, in memory no larger than what is wanted of it needs: large JPEGs are decoded at reduced
 * size where their faces are big enough.
 *
 *     idem_photo p;
 *     if (idem_photo_open(&p, finder, path, 256, INT_MAX)) ...   // p.n faces, largest first
 *     idem_align_frame(&frame, p.faces[0].points, p.width, p.height);
 *     idem_align_picture(&out, &p.image, &frame, 256);
 *     idem_photo_close(&p); */
#ifndef IDEM_FACE_PHOTO_H
#define IDEM_FACE_PHOTO_H

#include "face/finder.h"
#include "media/ahead.h"

typedef struct {
    idem_image image;  /* perhaps smaller than the file's picture; unit coordinates are the same */
    int width, height; /* of the file's picture, upright */
    idem_found *faces; /* largest first */
    int n;             /* may be 0 */
} idem_photo;

/* The faces' frames (align.h) will be at least `side` pixels in image, or as large as the file has them: all of the
 * first `wanted` faces. wanted 1: the search for the largest (finder.h), which may not see small faces beside it; else
 * that for all. -1: the file cannot be read. */
int idem_photo_open(idem_photo *p, idem_finder *f, const char *path, int side, int wanted);
/* The same in two steps, for many: decoding, which a thread does ahead of the networks, and finding. The second closes
 * p when it fails. */
idem_ahead *idem_photo_ahead(const char *const *paths, size_t n, int wanted); /* free with idem_ahead_free */
int idem_photo_next(idem_photo *p, idem_ahead *a);
int idem_photo_find(idem_photo *p, idem_finder *f, const char *path, int side, int wanted);
void idem_photo_close(idem_photo *p);

#endif
