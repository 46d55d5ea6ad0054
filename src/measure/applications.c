#include "measure/applications.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/sheet.h"
#include "model/pipe.h"

enum { FACES = 5, STEPS = 7, WAYS = 4, FRAMES = 7, CELLS = 64 };

const char *const idem_application_captions[IDEM_APPLICATIONS] = {
    "Every identity (left) with every attribute picture (top).",
    ("From one identity to another with fixed attributes, and from one attribute picture to another with a fixed "
     "identity: in z, the codes that go into the mapper, and in W."),
    "One identity over a sequence of attribute pictures."};

typedef struct {
    idem_model *model;
    idem_pipe *identity, *attributes, *map, *paint;
    int n, size; /* pairs used */
    size_t picture, id_dim, attr_dim, w_dim;
    float *x[2], *id, *attr; /* [FACES]: pictures and codes */
    float *y, *w;            /* [CELLS] */
    float *a, *b;            /* [CELLS]: codes that go into the mapper */
    idem_image cells[CELLS + 2 * FACES];
} work;

static float *numbers(size_t n) {
    float *p = malloc(n * sizeof *p);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for the applications");
}

static int open_work(work *w, idem_model *m, idem_pairs *pairs, int batch, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(m);
    const int count = idem_pairs_count(pairs);
    if (count < 2)
        return idem_fail("%d pairs for the applications, expected 2 or more", count);
    *w = (work){.model = m, .n = count < FACES ? count : FACES, .size = info->size};
    w->picture = (size_t)info->size * (size_t)info->size * 3;
    w->id_dim = (size_t)info->id_dim;
    w->attr_dim = (size_t)info->attr_dim;
    w->w_dim = (size_t)info->w_dim;
    if (!(w->identity = idem_pipe_new(m, IDEM_PIPE_IDENTITY, batch, 1, plan)) ||
        !(w->attributes = idem_pipe_new(m, IDEM_PIPE_ATTRIBUTES, batch, 1, plan)) ||
        !(w->map = idem_pipe_new(m, IDEM_PIPE_MAP, batch, 1, plan)) ||
        !(w->paint = idem_pipe_new(m, IDEM_PIPE_PICTURE, batch, 1, plan)))
        return -1;
    return (w->x[0] = numbers(FACES * w->picture)) && (w->x[1] = numbers(FACES * w->picture)) &&
                   (w->id = numbers(FACES * w->id_dim)) && (w->attr = numbers(FACES * w->attr_dim)) &&
                   (w->y = numbers(CELLS * w->picture)) && (w->w = numbers(CELLS * w->w_dim)) &&
                   (w->a = numbers(CELLS * w->id_dim)) && (w->b = numbers(CELLS * w->attr_dim))
               ? 0
               : -1;
}

static void close_work(work *w) {
    idem_pipe_free(w->identity);
    idem_pipe_free(w->attributes);
    idem_pipe_free(w->map);
    idem_pipe_free(w->paint);
    float *const all[] = {w->x[0], w->x[1], w->id, w->attr, w->y, w->w, w->a, w->b};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    for (size_t i = 0; i < sizeof w->cells / sizeof *w->cells; i++)
        idem_image_free(&w->cells[i]);
}

static int run(idem_pipe *p, int n, const float *a, const float *b, float *first, float *second) {
    return idem_pipe_run(p, (size_t)n, (const float *const[]){a, b}, (float *const[]){first, second});
}

static int take_sources(work *w, idem_pairs *pairs) {
    return idem_pairs_read(pairs, 0, w->n, w->x[0], w->x[1], NULL) ||
                   run(w->identity, w->n, w->x[0], NULL, w->id, NULL) ||
                   run(w->attributes, w->n, w->x[1], NULL, w->attr, NULL)
               ? -1
               : 0;
}

static int show(work *w, int cell, const float *x) {
    idem_image_free(&w->cells[cell]);
    return idem_image_from_float(&w->cells[cell], x, w->size, w->size, 0, 1);
}

/* The pictures y as a sheet; heads: pictures of the rows and columns, or NULL. */
static int draw(work *w, idem_image *page, int rows, int columns, const float *down, const float *along,
                const char *const *labels) {
    const idem_image *cells[CELLS], *left[FACES], *top[FACES];
    for (int i = 0; i < rows * columns; i++) {
        if (show(w, i, w->y + (size_t)i * w->picture))
            return -1;
        cells[i] = &w->cells[i];
    }
    for (int i = 0; down && i < rows; i++) {
        if (show(w, CELLS + i, down + (size_t)i * w->picture))
            return -1;
        left[i] = &w->cells[CELLS + i];
    }
    for (int i = 0; along && i < columns; i++) {
        if (show(w, CELLS + FACES + i, along + (size_t)i * w->picture))
            return -1;
        top[i] = &w->cells[CELLS + FACES + i];
    }
    const idem_sheet sheet = {.rows = rows,
                              .columns = columns,
                              .cells = cells,
                              .down = down ? left : NULL,
                              .along = along ? top : NULL,
                              .row_labels = labels};
    return idem_sheet_draw(page, &sheet);
}

