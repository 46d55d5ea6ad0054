#include "measure/study_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "measure/applications.h"
#include "measure/plot.h"
#include "measure/study_tables.h"
#include "media/sheet.h"

enum { BINS = 24, PLANE_MOST = 1000, COLOURS = 8 };

/* ---- plots ---- */

/* A point per row: a figure against the identity kept. */
typedef struct {
    double x[IDEM_STUDY_ROWS_MAX], y[IDEM_STUDY_ROWS_MAX], x_off[IDEM_STUDY_ROWS_MAX], y_off[IDEM_STUDY_ROWS_MAX];
    idem_plot_series series[IDEM_STUDY_ROWS_MAX];
} trade;

static void fill_trade(trade *t, const idem_study *s, int against) {
    const idem_study_facts *f = idem_study_about(s);
    const int kept = idem_measure_of(f->measures, IDEM_RECOGNISER_JUDGE, IDEM_M_ID_KEPT);
    for (int i = 0; i < f->rows; i++) {
        const idem_figure x = idem_study_spread(s, i, against, NULL).mean, y = idem_study_spread(s, i, kept, NULL).mean;
        t->x[i] = idem_figure_value(&x);
        t->y[i] = idem_figure_value(&y);
        t->x_off[i] = x.error;
        t->y_off[i] = y.error;
        t->series[i] = (idem_plot_series){.label = idem_method_name(f->row[i].method),
                                          .kind = IDEM_PLOT_POINTS,
                                          .colour = i % COLOURS,
                                          .x = &t->x[i],
                                          .y = &t->y[i],
                                          .x_off = &t->x_off[i],
                                          .y_off = &t->y_off[i],
                                          .n = 1};
    }
}

/* Distribution of the first row's pairs: the share of pairs in each of BINS bins. */
typedef struct {
    double x[2][BINS + 1], y[2][BINS + 1];
    idem_plot_series series[2];
} histogram;

static void fill_histogram(histogram *h, const idem_study *s) {
    static const int which[2] = {IDEM_M_ID_KEPT, IDEM_M_ATTR_LEAK};
    static const char *const labels[2] = {"kept, S(id, out)", "leaked, S(attr, out)"};
    const idem_study_facts *f = idem_study_about(s);
    const size_t width = (size_t)f->measures->n;
    const double lo = -0.5, hi = 1;
    for (int k = 0; k < 2; k++) {
        const size_t m = (size_t)idem_measure_of(f->measures, IDEM_RECOGNISER_JUDGE, which[k]);
        for (int b = 0; b <= BINS; b++) {
            h->x[k][b] = lo + (hi - lo) * b / BINS;
            h->y[k][b] = 0;
        }
        for (size_t i = 0; i < (size_t)f->pairs; i++) {
            const double at = ((double)f->row[0].values[i * width + m] - lo) / (hi - lo) * BINS;
            const int b = at > 0 ? (int)at : 0; /* values beyond either end count in the outer bins */
            h->y[k][b < BINS ? b : BINS - 1] += 1.0 / f->pairs;
        }
        h->y[k][BINS] = h->y[k][BINS - 1];
        h->series[k] = (idem_plot_series){
            .label = labels[k], .kind = IDEM_PLOT_STEPS, .colour = k, .x = h->x[k], .y = h->y[k], .n = BINS + 1};
    }
}

/* The generator's codes, and those of each row that has codes, in the plane of the first two components. */
typedef struct {
    double x[IDEM_STUDY_ROWS_MAX + 1][PLANE_MOST], y[IDEM_STUDY_ROWS_MAX + 1][PLANE_MOST];
    idem_plot_series series[IDEM_STUDY_ROWS_MAX + 1];
    int n;
    char caption[300];
} plane;

static void add_places(plane *p, const char *label, int colour, const float *at, int n) {
    const int k = p->n++, most = n < PLANE_MOST ? n : PLANE_MOST;
    for (int i = 0; i < most; i++) {
        p->x[k][i] = (double)at[2 * i];
        p->y[k][i] = (double)at[2 * i + 1];
    }
    p->series[k] = (idem_plot_series){
        .label = label, .kind = IDEM_PLOT_DOTS, .colour = colour, .x = p->x[k], .y = p->y[k], .n = most};
}

static void fill_plane(plane *p, const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    int n;
    const float *codes = idem_w_space_plane(f->codes, &n);
    p->n = 0;
    add_places(p, "codes of the generator", -1, codes, n);
    for (int i = 0; i < f->rows; i++)
        if (f->row[i].plane)
            add_places(p, idem_method_name(f->row[i].method), i % COLOURS, f->row[i].plane, f->pairs);
    const double *share = idem_w_space_shares(f->codes);
    snprintf(
        p->caption, sizeof p->caption,
        "W along its first two principal components, which explain %.0f %% and %.0f %% of the variance of %d codes.",
        100 * share[0], 100 * share[1], IDEM_W_CODES);
}

