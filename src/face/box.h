/* Comparisons of boxes, in any unit; 0 if a box is empty. */
#ifndef IDEM_FACE_BOX_H
#define IDEM_FACE_BOX_H

#include "face/crop.h"

/* Intersection over union, 0 to 1. */
double idem_box_overlap(const idem_box *a, const idem_box *b);
/* Share of the smaller box inside the other, 0 to 1. */
double idem_box_common(const idem_box *a, const idem_box *b);
/* Linear interpolation of two boxes: t 0 is a, 1 is b; extrapolates beyond. */
idem_box idem_box_between(const idem_box *a, const idem_box *b, double t);

#endif
