/* Boxes against each other. Any unit; 0 where a box is empty. */
#ifndef IDEM_FACE_BOX_H
#define IDEM_FACE_BOX_H

#include "face/crop.h"

/* Common area over that of both together, 0 to 1. */
double idem_box_overlap(const idem_box *a, const idem_box *b);
/* Share of the smaller box that lies in the other, 0 to 1. */
double idem_box_common(const idem_box *a, const idem_box *b);
/* Between two boxes: t 0 is a, 1 is b; beyond, it goes on in that direction. */
idem_box idem_box_between(const idem_box *a, const idem_box *b, double t);

#endif