typedef struct {
    trade nme, pose;
    histogram kept;
    plane w;
} drawings;

static int add_plots(idem_html *h, const idem_study *s) {
    const idem_study_facts *f = idem_study_about(s);
    drawings *d = malloc(sizeof *d);
    if (!d)
        return idem_fail_as(IDEM_MEMORY, "out of memory for plots");
    fill_trade(&d->nme, s, idem_measure_of_all(f->measures, IDEM_M_NME));
    fill_trade(&d->pose, s, idem_measure_of_all(f->measures, IDEM_M_POSE_L2));
    fill_histogram(&d->kept, s);
    fill_plane(&d->w, s);
    const idem_plot plots[] = {
        {.title = "Identity kept against landmarks",
         .x_label = "NME, eye distances (lower is better)",
         .y_label = "identity kept, judge (higher is better)",
         .series = d->nme.series,
         .n = f->rows,
         .caption = "Bars are standard errors."},
        {.title = "Identity kept against pose",
         .x_label = "pose, L2, degrees (lower is better)",
         .y_label = "identity kept, judge (higher is better)",
         .series = d->pose.series,
         .n = f->rows,
         .caption = "Bars are standard errors."},
        {.title = "Distribution of the pairs, first row",
         .x_label = "S, judge",
         .y_label = "share of the pairs",
         .series = d->kept.series,
         .n = 2},
        {.title = "Codes in W",
         .x_label = "first component",
         .y_label = "second component",
         .series = d->w.series,
         .n = d->w.n,
         .same_scale = true,
         .caption = d->w.caption},
    };
    idem_html_plots(h, plots, sizeof plots / sizeof *plots);
    free(d);
    return 0;
}

/* ---- pictures ---- */

static int add_examples(idem_html *h, const idem_study *s, const idem_marks *marks) {
    const idem_study_facts *f = idem_study_about(s);
    const int columns = f->rows + 2 < IDEM_STUDY_ROWS_MAX ? f->rows + 2 : IDEM_STUDY_ROWS_MAX;
    const idem_image *cells[IDEM_STUDY_EXAMPLES * IDEM_STUDY_ROWS_MAX];
    const char *labels[IDEM_STUDY_ROWS_MAX] = {"identity", "attributes"};
    for (int k = 2; k < columns; k++)
        labels[k] = idem_method_name(f->row[k - 2].method);
    for (int i = 0; i < f->n_examples; i++)
        for (int k = 0; k < columns; k++)
            cells[i * columns + k] = k < 2 ? &f->examples[i][k] : &f->row[k - 2].examples[i];
    idem_image page = {0};
    const idem_sheet sheet = {.rows = f->n_examples, .columns = columns, .cells = cells, .column_labels = labels};
    const int status = idem_sheet_draw(&page, &sheet);
    if (!status)
        idem_html_picture(h, &page, marks, "The first pairs, not selected, with each row's results.");
    idem_image_free(&page);
    return status;
}

static int add_tables(idem_html *h, const idem_study *s, int first, int end) {
    idem_study_tables t;
    if (idem_study_tables_make(&t, s))
        return -1;
    for (int i = first; i < t.n && i < end; i++)
        idem_html_table(h, t.at[i]);
    idem_study_tables_free(&t);
    return 0;
}

static int fill(idem_html *h, const idem_study *s, const idem_image *applications, const idem_marks *marks) {
    if (add_tables(h, s, 0, 2))
        return -1;
    idem_html_heading(h, "Plots");
    if (add_plots(h, s))
        return -1;
    idem_html_heading(h, "Pictures");
    if (add_examples(h, s, marks))
        return -1;
    for (int i = 0; applications && i < IDEM_APPLICATIONS; i++)
        idem_html_picture(h, &applications[i], marks, idem_application_captions[i]);
    idem_html_heading(h, "All figures");
    return add_tables(h, s, 2, IDEM_STUDY_TABLES_MAX);
}

int idem_study_page(const idem_study *s, const idem_image *applications, const idem_marks *marks, const char *path) {
    char *preface = idem_study_preface(s);
    idem_html *h = preface ? idem_html_new("idem report", preface) : NULL;
    const int status = h && !fill(h, s, applications, marks) ? idem_html_write(h, path) : -1;
    idem_html_free(h);
    free(preface);
    return status;
}
