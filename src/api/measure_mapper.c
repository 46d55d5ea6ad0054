/* idem_measure_mapper. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/measuring.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "compose/studio.h"
#include "data/picture_tree.h"
#include "measure/evaluate.h"
#include "measure/figures.h"
#include "measure/photographs.h"
#include "model/origin.h"
#include "train/world_share.h"

enum { PATIENCE = 3600 /* seconds: ranks have more or less to do */ };
enum { BATCH = 10, BATCH_MAX = 256, PAIRS_MAX = 100000, STEPS_MAX = 1000, DIGITS = 6, SHEET_PAIRS = 48 };

static const char call[] = "idem_measure_mapper";

void idem_measure_mapper_options_init(idem_measure_mapper_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->pairs = 300;
    options->baseline_pairs = 100;
    options->seed = 1;
    options->truncation = -1;
    options->refine = -1;
}

typedef struct {
    idem_measuring measuring; /* first: it is the `user` of both */
    const idem_measure_mapper_options *o;
    const idem_world *world;
    idem_model *model;
    int batch;
    uint64_t done, all; /* pictures */
} work;

static int check(const idem_measure_mapper_options *o) {
    if (idem_struct_check(call, o, sizeof *o))
        return -1;
    if (!o->generator || !o->mapper)
        return idem_fail("%s: %s is NULL, expected a file", call, o->generator ? "mapper" : "generator");
    if (!o->identity != !o->attributes)
        return idem_fail("%s: identity and attributes go together, and one of them is NULL", call);
    if (o->photographs && (o->identity || o->baselines))
        return idem_fail("%s: photographs go without identity, attributes and baselines", call);
    if (o->sheet && !o->photographs)
        return idem_fail("%s: sheet is set without photographs", call);
    if (o->pairs < 2 || o->pairs > PAIRS_MAX || o->baseline_pairs < 2)
        return idem_fail("%s: pairs is %d and baseline_pairs %d, expected 2 to %d", call, o->pairs, o->baseline_pairs,
                         PAIRS_MAX);
    if (o->batch < 0 || o->batch > BATCH_MAX)
        return idem_fail("%s: batch is %d, expected 0 to %d", call, o->batch, BATCH_MAX);
    if (o->refine < -1 || o->refine > STEPS_MAX)
        return idem_fail("%s: refine is %d, expected -1 to %d", call, o->refine, STEPS_MAX);
    return o->truncation <= 1 ? 0 : idem_fail("%s: truncation is %g, expected 1 at most", call, o->truncation);
}

static int add_run(json_t *root, double seconds_per_picture, double start) {
    return json_object_set_new(root, "pictures_per_second", json_real(1 / fmax(seconds_per_picture, 1e-9))) ||
                   json_object_set_new(root, "seconds", json_real(idem_clock() - start)) ||
                   json_object_set_new(root, "peak_rss_mb", json_real(idem_peak_rss_mb()))
               ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
               : 0;
}

/* ---- pairs that are drawn or given ---- */

static void on_measured(void *user, int pictures) {
    work *a = user;
    a->done += (uint64_t)pictures;
    idem_measuring_tell(&a->measuring, "evaluating", a->done, a->all);
}

static idem_pairs *open_pairs(work *a, int refine, double psi) {
    const idem_measure_mapper_options *o = a->o;
    const idem_model_info *info = idem_model_about(a->model);
    const uint64_t of_pair = refine ? 5 : 3;
    if (o->identity) {
        idem_pairs *p =
            idem_pairs_folders(o->identity, o->attributes, info->size, 2, idem_measuring_on_line, &a->measuring);
        if (p)
            a->all = of_pair * (uint64_t)idem_pairs_count(p);
        return p;
    }
    const int rows = o->baselines ? 2 * (info->layers - 1) : 0;
    const int pairs = o->baseline_pairs < o->pairs ? o->baseline_pairs : o->pairs;
    a->all = of_pair * (uint64_t)o->pairs + (uint64_t)rows * (uint64_t)pairs;
    return idem_pairs_draw(a->model, o->pairs, (float)psi, o->seed, a->batch, &a->measuring.plan);
}

static int add_baselines(json_t *root, idem_evaluator *e, int pairs) {
    idem_report same;
    json_t *rows = idem_evaluator_baselines(e, pairs, &same);
    if (!rows)
        return -1;
    const idem_figure beats = idem_report_beats(&same, rows);
    if (json_object_set_new(root, "baselines", rows))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    return idem_figure_put_verdict(root, "beats_baselines", &beats);
}

static int add_pairs(json_t *root, const work *a, const idem_pairs *pairs, double psi) {
    const bool drawn = !a->o->identity;
    const json_int_t others = (json_int_t)idem_pairs_left_out(pairs)->files, bad = idem_pairs_bad(pairs);
    return (drawn ? json_object_set_new(root, "truncation", json_real(psi))
                  : json_object_set_new(root, "other_files", json_integer(others)) ||
                        json_object_set_new(root, "unreadable", json_integer(bad)))
               ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
               : 0;
}

static json_t *measure(work *a, idem_evaluator *e, idem_pairs *pairs, int refine, double psi, double start) {
    idem_report r;
    if (idem_evaluator_pairs(e, pairs, a->o->seed) ||
        (refine ? idem_evaluator_refined(e, refine, &r) : idem_evaluator_mapper(e, &r)))
        return NULL;
    json_t *root = idem_report_json(&r);
    if (root && !(a->o->baselines && add_baselines(root, e, a->o->baseline_pairs)) &&
        !add_run(root, r.seconds_per_picture, start) && !add_pairs(root, a, pairs, psi))
        return root;
    json_decref(root);
    return NULL;
}

