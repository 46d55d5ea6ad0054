/* Hiding a face irreversibly: faces that cannot be painted are made unrecognisable, with hair and chin. */
#ifndef IDEM_COMPOSE_HIDE_H
#define IDEM_COMPOSE_HIDE_H

#include <stdbool.h>

#include "face/crop.h"
#include "media/image.h"

typedef enum {
    IDEM_HIDE_BLUR,   /* a Gaussian of a quarter of the region's width */
    IDEM_HIDE_PIXELS, /* 5 x 5 cells with their mean colours */
    IDEM_HIDE_SOLID   /* the mean colour of the region */
} idem_hiding;

/* An ellipse in the photograph, in pixels; its axes are turned with the face. */
typedef struct {
    double x, y;               /* middle */
    double radius_x, radius_y; /* half its sides */
    double turn;               /* radians, positive: clockwise as seen */
} idem_region;

/* Around a detector's box (unit coordinates), with a margin. */
idem_region idem_region_of_box(const idem_box *box, double turn, int width, int height);
/* Around a face in its frame (align.h). */
idem_region idem_region_of_frame(const idem_crop *frame, int width, int height);

/* Whether a pixel is inside; shrunk: factor on the radii. */
bool idem_region_has(const idem_region *region, double x, double y, double shrunk);

/* -1: memory is short. Pixels outside the region, or inside one of the n of `but`, are unchanged. */
int idem_hide(idem_image *photo, const idem_region *region, idem_hiding how, const idem_region *but, int n);

#endif
