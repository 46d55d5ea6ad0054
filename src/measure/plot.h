/* Plots for pages (html.h), drawn as SVG in the page's own colours. */
#ifndef IDEM_MEASURE_PLOT_H
#define IDEM_MEASURE_PLOT_H

#include <stdbool.h>

#include "measure/html.h"

typedef enum { IDEM_PLOT_POINTS, IDEM_PLOT_DOTS, IDEM_PLOT_LINE, IDEM_PLOT_STEPS } idem_plot_kind;

typedef struct {
    const char *label; /* in the legend; NULL: it is not in it */
    idem_plot_kind kind;
    int colour;                  /* 0 .. 7; -1: faint */
    const double *x, *y;         /* [n]; what is not finite is left out */
    const double *x_off, *y_off; /* [n]: half the length of error bars; NULL: none */
    int n;
} idem_plot_series;

typedef struct {
    const char *title, *x_label, *y_label, *caption; /* caption NULL: none */
    const idem_plot_series *series;
    int n;
    bool same_scale; /* a unit is as long both ways */
} idem_plot;

/* Plots beside each other, as the page has room. */
void idem_html_plots(idem_html *h, const idem_plot *plots, int n);

#endif