static int grid(work *w, idem_image *page) {
    for (int i = 0; i < w->n; i++)
        for (int k = 0; k < w->n; k++) {
            const size_t cell = (size_t)(i * w->n + k);
            memcpy(w->a + cell * w->id_dim, w->id + (size_t)i * w->id_dim, w->id_dim * sizeof(float));
            memcpy(w->b + cell * w->attr_dim, w->attr + (size_t)k * w->attr_dim, w->attr_dim * sizeof(float));
        }
    return run(w->map, w->n * w->n, w->a, w->b, w->w, w->y) || draw(w, page, w->n, w->n, w->x[0], w->x[1], NULL);
}

static void between(float *to, const float *a, const float *b, size_t n, double t, bool unit) {
    double square = 0;
    for (size_t k = 0; k < n; k++) {
        to[k] = (float)((1 - t) * (double)a[k] + t * (double)b[k]);
        square += (double)to[k] * (double)to[k];
    }
    for (size_t k = 0; k < n && unit; k++)
        to[k] = (float)((double)to[k] / fmax(sqrt(square), 1e-12));
}

/* Codes of an interpolation in z: which 0: from identity 0 to 1 with attributes 0; 1: from attributes 0 to 1 with
 * identity 0. */
static void way_in_z(work *w, int which) {
    for (int i = 0; i < STEPS; i++) {
        const double t = (double)i / (STEPS - 1);
        between(w->a + (size_t)i * w->id_dim, w->id, w->id + w->id_dim, w->id_dim, which ? 0 : t, true);
        between(w->b + (size_t)i * w->attr_dim, w->attr, w->attr + w->attr_dim, w->attr_dim, which ? t : 0, false);
    }
}

static int interpolation(work *w, idem_image *page) {
    static const char *const labels[WAYS] = {"identity, in z", "identity, in W", "attributes, in z",
                                             "attributes, in W"};
    for (int which = 0; which < 2; which++) {
        float *y = w->y + (size_t)(2 * which * STEPS) * w->picture;
        way_in_z(w, which);
        if (run(w->map, STEPS, w->a, w->b, w->w, y))
            return -1;
        float *ends = w->w + (size_t)STEPS * w->w_dim; /* copies of the first and the last code */
        memcpy(ends, w->w, w->w_dim * sizeof(float));
        memcpy(ends + w->w_dim, w->w + (STEPS - 1) * w->w_dim, w->w_dim * sizeof(float));
        for (int i = 0; i < STEPS; i++)
            between(w->w + (size_t)i * w->w_dim, ends, ends + w->w_dim, w->w_dim, (double)i / (STEPS - 1), false);
        if (run(w->paint, STEPS, w->w, NULL, y + STEPS * w->picture, NULL))
            return -1;
    }
    return draw(w, page, WAYS, STEPS, NULL, NULL, labels);
}

/* The attribute pictures: an interpolation of the generator's codes, or the given pictures. */
static int take_frames(work *w, idem_pairs *pairs, int frames, float *x) {
    if (!idem_pairs_have_codes(pairs))
        return idem_pairs_read(pairs, 0, frames, NULL, x, NULL);
    float *ends = w->w + FRAMES * w->w_dim;
    if (idem_pairs_codes(pairs, 0, 2, NULL, ends))
        return -1;
    for (int i = 0; i < frames; i++)
        between(w->w + (size_t)i * w->w_dim, ends, ends + w->w_dim, w->w_dim, (double)i / (frames - 1), false);
    if (run(w->paint, frames, w->w, NULL, x, NULL))
        return -1;
    idem_image_quantise(x, (size_t)frames * w->picture);
    return 0;
}

static int sequence(work *w, idem_pairs *pairs, idem_image *page) {
    static const char *const labels[2] = {"attributes", "one identity"};
    const int count = idem_pairs_count(pairs),
              frames = count < FRAMES && !idem_pairs_have_codes(pairs) ? count : FRAMES;
    if (take_frames(w, pairs, frames, w->y) || run(w->attributes, frames, w->y, NULL, w->b, NULL))
        return -1;
    for (int i = 0; i < frames; i++)
        memcpy(w->a + (size_t)i * w->id_dim, w->id, w->id_dim * sizeof(float));
    return run(w->map, frames, w->a, w->b, w->w, w->y + (size_t)frames * w->picture) ||
           draw(w, page, 2, frames, NULL, NULL, labels);
}

int idem_applications_draw(idem_image *pages, idem_model *m, idem_pairs *pairs, int batch,
                           const idem_plan_options *plan) {
    work w = {0};
    for (int i = 0; i < IDEM_APPLICATIONS; i++)
        pages[i] = (idem_image){0};
    const int status = open_work(&w, m, pairs, batch, plan) || take_sources(&w, pairs) ||
                       grid(&w, &pages[IDEM_APPLICATION_GRID]) ||
                       interpolation(&w, &pages[IDEM_APPLICATION_INTERPOLATION]) ||
                       sequence(&w, pairs, &pages[IDEM_APPLICATION_SEQUENCE]);
    close_work(&w);
    for (int i = 0; i < IDEM_APPLICATIONS && status; i++)
        idem_image_free(&pages[i]);
    return status ? -1 : 0;
}
