#include "media/chart.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/axis.h"
#include "media/canvas.h"

enum { PANELS_MAX = 64, MARGIN = 24, GAP = 28 };

enum { INK = 0x1d2330, SOFT_INK = 0x5b6472, GRID = 0xe4e8ee, FRAME = 0x9aa3b0 };

/* Okabe and Ito's colours, distinguishable by the colour-blind, darkest first. */
static const uint32_t COLOURS[] = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x1d2330, 0x8c6d31};
enum { COLOUR_COUNT = sizeof COLOURS / sizeof *COLOURS };

static const idem_pen PAGE_TITLE = {21, true, INK}, TITLE = {14, true, INK}, TICK = {11.5, false, SOFT_INK},
                      LABEL = {12, false, SOFT_INK}, LEGEND = {12, false, INK}, FOOTER = {12, false, SOFT_INK};

typedef struct {
    double x, y, width, height;
} box;

typedef struct {
    idem_canvas *c;
    const idem_chart_panel *panel;
    double **smoothed; /* [series_count]; NULL for a series that is not smoothed */
    idem_axis x, y;
    box plot;
} view;

/* ---- ranges ---- */

typedef struct {
    double lo, hi;
} range;

static void widen(range *r, double v, bool log) {
    if (!isfinite(v) || (log && v <= 0))
        return;
    r->lo = fmin(r->lo, v);
    r->hi = fmax(r->hi, v);
}

static double x_of(const idem_chart_series *s, size_t i) {
    return s->x ? s->x[i] : (double)i;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The range of the values without the lowest and highest 1 in `part`. */
static int widen_by_middle(range *r, const double *y, size_t count, size_t part, bool log) {
    double *sorted = malloc(count * sizeof *sorted);
    if (!sorted)
        return idem_fail("chart: no memory for %zu values", count);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(y[i]))
            sorted[n++] = y[i];
    }
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = n / part; i < n - n / part; i++)
        widen(r, sorted[i], log);
    free(sorted);
    return 0;
}

static int make_axes(view *v) {
    const idem_chart_panel *p = v->panel;
    range x = {INFINITY, -INFINITY}, y = {INFINITY, -INFINITY};
    for (size_t k = 0; k < p->series_count; k++) {
        const idem_chart_series *s = &p->series[k];
        for (size_t i = 0; i < s->n; i++) {
            widen(&x, x_of(s, i), p->log_x);
            if (!v->smoothed[k])
                widen(&y, s->y[i], p->log_y);
        }
        /* In a noisy line and its running mean, single outliers do not set the scale. */
        if (v->smoothed[k] && (widen_by_middle(&y, s->y, s->n, 100, p->log_y) < 0 ||
                               widen_by_middle(&y, v->smoothed[k], s->n, 300, p->log_y) < 0))
            return -1;
    }
    for (size_t k = 0; k < p->rule_count; k++)
        widen(&y, p->rules[k].y, p->log_y);
    idem_axis_make(&v->x, x.lo, x.hi, p->log_x, p->log_x ? 0.03 : 0, (int)fmin(fmax(v->plot.width / 80, 3), 10));
    int wanted = (int)fmin(fmax(v->plot.height / 42, 3), 10);
    if (p->y_hi > p->y_lo)
        idem_axis_make(&v->y, p->y_lo, p->y_hi, p->log_y, 0, wanted);
    else
        idem_axis_make(&v->y, y.lo, y.hi, p->log_y, 0.06, wanted);
    return 0;
}

static int smooth(double **out, const idem_chart_series *s) {
    *out = NULL;
    if (!(s->smooth > 0) || s->n == 0)
        return 0;
    double keep = fmin(s->smooth, 0.9999), mean = 0, weight = 0;
    double *y = malloc(s->n * sizeof *y);
    if (!y)
        return idem_fail("chart: no memory for %zu values", s->n);
    for (size_t i = 0; i < s->n; i++) {
        if (isfinite(s->y[i])) {
            mean = keep * mean + (1 - keep) * s->y[i];
            weight = keep * weight + (1 - keep);
        }
        y[i] = isfinite(s->y[i]) ? mean / weight : NAN;
    }
    *out = y;
    return 0;
}

/* ---- marks ---- */

