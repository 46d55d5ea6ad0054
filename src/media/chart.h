/* Line charts: panels side by side on one page, each with its own axes, series and legend. Pointers are borrowed for
 * the call; NULL and 0 omit an element or select its default. Texts are UTF-8. */
#ifndef IDEM_MEDIA_CHART_H
#define IDEM_MEDIA_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "media/image.h"

typedef struct {
    const char *label;   /* in the legend */
    const double *x, *y; /* [n]; x NULL: 0, 1, 2, ...; a y that is not finite breaks the line */
    size_t n;
    /* 0 to below 1: the weight of the past in a running mean (without initial bias), drawn over the paler raw line. */
    double smooth;
    bool points; /* mark each value */
    bool dashed;
} idem_chart_series;

typedef struct {
    double y; /* a level to compare with */
    const char *label;
} idem_chart_rule;

typedef struct {
    const char *title, *x_label, *y_label;
    bool log_x, log_y; /* values that are not positive are left out */
    double y_lo, y_hi; /* range; y_hi <= y_lo: from the data */
    const idem_chart_series *series;
    size_t series_count;
    const idem_chart_rule *rules;
    size_t rule_count;
} idem_chart_panel;

typedef struct {
    const char *title, *footer;
    int columns;                   /* 0: one for a single panel, else two */
    int panel_width, panel_height; /* 0: 560 and 340 pixels */
    const idem_chart_panel *panels;
    size_t panel_count;
} idem_chart;

int idem_chart_draw(idem_image *out, const idem_chart *c);

#endif
