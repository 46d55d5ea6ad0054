/* Plots for pages (html.h), drawn as SVG in the page's colours. */
#ifndef IDEM_MEASURE_PLOT_H
#define IDEM_MEASURE_PLOT_H

#include <stdbool.h>

#include "measure/html.h"

typedef enum { IDEM_PLOT_POINTS, IDEM_PLOT_DOTS, IDEM_PLOT_LINE, IDEM_PLOT_STEPS } idem_plot_kind;

typedef struct {
    const char *label; /* in the legend; NULL: not in the legend */
    idem_plot_kind kind;
    int colour;                  /* 0 .. 7; -1: faint */
    const double *x, *y;         /* [n]; points that are not finite are left out */
    const double *x_off, *y_off; /* [n]: half the length of error bars; NULL: none */
    int n;
} idem_plot_series;

typedef struct {
    const char *title, *x_label, *y_label, *caption; /* caption NULL: none */
    const idem_plot_series *series;
    int n;
    bool same_scale; /* units have the same length on both axes */
} idem_plot;

/* Plots beside each other, as space allows. */
void idem_html_plots(idem_html *h, const idem_plot *plots, int n);

#endif
