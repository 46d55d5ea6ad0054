/* A photograph and copies of half, a quarter ... of its size, so that a view of a large part costs no more than that of
 * a small one.
 *
 *     idem_pyramid p;
 *     if (idem_pyramid_make(&p, &photo)) ...
 *     idem_pyramid_warp(rgb, 240, 320, &p, &crop);
 *     idem_pyramid_free(&p); */
#ifndef IDEM_FACE_PYRAMID_H
#define IDEM_FACE_PYRAMID_H

#include "face/crop.h"
#include "media/image.h"

enum { IDEM_PYRAMID_MAX = 16 };

typedef struct {
    idem_image level[IDEM_PYRAMID_MAX]; /* the first is the photograph's own, borrowed */
    int n;
} idem_pyramid;

/* -1: memory is short. The photograph must outlive p. */
int idem_pyramid_make(idem_pyramid *p, const idem_image *photo);
void idem_pyramid_free(idem_pyramid *p);

/* idem_warp with IDEM_WARP_GROUND, from the smallest copy with at least one pixel per pixel of out. */
int idem_pyramid_warp(float *out, int h, int w, const idem_pyramid *p, const idem_crop *crop);

#endif
