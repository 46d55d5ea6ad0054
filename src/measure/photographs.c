#include "measure/photographs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "measure/figures.h"
#include "media/sheet.h"

struct idem_photo_figures {
    idem_model *model;
    idem_photo_options options;
    idem_people *people;
    int *id, *attr;     /* [pairs] */
    size_t picture;     /* numbers */
    float *out, *plain; /* [pairs, S, S, 3]; plain NULL: out is */
    idem_report mapper, composed;
    idem_realism *realism;
    idem_realism_report about;
    uint64_t done, count;
    const char *what;
};

/* ---- life ---- */

static void on_read(void *user, int done, int count) {
    const idem_photo_options *o = &((const idem_photo_figures *)user)->options;
    if (o->progress)
        o->progress(o->user, "looking for faces", (uint64_t)done, (uint64_t)count);
}

static void on_bad(void *user, const char *why) {
    const idem_photo_options *o = &((const idem_photo_figures *)user)->options;
    if (o->bad)
        o->bad(o->user, why);
}

static void on_measured(void *user, int pictures) {
    idem_photo_figures *f = user;
    f->done += (uint64_t)pictures;
    if (f->options.progress)
        f->options.progress(f->options.user, f->what, f->done, f->count);
}

static int open_figures(idem_photo_figures *f, const char *dir) {
    const idem_photo_options *o = &f->options;
    const idem_people_options of_people = {.size = idem_model_about(f->model)->size,
                                           .seed = o->seed,
                                           .threads = o->plan.threads,
                                           .models = o->models,
                                           .share = o->share.ranks > 1 ? &o->share : NULL,
                                           .stop = o->plan.stop,
                                           .progress = on_read,
                                           .bad = on_bad,
                                           .user = f};
    const size_t n = (size_t)o->pairs;
    f->picture = (size_t)of_people.size * (size_t)of_people.size * 3;
    if (!(f->people = idem_people_open(dir, o->pairs, &of_people)))
        return -1;
    f->id = malloc(n * sizeof *f->id);
    f->attr = malloc(n * sizeof *f->attr);
    f->out = malloc(n * f->picture * sizeof *f->out);
    f->plain = o->refine ? malloc(n * f->picture * sizeof *f->plain) : NULL;
    if (!f->id || !f->attr || !f->out || (o->refine && !f->plain))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", o->pairs);
    return idem_people_pair(f->people, f->id, f->attr, o->pairs);
}

idem_photo_figures *idem_photo_figures_new(idem_model *m, const char *dir, const idem_photo_options *o) {
    if (o->pairs < 2)
        return idem_fail_null("%d pairs to evaluate on, expected 2 or more", o->pairs);
    idem_photo_figures *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for an evaluation");
    f->model = m;
    f->options = *o;
    if (open_figures(f, dir)) {
        idem_photo_figures_free(f);
        return NULL;
    }
    return f;
}

void idem_photo_figures_free(idem_photo_figures *f) {
    if (!f)
        return;
    idem_realism_free(f->realism);
    idem_people_free(f->people);
    free(f->id);
    free(f->attr);
    free(f->out);
    free(f->plain);
    free(f);
}

/* ---- run ---- */

/* The pairs' pictures of one side. */
static float *side_of(const idem_photo_figures *f, const int *which) {
    float *x = malloc((size_t)f->options.pairs * f->picture * sizeof *x);
    if (!x)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pictures", f->options.pairs);
    for (size_t i = 0; i < (size_t)f->options.pairs; i++)
        memcpy(x + i * f->picture, f->people->pictures + (size_t)which[i] * f->picture, f->picture * sizeof *x);
    return x;
}

static int give_pairs(const idem_photo_figures *f, idem_evaluator *e) {
    const int n = f->options.pairs;
    float *id = side_of(f, f->id), *attr = id ? side_of(f, f->attr) : NULL;
    int *person = malloc((size_t)n * sizeof *person), status = attr && person ? 0 : -1;
    if (!person)
        idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n && person; i++)
        person[i] = f->people->at[f->id[i]].person;
    if (!status)
        status = idem_evaluator_people(e, n, id, attr, person, f->options.seed);
    free(person);
    free(attr);
    free(id);
    return status;
}

