/* Hiding a face for good: what cannot be painted anew is made unreadable, with its hair and chin. */
#ifndef IDEM_COMPOSE_HIDE_H
#define IDEM_COMPOSE_HIDE_H

#include <stdbool.h>

#include "face/crop.h"
#include "media/image.h"

typedef enum {
    IDEM_HIDE_BLUR,   /* a Gaussian of a quarter of the region's width */
    IDEM_HIDE_PIXELS, /* five by five cells of their mean colours */
    IDEM_HIDE_SOLID   /* the mean colour of all */
} idem_hiding;

/* An ellipse in the photograph: pixels; the axes along its own sides, turned as a face is. */
typedef struct {
    double x, y;               /* middle */
    double radius_x, radius_y; /* half its sides */
    double turn;               /* radians, positive: clockwise as seen */
} idem_region;

/* About a detector's box (unit coordinates), with a margin. */
idem_region idem_region_of_box(const idem_box *box, double turn, int width, int height);
/* About a face in its frame (align.h). */
idem_region idem_region_of_frame(const idem_crop *frame, int width, int height);

/* Whether a pixel lies in it; shrunk: in parts of its radii. */
bool idem_region_has(const idem_region *region, double x, double y, double shrunk);

/* -1: memory is short. Pixels outside the region, or inside one of the n of `but`, stay. */
int idem_hide(idem_image *photo, const idem_region *region, idem_hiding how, const idem_region *but, int n);

#endif
