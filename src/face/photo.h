/* A photograph with its faces, in no more memory than needed: large JPEGs are decoded at reduced size if their faces
 * are big enough.
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
    idem_image image;  /* may be smaller than the file's picture; unit coordinates are the same */
    int width, height; /* of the file's picture, upright */
    idem_found *faces; /* largest first */
    int n;             /* may be 0 */
} idem_photo;

/* The frames (align.h) of the first `wanted` faces will have at least `side` pixels in image, or their size in the file
 * if that is smaller. wanted 1: the search for the largest (finder.h), which may miss smaller faces; else that for all.
 * -1: the file is unreadable. */
int idem_photo_open(idem_photo *p, idem_finder *f, const char *path, int side, int wanted);
/* The same in two steps, for many: decoding, by a thread ahead of the networks, and finding. The second closes p if it
 * fails. */
idem_ahead *idem_photo_ahead(const char *const *paths, size_t n, int wanted); /* free with idem_ahead_free */
int idem_photo_next(idem_photo *p, idem_ahead *a);
int idem_photo_find(idem_photo *p, idem_finder *f, const char *path, int side, int wanted);
void idem_photo_close(idem_photo *p);

#endif