static bool place(const view *v, double x, double y, double *px, double *py) {
    double u = idem_axis_at(&v->x, x), w = idem_axis_at(&v->y, y);
    *px = v->plot.x + u * v->plot.width;
    *py = v->plot.y + (1 - w) * v->plot.height;
    /* Limits the distance from the page: cairo's coordinates end at 2^23. */
    *py = fmin(fmax(*py, v->plot.y - 10 * v->plot.height), v->plot.y + 11 * v->plot.height);
    return isfinite(u) && isfinite(w);
}

/* A line with many values per pixel column is drawn as the column's first, lowest, highest and last: it looks the same,
 * and cairo's time is no longer quadratic in the length. */
typedef struct {
    cairo_t *cr;
    bool open; /* a column is pending */
    bool pen_down;
    double column, first, low, high, last;
} tracer;

static void trace_to(tracer *t, double x, double y) {
    if (t->pen_down)
        cairo_line_to(t->cr, x, y);
    else
        cairo_move_to(t->cr, x, y);
    t->pen_down = true;
}

static void trace_flush(tracer *t) {
    if (!t->open)
        return;
    trace_to(t, t->column, t->first);
    if (t->high - t->low > 0.5) {
        trace_to(t, t->column, t->low);
        trace_to(t, t->column, t->high);
    }
    if (t->last != t->first)
        trace_to(t, t->column, t->last);
    t->open = false;
}

static void trace_point(tracer *t, double x, double y, bool dense) {
    if (dense)
        x = floor(x) + 0.5;
    if (!t->open || !dense || x != t->column) {
        trace_flush(t);
        *t = (tracer){t->cr, true, t->pen_down, x, y, y, y, y};
        return;
    }
    t->low = fmin(t->low, y);
    t->high = fmax(t->high, y);
    t->last = y;
}

static void draw_line(const view *v, const idem_chart_series *s, const double *y, uint32_t colour, double opacity,
                      double width, bool dashed) {
    cairo_t *cr = v->c->cr;
    tracer t = {.cr = cr};
    bool dense = (double)s->n > 2 * v->plot.width;
    cairo_new_path(cr);
    for (size_t i = 0; i < s->n; i++) {
        double px, py;
        if (place(v, x_of(s, i), y[i], &px, &py)) {
            trace_point(&t, px, py, dense);
        } else {
            trace_flush(&t);
            t.pen_down = false;
        }
    }
    trace_flush(&t);
    static const double dashes[2] = {6, 4};
    cairo_set_dash(cr, dashes, dashed ? 2 : 0, 0);
    cairo_set_line_width(cr, width);
    idem_canvas_colour(v->c, colour, opacity);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
}

static void draw_points(const view *v, const idem_chart_series *s, uint32_t colour) {
    for (size_t i = 0; i < s->n; i++) {
        double px, py;
        if (!place(v, x_of(s, i), s->y[i], &px, &py))
            continue;
        cairo_new_path(v->c->cr);
        cairo_arc(v->c->cr, px, py, 3.5, 0, 4 * acos(0.0));
        idem_canvas_colour(v->c, colour, 1);
        cairo_fill(v->c->cr);
    }
}

static void draw_rule(const view *v, const idem_chart_rule *rule) {
    cairo_t *cr = v->c->cr;
    double px, py;
    if (!place(v, v->x.lo, rule->y, &px, &py) || py < v->plot.y - 1 || py > v->plot.y + v->plot.height + 1)
        return;
    static const double dashes[2] = {4, 4};
    cairo_set_dash(cr, dashes, 2, 0);
    cairo_new_path(cr);
    cairo_move_to(cr, v->plot.x, floor(py) + 0.5);
    cairo_line_to(cr, v->plot.x + v->plot.width, floor(py) + 0.5);
    cairo_set_line_width(cr, 1);
    idem_canvas_colour(v->c, SOFT_INK, 1);
    cairo_stroke(cr);
    cairo_set_dash(cr, NULL, 0, 0);
    double text_y = py - 4 < v->plot.y + TICK.size ? py + TICK.size + 2 : py - 4;
    double wide = idem_canvas_text_width(v->c, &TICK, rule->label);
    cairo_rectangle(cr, v->plot.x + v->plot.width - 6 - wide, text_y - TICK.size, wide + 4, TICK.size * 1.25);
    idem_canvas_colour(v->c, 0xffffff, 0.75);
    cairo_fill(cr);
    idem_canvas_text(v->c, &TICK, v->plot.x + v->plot.width - 4, text_y, v->plot.width, IDEM_RIGHT, rule->label);
}

