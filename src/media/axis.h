/* The scale of a chart's axis and its ticks at round numbers. */
#ifndef IDEM_MEDIA_AXIS_H
#define IDEM_MEDIA_AXIS_H

#include <stdbool.h>

enum { IDEM_TICKS_MAX = 16, IDEM_TICK_TEXT = 16 };

typedef struct {
    double lo, hi; /* the ends; lo < hi, both positive on a logarithmic axis */
    bool log;
    int ticks; /* at least 1 */
    double tick[IDEM_TICKS_MAX];
    char label[IDEM_TICKS_MAX][IDEM_TICK_TEXT];
} idem_axis;

/* For values from lo to hi, with about `wanted` (2 to 12) ticks. Adds the fraction `pad` of the length at both ends. An
 * empty or invalid range (not finite; not positive on a logarithmic axis) is replaced by a valid one. */
void idem_axis_make(idem_axis *a, double lo, double hi, bool log, double pad, int wanted);

/* Position of v: 0 at lo, 1 at hi; NAN if it has none (not finite, or not positive on a logarithmic axis). */
double idem_axis_at(const idem_axis *a, double v);

#endif
