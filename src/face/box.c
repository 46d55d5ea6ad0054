#include "face/box.h"

#include <math.h>

static double area(const idem_box *b) {
    return fmax((double)(b->x1 - b->x0), 0) * fmax((double)(b->y1 - b->y0), 0);
}

static double shared(const idem_box *a, const idem_box *b) {
    const idem_box both = {fmaxf(a->x0, b->x0), fmaxf(a->y0, b->y0), fminf(a->x1, b->x1), fminf(a->y1, b->y1)};
    return area(&both);
}

double idem_box_overlap(const idem_box *a, const idem_box *b) {
    const double common = shared(a, b);
    return common > 0 ? common / (area(a) + area(b) - common) : 0;
}

double idem_box_common(const idem_box *a, const idem_box *b) {
    const double common = shared(a, b);
    return common > 0 ? common / fmin(area(a), area(b)) : 0;
}

static float between(float a, float b, double t) {
    return (float)((double)a + t * ((double)b - (double)a));
}

idem_box idem_box_between(const idem_box *a, const idem_box *b, double t) {
    return (idem_box){between(a->x0, b->x0, t), between(a->y0, b->y0, t), between(a->x1, b->x1, t),
                      between(a->y1, b->y1, t)};
}