static void keep(const idem_photo_figures *f, const idem_evaluator *e, float *to) {
    memcpy(to, idem_evaluator_shown(e), (size_t)f->options.pairs * f->picture * sizeof *to);
}

static int compose(idem_photo_figures *f, idem_evaluator *e) {
    const int steps = f->options.refine;
    if (give_pairs(f, e) || idem_evaluator_mapper(e, &f->mapper))
        return -1;
    keep(f, e, steps ? f->plain : f->out);
    f->composed = f->mapper;
    f->what = "refining";
    if (steps && idem_evaluator_refined(e, steps, &f->composed))
        return -1;
    if (steps)
        keep(f, e, f->out);
    return 0;
}

int idem_photo_figures_run(idem_photo_figures *f) {
    const idem_photo_options *o = &f->options;
    f->done = 0;
    f->count = (o->refine ? 8 : 5) * (uint64_t)o->pairs;
    f->what = "measuring";
    idem_evaluator *e = idem_evaluator_new(f->model, o->models, o->batch, &o->plan);
    if (!e)
        return -1;
    idem_evaluator_share(e, &o->share);
    idem_evaluator_watch(e, on_measured, f);
    const int status = compose(f, e);
    idem_evaluator_free(e);
    if (status || (!f->realism && !(f->realism = idem_realism_new(f->model, o->models, o->batch, &o->share, &o->plan))))
        return -1;
    f->what = "measuring realism";
    idem_realism_watch(f->realism, on_measured, f);
    const idem_composed c = {f->people, o->pairs, f->attr, f->out, f->plain};
    return idem_realism_run(f->realism, &c, o->seed, &f->about);
}

/* ---- results ---- */

json_t *idem_photo_figures_json(const idem_photo_figures *f) {
    json_t *j = idem_report_json(&f->composed), *mapper = j ? idem_report_json(&f->mapper) : NULL;
    json_t *about = json_pack("{s:i, s:i, s:i}", "pictures", f->people->n, "persons", f->people->persons, "left_out",
                              f->people->bad);
    if (mapper && about && !idem_realism_put(j, &f->about)) {
        if (!json_object_set(j, "mapper_alone", mapper) && !json_object_set(j, "photographs", about) &&
            !json_object_set_new(j, "refine", json_integer(f->options.refine)) &&
            !json_object_set_new(j, "seconds_per_picture", json_real(f->composed.seconds_per_picture))) {
            json_decref(mapper);
            json_decref(about);
            return j;
        }
        idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    }
    json_decref(mapper);
    json_decref(about);
    json_decref(j);
    return NULL;
}

static int draw(const idem_photo_figures *f, const idem_image *cells, const idem_image **at, int n, idem_image *page) {
    enum { PAIRS_A_ROW = 3 };
    char title[160];
    for (int i = 0; i < 3 * n; i++)
        at[i] = &cells[i];
    snprintf(title, sizeof title, "first %d of %d pairs: identity, attributes, output (%d steps, seed %llu)", n,
             f->options.pairs, f->options.refine, (unsigned long long)f->options.seed);
    const idem_sheet sheet = {.title = title};
    return idem_sheet_list(page, &sheet, at, 3 * n, 3 * PAIRS_A_ROW);
}

int idem_photo_figures_sheet(const idem_photo_figures *f, int most, idem_image *page) {
    const int n = most < f->options.pairs ? most : f->options.pairs, side = idem_model_about(f->model)->size;
    idem_image *cells = calloc(3 * (size_t)n, sizeof *cells);
    const idem_image **at = calloc(3 * (size_t)n, sizeof *at);
    int status = cells && at ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a sheet of %d pairs", n);
    for (int i = 0; i < n && !status; i++) {
        const float *const x[3] = {f->people->pictures + (size_t)f->id[i] * f->picture,
                                   f->people->pictures + (size_t)f->attr[i] * f->picture,
                                   f->out + (size_t)i * f->picture};
        for (int k = 0; k < 3 && !status; k++)
            status = idem_image_from_float(&cells[3 * i + k], x[k], side, side, 0, 1);
    }
    if (!status)
        status = draw(f, cells, at, n, page);
    for (int i = 0; cells && i < 3 * n; i++)
        idem_image_free(&cells[i]);
    free(cells);
    free(at);
    return status;
}
