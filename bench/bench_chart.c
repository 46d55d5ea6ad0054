/* Draws how cost grows: bench_chart OUT.png < LINES, the JSON lines of bench_work; bench/growth makes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/status.h"
#include "media/chart.h"

enum { MOST = 512, SERIES = 4 };

typedef struct {
    char name[64];
    int side, batch, threads;
    double seconds, megabytes;
} row;

static row rows[MOST];
static int n_rows;

static double number(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

static int read_rows(FILE *f) {
    static char line[4096];
    while (n_rows < MOST && fgets(line, sizeof line, f)) {
        json_t *o = json_loads(line, 0, NULL);
        const char *name = json_string_value(json_object_get(o, "name"));
        if (!name)
            return idem_fail("line %d is not one of bench_work's", n_rows + 1);
        row *r = &rows[n_rows++];
        snprintf(r->name, sizeof r->name, "%s", name);
        const char *side = strchr(name, '-');
        r->side = side ? atoi(side + 1) : 0;
        r->batch = (int)number(o, "batch");
        r->threads = (int)number(o, "threads");
        r->seconds = number(o, "seconds_per_picture");
        r->megabytes = number(o, "peak_rss_mb");
        json_decref(o);
    }
    return 0;
}

typedef enum { BY_SIDE, BY_BATCH, BY_THREADS } axis;

static int by_x(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The results of a series: names with both texts, and all given sizes except its x axis. */
static idem_chart_series collect(const char *label, const char *text, const char *way, axis by, int batch, int threads,
                                 bool memory) {
    double(*xy)[2] = calloc(MOST, sizeof *xy), *x = calloc(MOST, sizeof *x), *y = calloc(MOST, sizeof *y);
    size_t n = 0;
    for (int i = 0; xy && x && y && i < n_rows; i++) {
        const row *r = &rows[i];
        if (!strstr(r->name, text) || !strstr(r->name, way) || (by != BY_BATCH && r->batch != batch) ||
            (by != BY_THREADS && r->threads != threads))
            continue;
        xy[n][0] = by == BY_SIDE ? r->side : by == BY_BATCH ? r->batch : r->threads;
        xy[n++][1] = memory ? r->megabytes : r->seconds * 1e3;
    }
    qsort(xy, n, sizeof *xy, by_x);
    for (size_t i = 0; i < n; i++) {
        x[i] = xy[i][0];
        y[i] = xy[i][1];
    }
    free(xy);
    return (idem_chart_series){.label = label, .x = x, .y = y, .n = n, .points = true};
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: bench_chart OUT.png < LINES\n");
        return 2;
    }
    if (read_rows(stdin)) {
        fprintf(stderr, "bench_chart: %s\n", idem_error());
        return 1;
    }
    bool threads = false;
    for (int i = 0; i < n_rows; i++)
        threads = threads || rows[i].threads > 1;
    static const char *const label[] = {"StyleGAN2-256, forward", "StyleGAN2-256, and gradient to w",
                                        "generator-64, forward", "generator-64, and gradient to w"};
    static const char *const name[] = {"stylegan2-256-forward", "stylegan2-256-grad-w", "generator-64-forward",
                                       "generator-64-grad-w"};
    idem_chart_series series[5][SERIES];
    for (int memory = 0; memory < 2; memory++) {
        series[memory][0] = collect("forward", "stylegan2-", "-forward", BY_SIDE, 1, 1, memory);
        series[memory][1] = collect("and gradient to w", "stylegan2-", "-grad-w", BY_SIDE, 1, 1, memory);
        for (int i = 0; i < SERIES; i++)
            series[2 + memory][i] = collect(label[i], name[i], "", BY_BATCH, 0, 1, memory);
    }
    for (int i = 0; i < SERIES; i++)
        series[4][i] = collect(label[i], name[i], "", BY_THREADS, i < 2 ? 1 : 16, 0, false);
    const idem_chart_panel panels[5] = {
        {.title = "StyleGAN2, one picture, one thread: milliseconds", .x_label = "pixels a side"},
        {.title = "StyleGAN2, one picture: peak of memory, MB", .x_label = "pixels a side"},
        {.title = "milliseconds a picture, one thread", .x_label = "pictures in a batch"},
        {.title = "peak of memory, MB", .x_label = "pictures in a batch"},
        {.title = "milliseconds a picture (batch 1; generator-64: 16)", .x_label = "threads"}};
    idem_chart_panel page[5];
    for (int i = 0; i < 5; i++) {
        page[i] = panels[i];
        page[i].log_x = page[i].log_y = true;
        page[i].series = series[i];
        page[i].series_count = i < 2 ? 2 : SERIES;
    }
    idem_chart chart = {.title = "cost as work grows", .columns = 2, .panels = page, .panel_count = threads ? 5 : 4};
    idem_image picture = {0};
    int status = idem_chart_draw(&picture, &chart) || idem_image_save_png(&picture, argv[1], NULL);
    if (status)
        fprintf(stderr, "bench_chart: %s\n", idem_error());
    idem_image_free(&picture);
    return status ? 1 : 0;
}
