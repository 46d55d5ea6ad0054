#include "measure/plot.h"

#include <math.h>

#include "media/axis.h"

enum { WIDTH = 520, HEIGHT = 360, LEFT = 58, RIGHT = 14, TOP = 34, BELOW = 44, LEGEND = 18, TICKS = 6 };

typedef struct {
    FILE *to;
    idem_axis x, y;
} frame;

static double at_x(const frame *f, double x) {
    return LEFT + idem_axis_at(&f->x, x) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const frame *f, double y) {
    return HEIGHT - BELOW - idem_axis_at(&f->y, y) * (HEIGHT - TOP - BELOW);
}

static void reach(double range[2], double from, double to) {
    if (isfinite(from) && from < range[0])
        range[0] = from;
    if (isfinite(to) && to > range[1])
        range[1] = to;
}

static void find_axes(frame *f, const idem_plot *p) {
    double x[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY};
    for (int k = 0; k < p->n; k++)
        for (int i = 0; i < p->series[k].n; i++) {
            const idem_plot_series *s = &p->series[k];
            const double dx = s->x_off && isfinite(s->x_off[i]) ? s->x_off[i] : 0;
            const double dy = s->y_off && isfinite(s->y_off[i]) ? s->y_off[i] : 0;
            reach(x, s->x[i] - dx, s->x[i] + dx);
            reach(y, s->y[i] - dy, s->y[i] + dy);
        }
    if (p->same_scale && x[1] > x[0] && y[1] > y[0]) {
        const double across = WIDTH - LEFT - RIGHT, down = HEIGHT - TOP - BELOW;
        const double unit = fmax((x[1] - x[0]) / across, (y[1] - y[0]) / down);
        const double more_x = (unit * across - (x[1] - x[0])) / 2, more_y = (unit * down - (y[1] - y[0])) / 2;
        reach(x, x[0] - more_x, x[1] + more_x);
        reach(y, y[0] - more_y, y[1] + more_y);
    }
    idem_axis_make(&f->x, x[0], x[1], false, 0.04, TICKS);
    idem_axis_make(&f->y, y[0], y[1], false, 0.04, TICKS);
}

static void text(FILE *to, double x, double y, const char *anchor, const char *class, const char *words) {
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor, class);
    idem_html_escape(to, words);
    fputs("</text>\n", to);
}

static void draw_axes(const frame *f, const idem_plot *p) {
    const double bottom = HEIGHT - BELOW, right = WIDTH - RIGHT;
    for (int i = 0; i < f->x.ticks; i++) {
        const double x = at_x(f, f->x.tick[i]);
        fprintf(f->to, "<path class=\"axis\" d=\"M%.1f %d V%.1f\"/>", x, TOP, bottom);
        text(f->to, x, bottom + 16, "middle", "soft", f->x.label[i]);
    }
    for (int i = 0; i < f->y.ticks; i++) {
        const double y = at_y(f, f->y.tick[i]);
        fprintf(f->to, "<path class=\"axis\" d=\"M%d %.1f H%.1f\"/>", LEFT, y, right);
        text(f->to, LEFT - 6, y + 4, "end", "soft", f->y.label[i]);
    }
    text(f->to, (LEFT + right) / 2, HEIGHT - 8, "middle", "", p->x_label);
    fprintf(f->to, "<text transform=\"translate(14 %.1f) rotate(-90)\" text-anchor=\"middle\">", (TOP + bottom) / 2);
    idem_html_escape(f->to, p->y_label);
    fputs("</text>\n", f->to);
    fprintf(f->to, "<text x=\"%d\" y=\"18\" style=\"font-weight:600\">", LEFT);
    idem_html_escape(f->to, p->title);
    fputs("</text>\n", f->to);
}

/* As a style, in which the page's variables work. */
static void colour(FILE *to, int index, const char *property) {
    if (index < 0)
        fprintf(to, "%s:var(--soft)", property);
    else
        fprintf(to, "%s:var(--s%d)", property, index % 8);
}

static void draw_points(const frame *f, const idem_plot_series *s) {
    const bool dots = s->kind == IDEM_PLOT_DOTS;
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i]))
            continue;
        const double x = at_x(f, s->x[i]), y = at_y(f, s->y[i]);
        if (s->x_off && isfinite(s->x_off[i]))
            fprintf(f->to, "<path d=\"M%.1f %.1f H%.1f\"/>", at_x(f, s->x[i] - s->x_off[i]), y,
                    at_x(f, s->x[i] + s->x_off[i]));
        if (s->y_off && isfinite(s->y_off[i]))
            fprintf(f->to, "<path d=\"M%.1f %.1f V%.1f\"/>", x, at_y(f, s->y[i] - s->y_off[i]),
                    at_y(f, s->y[i] + s->y_off[i]));
        fprintf(f->to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"/>", x, y, dots ? "1.6" : "4.5");
    }
}

static void draw_line(const frame *f, const idem_plot_series *s) {
    bool on = false;
    fputs("<path style=\"fill:none\" d=\"", f->to);
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i])) {
            on = false;
            continue;
        }
        if (on && s->kind == IDEM_PLOT_STEPS)
            fprintf(f->to, "H%.1f ", at_x(f, s->x[i]));
        fprintf(f->to, "%c%.1f %.1f ", on ? 'L' : 'M', at_x(f, s->x[i]), at_y(f, s->y[i]));
        on = true;
    }
    fputs("\"/>", f->to);
}

static int legend_rows(const idem_plot *p) {
    int n = 0;
    for (int k = 0; k < p->n; k++)
        n += p->series[k].label != NULL;
    return n;
}

static void draw(FILE *to, const idem_plot *p) {
    frame f = {.to = to};
    const int height = HEIGHT + LEGEND * legend_rows(p);
    find_axes(&f, p);
    fprintf(to, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"", WIDTH, height,
            WIDTH, height);
    idem_html_escape(to, p->title);
    fputs("\">\n", to);
    draw_axes(&f, p);
    for (int k = 0; k < p->n; k++) {
        const idem_plot_series *s = &p->series[k];
        fputs("<g style=\"stroke-width:1.8;", to);
        colour(to, s->colour, "stroke");
        fputc(';', to);
        colour(to, s->colour, "fill");
        fputs(s->colour < 0 ? ";opacity:.35\">" : "\">", to);
        if (s->kind == IDEM_PLOT_POINTS || s->kind == IDEM_PLOT_DOTS)
            draw_points(&f, s);
        else
            draw_line(&f, s);
        fputs("</g>\n", to);
    }
    for (int k = 0, row = 0; k < p->n; k++) {
        if (!p->series[k].label)
            continue;
        const double y = HEIGHT + LEGEND * row++ + 8;
        fprintf(to, "<circle cx=\"%d\" cy=\"%.1f\" r=\"4.5\" style=\"", LEFT + 5, y - 4);
        colour(to, p->series[k].colour, "fill");
        fputs("\"/>", to);
        text(to, LEFT + 16, y, "start", "", p->series[k].label);
    }
    fputs("</svg>\n", to);
}

void idem_html_plots(idem_html *h, const idem_plot *plots, int n) {
    FILE *to = idem_html_stream(h);
    fputs("<div class=\"plots\">\n", to);
    for (int i = 0; i < n; i++) {
        fputs("<figure class=\"card\">", to);
        draw(to, &plots[i]);
        if (plots[i].caption) {
            fputs("<figcaption>", to);
            idem_html_escape(to, plots[i].caption);
            fputs("</figcaption>", to);
        }
        fputs("</figure>\n", to);
    }
    fputs("</div>\n", to);
}
