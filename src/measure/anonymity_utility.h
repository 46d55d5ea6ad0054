/* What anonymising keeps: the anonymised face compared with the original, and with another picture's as a control. A
 * hidden face counts as a failure: it gets the control's value, or no agreement. */
#ifndef IDEM_MEASURE_ANONYMITY_UTILITY_H
#define IDEM_MEASURE_ANONYMITY_UTILITY_H

#include "measure/anonymity_pictures.h"
#include "measure/scores.h"

typedef struct {
    idem_figure found;                           /* share of the faces found at their place afterwards */
    idem_figure nme, nme_shuffled;               /* mean distance of 68 points / distance of the outer eye corners */
    idem_figure pose[3], pose_shuffled[3];       /* mean |difference| of yaw, pitch, roll in degrees */
    idem_figure expression, expression_shuffled; /* share whose most probable class is the original's */
    idem_figure colour, colour_shuffled;         /* mean |difference| outside the face, in the frame; [0, 1] */
} idem_anonymity_utility;

/* wanted [n]: which pictures count; NULL: all. The controls are drawn by seed. -1: fewer than 2 pictures, or memory is
 * short. */
int idem_anonymity_utility_of(idem_anonymity_utility *u, const idem_anonymity_pictures *p, const uint8_t *wanted,
                              uint64_t seed);

#endif
