#include "train/curves.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "media/chart.h"

enum { FILE_MAX = 1 << 30, SERIES = 4, POINTS_MAX = 4000 };

typedef struct {
    double *x, *y;
    size_t n, capacity;
} track;

/* The panels, with up to SERIES lines each. */
typedef struct {
    const char *kind, *key, *label;
} line_spec;
typedef struct {
    const char *title, *y_label;
    bool log_y;
    line_spec lines[SERIES];
} panel_spec;

static const panel_spec panels[] = {
    {"identity loss", "mean |difference|", false, {{"train", "l_id", "L_id"}}},
    {"landmark loss", "squared, 160-px units", true, {{"train", "l_landmark", "L_lnd"}}},
    {"reconstruction loss", "0.84 (1 - MS-SSIM) + 0.16 L1w", false, {{"train", "l_rec", "L_rec"}}},
    {"colour outside the face", "mean |difference|", false, {{"train", "l_surround", "L_surround"}}},
    {"adversarial game",
     "cross-entropy",
     false,
     {{"train", "l_adversarial", "mapper"}, {"train", "l_critic", "critic"}, {"train", "r1", "R1"}}},
    {"recipe summary: reconstruction", "mean square", false, {{"train", "l_r", "L_r"}, {"train", "pixels", "pixels"}}},
    {"recipe summary: disentanglement", "2 + 2 sim^2", false, {{"train", "l_d", "L_d"}}},
    {"recipe summary: likeness", "cosine", false, {{"train", "likeness", "sim"}}},
    {"identity, held-out cross pairs",
     "S: 0 stranger, 1 same",
     false,
     {{"evaluation", "id_kept", "id_kept"},
      {"evaluation", "attr_leak", "attr_leak"},
      {"evaluation", "photo_id_kept", "photographs: id_kept"},
      {"evaluation", "photo_attr_leak", "photographs: attr_leak"}}},
    {"landmarks, held-out cross pairs",
     "NME to the attribute picture",
     false,
     {{"evaluation", "nme", "NME"}, {"evaluation", "photo_nme", "photographs"}}},
};
enum { PANELS = sizeof panels / sizeof *panels };

static int add(track *t, double x, double y) {
    if (t->n == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 256;
        double *nx = realloc(t->x, capacity * sizeof *nx);
        if (nx)
            t->x = nx;
        double *ny = realloc(t->y, capacity * sizeof *ny);
        if (ny)
            t->y = ny;
        if (!nx || !ny)
            return idem_fail_as(IDEM_MEMORY, "out of memory for training curves");
        t->capacity = capacity;
    }
    t->x[t->n] = x;
    t->y[t->n++] = y;
    return 0;
}

/* For long runs: neighbours are averaged until a line has a few thousand points. */
static void thin(track *t) {
    while (t->n > POINTS_MAX) {
        for (size_t i = 0; i + 1 < t->n; i += 2) {
            t->x[i / 2] = (t->x[i] + t->x[i + 1]) / 2;
            t->y[i / 2] = (t->y[i] + t->y[i + 1]) / 2;
        }
        t->n /= 2;
    }
}

static int read_line(const char *text, size_t size, track tracks[PANELS][SERIES]) {
    json_t *line = json_loadb(text, size, 0, NULL);
    const char *kind = json_string_value(json_object_get(line, "kind"));
    double x = json_number_value(json_object_get(line, "iteration"));
    int status = 0;
    for (int p = 0; p < PANELS && kind; p++)
        for (int s = 0; s < SERIES && panels[p].lines[s].kind && !status; s++) {
            const json_t *y = json_object_get(line, panels[p].lines[s].key);
            if (!strcmp(kind, panels[p].lines[s].kind) && json_is_number(y))
                status = add(&tracks[p][s], x, json_number_value(y));
        }
    json_decref(line);
    return status;
}

static int draw(const char *png, track tracks[PANELS][SERIES]) {
    idem_chart_panel page[PANELS] = {0};
    idem_chart_series series[PANELS][SERIES] = {0};
    size_t used = 0;
    for (int p = 0; p < PANELS; p++) {
        size_t lines = 0;
        for (int s = 0; s < SERIES && panels[p].lines[s].kind; s++) {
            track *t = &tracks[p][s];
            thin(t);
            bool evaluation = !strcmp(panels[p].lines[s].kind, "evaluation");
            if (t->n)
                series[used][lines++] = (idem_chart_series){.label = panels[p].lines[s].label,
                                                            .x = t->x,
                                                            .y = t->y,
                                                            .n = t->n,
                                                            .smooth = evaluation ? 0 : 0.9,
                                                            .points = evaluation};
        }
        if (!lines)
            continue;
        page[used] = (idem_chart_panel){.title = panels[p].title,
                                        .x_label = "iteration",
                                        .y_label = panels[p].y_label,
                                        .log_y = panels[p].log_y,
                                        .series = series[used],
                                        .series_count = lines};
        used++;
    }
    if (!used)
        return idem_fail("%s: nothing to draw yet: metrics.jsonl has no numbers", png);
    idem_chart chart = {.title = "training", .panels = page, .panel_count = used};
    idem_image picture = {0};
    int status =
        idem_chart_draw(&picture, &chart) || idem_image_save_png(&picture, png, &idem_marks_no_source) ? -1 : 0;
    idem_image_free(&picture);
    return status;
}

int idem_curves_draw(const char *run, const char *png) {
    char *path = idem_path_join(run, "metrics.jsonl");
    unsigned char *data = NULL;
    size_t size;
    track tracks[PANELS][SERIES] = {0};
    int status = path ? idem_file_read(path, FILE_MAX, &data, &size) : -1;
    for (size_t at = 0; !status && at < size;) {
        const unsigned char *end = memchr(data + at, '\n', size - at);
        size_t length = end ? (size_t)(end - data) - at : size - at;
        status = read_line((const char *)data + at, length, tracks);
        at += length + 1;
    }
    if (!status)
        status = draw(png, tracks);
    for (int p = 0; p < PANELS; p++)
        for (int s = 0; s < SERIES; s++) {
            free(tracks[p][s].x);
            free(tracks[p][s].y);
        }
    free(data);
    free(path);
    return status;
}