static void draw_series(const view *v, size_t k) {
    const idem_chart_series *s = &v->panel->series[k];
    uint32_t colour = COLOURS[k % COLOUR_COUNT];
    if (v->smoothed[k]) {
        draw_line(v, s, s->y, colour, 0.28, 1, false);
        draw_line(v, s, v->smoothed[k], colour, 1, 2, s->dashed);
    } else {
        draw_line(v, s, s->y, colour, 1, 1.7, s->dashed);
    }
    if (s->points)
        draw_points(v, s, colour);
}

/* ---- around the plot ---- */

static void rule_line(idem_canvas *c, double x0, double y0, double x1, double y1, uint32_t colour) {
    cairo_new_path(c->cr);
    cairo_move_to(c->cr, x0, y0);
    cairo_line_to(c->cr, x1, y1);
    cairo_set_line_width(c->cr, 1);
    idem_canvas_colour(c, colour, 1);
    cairo_stroke(c->cr);
}

static void draw_axes(const view *v) {
    const box *b = &v->plot;
    double bottom = b->y + b->height;
    for (int i = 0; i < v->y.ticks; i++) {
        double y = floor(b->y + (1 - idem_axis_at(&v->y, v->y.tick[i])) * b->height) + 0.5;
        rule_line(v->c, b->x, y, b->x + b->width, y, GRID);
        idem_canvas_text(v->c, &TICK, b->x - 7, y + TICK.size * 0.36, 0, IDEM_RIGHT, v->y.label[i]);
    }
    for (int i = 0; i < v->x.ticks; i++) {
        double x = floor(b->x + idem_axis_at(&v->x, v->x.tick[i]) * b->width) + 0.5;
        rule_line(v->c, x, b->y, x, bottom, GRID);
        rule_line(v->c, x, bottom, x, bottom + 4, FRAME);
        idem_canvas_text(v->c, &TICK, x, bottom + 6 + TICK.size, 0, IDEM_CENTRE, v->x.label[i]);
    }
    rule_line(v->c, b->x, floor(bottom) + 0.5, b->x + b->width, floor(bottom) + 0.5, FRAME);
}

/* Rows of sample and name; returns the height. draw false: only measures. */
static double legend(const view *v, double x, double y, double width, bool draw) {
    const idem_chart_panel *p = v->panel;
    const double swatch = 18, row = 18;
    double at = 0, used = 0;
    for (size_t k = 0; k < p->series_count; k++) {
        const idem_chart_series *s = &p->series[k];
        if (!s->label || !*s->label)
            continue;
        double wide = fmin(swatch + 6 + idem_canvas_text_width(v->c, &LEGEND, s->label), width);
        if (at > 0 && at + wide > width) {
            at = 0;
            used += row;
        }
        if (used == 0)
            used = row;
        if (draw) {
            uint32_t colour = COLOURS[k % COLOUR_COUNT];
            double middle = y + used - row / 2;
            if (s->dashed) {
                idem_canvas_fill(v->c, x + at, middle - 1.5, 7, 3, 1, colour);
                idem_canvas_fill(v->c, x + at + 11, middle - 1.5, 7, 3, 1, colour);
            } else {
                idem_canvas_fill(v->c, x + at, middle - 1.5, swatch, 3, 1.5, colour);
            }
            idem_canvas_text(v->c, &LEGEND, x + at + swatch + 6, middle + LEGEND.size * 0.36, width - swatch - 6,
                             IDEM_LEFT, s->label);
        }
        at += wide + 18;
    }
    return used;
}

static double widest_tick(const view *v) {
    double width = 0;
    for (int i = 0; i < v->y.ticks; i++)
        width = fmax(width, idem_canvas_text_width(v->c, &TICK, v->y.label[i]));
    return width;
}

