#include "measure/spread.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

idem_spread idem_spread_of(double *x, int n, bool share, int64_t needs) {
    int used = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i]))
            x[used++] = x[i];
    idem_spread s = {.mean = idem_figure_of(x, used), .median = NAN, .deviation = NAN};
    if (used > 1)
        s.deviation = s.mean.error * sqrt(used);
    if (share && used)
        s.mean = idem_figure_of_share(s.mean, used);
    s.mean.needs = needs;
    qsort(x, (size_t)used, sizeof *x, compare);
    if (used)
        s.median = (x[(used - 1) / 2] + x[used / 2]) / 2;
    return s;
}
