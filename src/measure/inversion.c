#include "measure/inversion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "data/picture_source.h"
#include "measure/invert.h"
#include "measure/verification.h"
#include "measure/witness.h"
#include "media/sheet.h"
#include "model/origin.h"

enum { BATCH = 8, SHOWN = 24, SHEET_COLUMNS = 8, STRANGERS = 20000, D = IDEM_JUDGE_DIM };
typedef struct {
    const idem_inversion_options *o;
    idem_inversion *out;
    idem_model *model;
    idem_invert *invert;
    idem_witness *witness;
    idem_picture_source *source;
    int size, n;
    size_t picture;   /* numbers of a picture */
    float *x, *found; /* [BATCH, S, S, 3] */
    float *rows[2];   /* the judge's vectors [count, D] of the pictures; of their inversions */
    double *psnr, *s; /* [count] */
    idem_image shown[2 * SHOWN];
} job;

static void on_bad(void *user, const char *why) {
    const job *j = user;
    if (j->o->bad)
        j->o->bad(j->o->user, why);
    j->out->bad++;
}

static int open_all(job *j) {
    const idem_inversion_options *a = j->o;
    if (!(j->model = idem_model_open(a->generator)) || idem_model_load_frozen(j->model, a->models) ||
        !(j->source = idem_picture_source_open(a->pictures, 1, a->seed, &a->plan)))
        return -1;
    const size_t all = idem_picture_source_count(j->source);
    if (idem_picture_source_side(j->source))
        return idem_fail("%s: expected a folder of pictures", a->pictures);
    j->size = idem_model_about(j->model)->size;
    j->picture = (size_t)j->size * (size_t)j->size * 3;
    j->n = all < (size_t)a->count ? (int)all : a->count;
    const size_t n = (size_t)j->n;
    j->x = malloc(BATCH * j->picture * sizeof *j->x);
    j->found = malloc(BATCH * j->picture * sizeof *j->found);
    j->psnr = malloc(n * sizeof *j->psnr);
    j->s = malloc(n * sizeof *j->s);
    for (int k = 0; k < 2; k++)
        j->rows[k] = malloc(n * D * sizeof *j->rows[k]);
    if (!j->x || !j->found || !j->psnr || !j->s || !j->rows[0] || !j->rows[1])
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", j->n);
    j->witness = idem_witness_new(a->models, idem_model_frame(j->model), j->size, BATCH, &a->plan);
    j->invert = idem_invert_new(j->model, &(idem_invert_options){.steps = a->steps, .rate = IDEM_INVERSION_RATE}, BATCH,
                                &a->plan);
    return j->witness && j->invert ? 0 : -1;
}

/* The pictures from `done` on. */
static int measure_some(job *j, int done, int n) {
    if (idem_invert_run(j->invert, n, j->x, j->found, NULL))
        return -1;
    idem_image_quantise(j->found, (size_t)n * j->picture); /* as in a file */
    const float *const both[2] = {j->x, j->found};
    for (int k = 0; k < 2; k++)
        if (idem_witness_run(j->witness, n, both[k], j->rows[k] + (size_t)done * D, NULL))
            return -1;
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)i * j->picture;
        j->psnr[done + i] = idem_score_psnr(j->x + at, j->found + at, 1, j->size).mean;
        for (int k = 0; k < 2 && done + i < SHOWN; k++)
            if (idem_image_from_float(&j->shown[2 * (done + i) + k], both[k] + at, j->size, j->size, 0, 1))
                return -1;
    }
    return 0;
}

static void tell(const job *j, int done, int all) {
    if (j->o->progress)
        j->o->progress(j->o->user, "inverting", (uint64_t)done, (uint64_t)all);
}

static int measure(job *j) {
    const double start = idem_clock();
    int done = 0, got = 1;
    tell(j, 0, j->n);
    while (done < j->n && got) {
        const int some = j->n - done < BATCH ? j->n - done : BATCH;
        got = idem_picture_source_next(j->source, (size_t)some, j->size, j->x, on_bad, j);
        if (got < 0 || (got && measure_some(j, done, got)))
            return -1;
        done += got;
        if (got)
            tell(j, done, j->n);
    }
    if (done < j->n) /* the others are unreadable */
        tell(j, done, done);
    j->n = done;
    if (done < 2)
        return idem_fail("%s: %d readable pictures, expected at least 2", j->o->pictures, done);
    j->out->each = (idem_clock() - start) / done;
    return 0;
}

static void judge(job *j) {
    int above = 0;
    const double strangers = idem_score_strangers(j->rows[0], j->n, D, STRANGERS, j->o->seed);
    for (int i = 0; i < j->n; i++) {
        double cosine = 0;
        for (size_t k = (size_t)i * D; k < (size_t)(i + 1) * D; k++)
            cosine += (double)j->rows[0][k] * (double)j->rows[1][k];
        j->s[i] = (cosine - strangers) / (1 - strangers);
        above += cosine > IDEM_JUDGE_THRESHOLD;
    }
    j->out->strangers = strangers;
    j->out->psnr = idem_figure_of(j->psnr, j->n);
    j->out->s = idem_figure_of(j->s, j->n);
    const double share = (double)above / j->n;
    j->out->above = (idem_figure){share, sqrt(share * (1 - share) / j->n), j->n, 1, "pictures"};
}

/* ---- the sheet ---- */

static int save_sheet(const job *j) {
    const int n = j->n < SHOWN ? j->n : SHOWN;
    const idem_image *list[2 * SHOWN];
    char text[2 * SHOWN][48];
    const char *captions[2 * SHOWN];
    for (int i = 0; i < 2 * n; i++) {
        list[i] = &j->shown[i];
        captions[i] = text[i];
        if (i % 2)
            snprintf(text[i], sizeof text[i], "S %.2f, %.1f dB", j->s[i / 2], j->psnr[i / 2]);
        else
            snprintf(text[i], sizeof text[i], "portrait %d", i / 2);
    }
    const idem_sheet sheet = {.title = "Portraits, each beside its inversion by the generator",
                              .footer = "contains the portraits: do not publish",
                              .captions = captions};
    char *path = idem_path_join(j->o->output, "inverted.png");
    idem_image page;
    int status = path ? idem_sheet_list(&page, &sheet, list, 2 * n, SHEET_COLUMNS) : -1;
    if (!status) {
        idem_origin origin;
        idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, j->model, &j->o->seed);
        status = idem_image_save_png(&page, path, &origin.marks);
        idem_image_free(&page);
    }
    free(path);
    return status;
}

int idem_inversion_run(idem_inversion *out, const idem_inversion_options *o) {
    *out = (idem_inversion){0};
    job j = {.o = o, .out = out};
    bool made = false;
    int status = idem_dir_enter(o->output, &made) || open_all(&j) || measure(&j) ? -1 : 0;
    if (!status) {
        judge(&j);
        snprintf(out->generator, sizeof out->generator, "%s", idem_model_about(j.model)->hash);
        out->size = j.size;
        out->n = j.n;
        status = save_sheet(&j);
    }
    idem_invert_free(j.invert);
    idem_witness_free(j.witness);
    idem_picture_source_free(j.source);
    idem_model_free(j.model);
    free(j.x);
    free(j.found);
    free(j.psnr);
    free(j.s);
    for (int i = 0; i < 2; i++)
        free(j.rows[i]);
    for (int i = 0; i < 2 * SHOWN; i++)
        idem_image_free(&j.shown[i]);
    idem_dir_leave(o->output, made);
    return status;
}