static int draw_panel_with(view *v, const box *b) {
    const idem_chart_panel *p = v->panel;
    double top = b->y;
    if (p->title) {
        idem_canvas_text(v->c, &TITLE, b->x, top + TITLE.size, b->width, IDEM_LEFT, p->title);
        top += 24;
    }
    double legend_height = legend(v, 0, 0, b->width, false);
    legend(v, b->x, top, b->width, true);
    top += legend_height + 6;
    double bottom = b->y + b->height - 22 - (p->x_label ? 20 : 0);
    v->plot = (box){b->x, top, b->width, bottom - top};
    if (make_axes(v) < 0)
        return -1;
    double left = ceil(widest_tick(v)) + 10 + (p->y_label ? 20 : 0);
    v->plot = (box){b->x + left, top, b->width - left - 12, bottom - top};
    draw_axes(v);
    idem_canvas_text(v->c, &LABEL, v->plot.x + v->plot.width / 2, bottom + 38, v->plot.width, IDEM_CENTRE, p->x_label);
    idem_canvas_text_up(v->c, &LABEL, b->x + LABEL.size, v->plot.y + v->plot.height / 2, v->plot.height, IDEM_CENTRE,
                        p->y_label);
    cairo_t *cr = v->c->cr;
    cairo_save(cr);
    cairo_rectangle(cr, v->plot.x - 4, v->plot.y - 4, v->plot.width + 8, v->plot.height + 5);
    cairo_clip(cr);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    for (size_t k = 0; k < p->series_count; k++)
        draw_series(v, k);
    for (size_t k = 0; k < p->rule_count; k++)
        draw_rule(v, &p->rules[k]);
    cairo_restore(cr);
    return 0;
}

static int draw_panel(idem_canvas *c, const idem_chart_panel *p, const box *b) {
    view v = {.c = c, .panel = p};
    v.smoothed = calloc(p->series_count + 1, sizeof *v.smoothed);
    int status = v.smoothed ? 0 : idem_fail("chart: no memory for %zu series", p->series_count);
    for (size_t k = 0; status == 0 && k < p->series_count; k++)
        status = smooth(&v.smoothed[k], &p->series[k]);
    if (status == 0)
        status = draw_panel_with(&v, b);
    for (size_t k = 0; v.smoothed && k < p->series_count; k++)
        free(v.smoothed[k]);
    free(v.smoothed);
    return status;
}

/* ---- the page ---- */

int idem_chart_draw(idem_image *out, const idem_chart *chart) {
    *out = (idem_image){0};
    if (chart->panel_count < 1 || chart->panel_count > PANELS_MAX)
        return idem_fail("chart: %zu panels, expected 1 to %d", chart->panel_count, PANELS_MAX);
    int columns = chart->columns > 0 ? chart->columns : 2;
    if ((size_t)columns > chart->panel_count)
        columns = (int)chart->panel_count;
    int rows = (int)((chart->panel_count + (size_t)columns - 1) / (size_t)columns);
    double width = chart->panel_width > 0 ? chart->panel_width : 560;
    double height = chart->panel_height > 0 ? chart->panel_height : 340;
    if (width < 160 || height < 120 || width > 8000 || height > 8000)
        return idem_fail("chart: panels of %g x %g pixels, expected 160 x 120 to 8000 x 8000", width, height);
    double text_width = columns * width + (columns - 1) * GAP;
    idem_canvas c;
    if (idem_canvas_open(&c, 1, 1) < 0)
        return -1;
    double title = idem_canvas_paragraph(&c, &PAGE_TITLE, 0, 0, text_width, chart->title, false);
    double footer = idem_canvas_paragraph(&c, &FOOTER, 0, 0, text_width, chart->footer, false);
    if (idem_canvas_close(&c, NULL) < 0)
        return -1;
    double top = MARGIN + title + (title > 0 ? 12 : 0);
    double page = top + rows * height + (rows - 1) * GAP + (footer > 0 ? 14 + footer : 0) + MARGIN;
    if (idem_canvas_open(&c, (int)ceil(text_width) + 2 * MARGIN, (int)ceil(page)) < 0)
        return -1;
    idem_canvas_paragraph(&c, &PAGE_TITLE, MARGIN, MARGIN, text_width, chart->title, true);
    idem_canvas_paragraph(&c, &FOOTER, MARGIN, page - MARGIN - footer, text_width, chart->footer, true);
    int status = 0;
    for (size_t i = 0; status == 0 && i < chart->panel_count; i++) {
        int column = (int)(i % (size_t)columns), row = (int)(i / (size_t)columns);
        box b = {MARGIN + column * (width + GAP), top + row * (height + GAP), width, height};
        status = draw_panel(&c, &chart->panels[i], &b);
    }
    if (status < 0) {
        idem_canvas_close(&c, NULL);
        return -1;
    }
    return idem_canvas_close(&c, out);
}
