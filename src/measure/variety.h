/* How much the faces of a set of pictures differ, by the pose and the expression network: a generator's samples beside
 * the pictures that it learned from. */
#ifndef IDEM_MEASURE_VARIETY_H
#define IDEM_MEASURE_VARIETY_H

#include <jansson.h>

#include "measure/observer.h"
#include "measure/scores.h"

typedef struct {
    idem_figure angle[IDEM_ANGLES];           /* standard deviation, degrees; error that of a normal distribution */
    idem_figure expression[IDEM_EXPRESSIONS]; /* share of the pictures with this as the most probable class */
    idem_figure faces;                        /* share of the pictures in which the detector finds a face */
} idem_variety;

/* Of the first n >= 2 rows of a whole observer's. */
idem_variety idem_variety_of(const idem_seen *s, int n);
/* Into a report, as "yaw_deviation", "pitch_deviation", "roll_deviation", "expression_NAME" and "faces". */
int idem_variety_put(json_t *report, const idem_variety *v);

#endif