static int same_pairs(const work *a, const idem_pairs *pairs) {
    char text[128];
    snprintf(text, sizeof text, "%d of %s", idem_pairs_count(pairs), idem_model_about(a->model)->hash);
    return idem_world_size(a->world) > 1 ? idem_world_same(a->world, "the pairs (their number and generator)", text)
                                         : 0;
}

static json_t *of_pairs(work *a) {
    const double start = idem_clock();
    const int refine = idem_refine_steps(a->o->refine, true, true);
    const double psi = a->o->truncation < 0 ? idem_pairs_truncation(a->model, 0.9) : a->o->truncation;
    idem_evaluator *e = idem_evaluator_new(a->model, a->o->models, a->batch, &a->measuring.plan);
    idem_pairs *pairs = e ? open_pairs(a, refine, psi) : NULL;
    json_t *root = NULL;
    if (pairs && !same_pairs(a, pairs)) {
        const idem_measure_share share = idem_world_share(a->world);
        idem_evaluator_share(e, &share);
        idem_measuring_left_out(&a->measuring, idem_pairs_left_out(pairs));
        idem_evaluator_watch(e, on_measured, a);
        root = measure(a, e, pairs, refine, psi, start);
    }
    idem_pairs_free(pairs);
    idem_evaluator_free(e);
    return root;
}

/* ---- photographs ---- */

static void on_photographs(void *user, const char *what, uint64_t done, uint64_t count) {
    idem_measuring_tell(user, what, done, count);
}

static int save_sheet(const idem_photo_figures *f, const work *a) {
    idem_image page = {0};
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, a->model, NULL);
    idem_origin_no_seed(&origin);
    const int status =
        idem_photo_figures_sheet(f, SHEET_PAIRS, &page) || idem_image_save_png(&page, a->o->sheet, &origin.marks);
    idem_image_free(&page);
    return status ? -1 : 0;
}

static int same_photographs(const work *a) {
    char text[256], digest[65];
    if (idem_world_size(a->world) == 1)
        return 0;
    idem_picture_tree *t = idem_picture_tree_open(a->o->photographs);
    if (!t)
        return -1;
    idem_picture_tree_digest(t, digest);
    idem_picture_tree_free(t);
    const idem_model_info *info = idem_model_about(a->model);
    snprintf(text, sizeof text, "%s, generator %s, mapper %s", digest, info->hash, info->mapper ? info->mapper : "");
    return idem_world_same(a->world, "the photographs (their digest) and networks", text);
}

static json_t *of_photographs(work *a) {
    const double start = idem_clock();
    if (same_photographs(a))
        return NULL;
    const idem_photo_options o = {.pairs = a->o->pairs,
                                  .batch = a->batch,
                                  .refine = idem_refine_steps(a->o->refine, false, false),
                                  .seed = a->o->seed,
                                  .models = a->o->models,
                                  .plan = a->measuring.plan,
                                  .share = idem_world_share(a->world),
                                  .progress = on_photographs,
                                  .bad = idem_measuring_on_bad,
                                  .user = &a->measuring};
    idem_photo_figures *f = idem_photo_figures_new(a->model, a->o->photographs, &o);
    json_t *root = f && !idem_photo_figures_run(f) ? idem_photo_figures_json(f) : NULL;
    if (root && (add_run(root, json_number_value(json_object_get(root, "seconds_per_picture")), start) ||
                 (a->o->sheet && !idem_world_rank(a->world) && save_sheet(f, a)))) {
        json_decref(root);
        root = NULL;
    }
    idem_photo_figures_free(f);
    return root;
}

/* ---- both ---- */

static int run(work *a, char **json) {
    const idem_measure_mapper_options *o = a->o;
    const bool writes = o->output && !idem_world_rank(a->world);
    idem_writer file = {0};
    /* Checks before measuring, which takes minutes, that the file can be written. */
    if (writes && idem_writer_open(&file, o->output))
        return -1;
    a->model = idem_measuring_model(o->generator, o->mapper, o->identity_net, o->models);
    json_t *root = !a->model ? NULL : o->photographs ? of_photographs(a) : of_pairs(a);
    char *text = root ? idem_measuring_text(root, DIGITS, &o->seed) : NULL;
    int status = text ? 0 : -1;
    if (text && writes) {
        fprintf(file.stream, "%s\n", text);
        status = idem_writer_commit(&file);
    } else {
        idem_writer_abort(&file);
    }
    idem_model_free(a->model);
    idem_measuring_give(text, status ? NULL : json);
    return status;
}

int idem_measure_mapper(const idem_measure_mapper_options *options, char **json) {
    if (json)
        *json = NULL;
    work a = {.o = options};
    if (check(options) || idem_measuring_begin(&a.measuring, call, &options->watch, options->threads))
        return -1;
    a.batch = options->batch ? options->batch : BATCH;
    a.world = idem_world_here();
    const double before = idem_world_set_patience(PATIENCE);
    const int status = run(&a, json);
    idem_world_set_patience(before);
    return idem_measuring_end(&a.measuring, status);
}
