#define _POSIX_C_SOURCE 200809L
#include "train/summary/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engine/op.h"
#include "train/checkpoint.h"
#include "train/metrics_log.h"
#include "model/origin.h"
#include "train/run_folder.h"
#include "train/state.h"
#include "train/summary/data.h"
#include "train/summary/graph.h"
#include "media/sheet.h"

enum { SKIPPED_LIMIT = 20, SHEET_COLUMNS = 8 };

enum { SUM_LOSS, SUM_R, SUM_D, SUM_PIXELS, SUM_FEATURES, SUM_LIKENESS, SUMS };
static const char *const sum_names[SUMS] = {"loss", "l_r", "l_d", "pixels", "features", "likeness"};

typedef struct {
    int threads;         /* results depend on it */
    uint64_t data_count; /* pictures */
    int64_t iteration, sampled, skipped, skipped_in_a_row, metrics_offset;
    double sum[SUMS]; /* since the last line of metrics.jsonl */
    int64_t count;
} run_state;

#define FIELD(kind, name, count)                                                                                       \
    { "run." #name, IDEM_STATE_##kind, offsetof(run_state, name), count }
static const idem_state_field fields[] = {
    FIELD(INT, threads, 1),        FIELD(U64, data_count, 1), FIELD(I64, iteration, 1),
    FIELD(I64, sampled, 1),        FIELD(I64, skipped, 1),    FIELD(I64, skipped_in_a_row, 1),
    FIELD(I64, metrics_offset, 1), FIELD(DOUBLE, sum, SUMS),  FIELD(I64, count, 1),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

typedef struct {
    idem_summary_recipe recipe;
    run_state state;
} saved_run;

struct idem_summary_trainer {
    idem_model *model;
    idem_summary_setup setup; /* its texts are the caller's: not to be read once the trainer is open */
    idem_run_folder *folder;  /* NULL: nothing is written */
    const char *run;          /* its path */
    bool begun;               /* by this trainer: nothing but its options is in the folder yet */
    idem_summary_recipe recipe;
    run_state state;
    idem_weights *weights;
    idem_summary_graph graph;
    idem_summary_data *data;
    idem_metrics_log *log;
};

static int read_saved(void *to, const idem_weights *w) {
    saved_run *s = to;
    memset(s, 0, sizeof *s);
    if (idem_state_load(fields, FIELDS, &s->state, w))
        return -1;
    if (s->state.iteration < 0 || s->state.metrics_offset < 0 || s->state.threads < 1 ||
        s->state.threads > IDEM_THREADS_MOST)
        return idem_fail("metadata holds numbers that no run has; the file is damaged");
    return idem_fields_load(&idem_summary_fields, &s->recipe, w);
}

/* ---- one iteration ---- */

static double scalar(const idem_summary_trainer *t, const idem_node *n) {
    return (double)idem_plan_scalar(t->graph.plan, n);
}

static int learn(idem_summary_trainer *t, idem_summary_report *r) {
    run_state *s = &t->state;
    const idem_summary_graph *g = &t->graph;
    if (idem_plan_run(g->plan))
        return -1;
    *r = (idem_summary_report){.loss = scalar(t, g->loss),
                               .l_r = scalar(t, g->l_r),
                               .l_d = scalar(t, g->l_d),
                               .pixels = scalar(t, g->pixels),
                               .features = scalar(t, g->features),
                               .likeness = scalar(t, g->likeness)};
    r->skipped = !isfinite(r->loss) || idem_adam_check(g->adam, g->plan);
    if (!r->skipped) {
        const double values[SUMS] = {r->loss, r->l_r, r->l_d, r->pixels, r->features, r->likeness};
        idem_adam_step(g->adam, g->plan, t->recipe.rate);
        for (int i = 0; i < SUMS; i++)
            s->sum[i] += values[i];
        s->count++;
    }
    s->skipped += r->skipped;
    s->skipped_in_a_row = r->skipped ? s->skipped_in_a_row + 1 : 0;
    r->iteration = ++s->iteration;
    return s->skipped_in_a_row < SKIPPED_LIMIT
               ? 0
               : idem_fail("%d iterations in a row gave losses or gradients that are not finite: the run has diverged; "
                           "start another with a lower --rate",
                           SKIPPED_LIMIT);
}

int idem_summary_trainer_step(idem_summary_trainer *t, idem_summary_report *r) {
    const size_t batch = (size_t)t->recipe.batch;
    return idem_summary_data_take(t->data, (uint64_t)t->state.iteration * batch, batch, t->graph.x->leaf) || learn(t, r)
               ? -1
               : 0;
}

int idem_summary_trainer_step_on(idem_summary_trainer *t, const float *x, idem_summary_report *r) {
    memcpy(t->graph.x->leaf, x, (size_t)idem_shape_count(&t->graph.x->shape) * sizeof *x);
    return learn(t, r);
}

/* ---- what is written ---- */

static int write_line(idem_summary_trainer *t) {
    run_state *s = &t->state;
    idem_metric m[SUMS + 2];
    int n = 0;
    for (int i = 0; i < SUMS; i++) {
        if (s->count)
            m[n++] = (idem_metric){sum_names[i], s->sum[i] / (double)s->count};
        s->sum[i] = 0;
    }
    s->count = 0;
    m[n++] = (idem_metric){"rate", t->recipe.rate};
    m[n++] = (idem_metric){"skipped_steps", (double)s->skipped};
    return idem_metrics_log_write(t->log, "train", s->iteration, m, n);
}

static int draw_sheet(const idem_summary_trainer *t, idem_image *page) {
    const int side = idem_summary_side(t->model), batch = (int)t->recipe.batch;
    const int n = batch < SHEET_COLUMNS ? batch : SHEET_COLUMNS;
    const size_t picture = (size_t)side * (size_t)side * 3;
    const float *rows[2] = {t->graph.x->leaf, idem_plan_value(t->graph.plan, t->graph.y)};
    idem_image cells[2 * SHEET_COLUMNS] = {0};
    const idem_image *list[2 * SHEET_COLUMNS];
    char title[96];
    int status = 0;
    for (int i = 0; i < 2 * n && !status; i++) {
        status = idem_image_from_float(&cells[i], rows[i / n] + (size_t)(i % n) * picture, side, side, 0, 1);
        list[i] = &cells[i];
    }
    snprintf(title, sizeof title, "Pictures, and what is made of them, after %" PRId64 " iterations",
             t->state.iteration);
    if (!status)
        status = idem_sheet_list(page, &(idem_sheet){.title = title}, list, 2 * n, n);
    for (int i = 0; i < 2 * n; i++)
        idem_image_free(&cells[i]);
    return status;
}

static int save_mapper(const idem_summary_trainer *t) {
    char *path = idem_path_join(t->run, "mapper.safetensors");
    idem_weights *w = idem_weights_new();
    int status = path && w ? 0 : -1;
    for (size_t i = 0; i < idem_weights_count(t->weights) && !status; i++) {
        const idem_weight *from = idem_weights_at(t->weights, i);
        if (strncmp(from->name, "pixel_mapper.", 13))
            continue;
        idem_weight *to = idem_weights_add(w, from->name, from->shape);
        status = to ? 0 : -1;
        if (to)
            idem_weight_read(from, to->data);
    }
    if (!status)
        status = idem_fields_store(&idem_summary_fields, &t->recipe, w) ||
                         idem_weights_set_meta(w, "format", "idem pixel mapper") ||
                         idem_weights_set_meta(w, "generator", idem_model_about(t->model)->hash) ||
                         idem_model_store_recogniser(t->model, w) || idem_weights_save(w, path, IDEM_DTYPE_F16)
                     ? -1
                     : 0;
    idem_weights_free(w);
    free(path);
    return status;
}

/* Of the last batch, which is still there. */
static int write_samples(idem_summary_trainer *t) {
    char name[64];
    idem_image page;
    snprintf(name, sizeof name, "samples/grid-%010" PRId64 ".png", t->state.iteration);
    if (draw_sheet(t, &page))
        return -1;
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, t->model, &t->recipe.seed);
    char *path = idem_path_join(t->run, name);
    int status = path ? idem_image_save_png(&page, path, &origin.marks) : -1;
    free(path);
    if (!status)
        status = idem_metrics_log_image(t->log, "samples", t->state.iteration, &page, &origin.marks) || save_mapper(t)
                     ? -1
                     : 0;
    idem_image_free(&page);
    if (!status)
        t->state.sampled = t->state.iteration;
    return status;
}

static int save_state(const idem_summary_trainer *t) {
    return idem_state_store(fields, FIELDS, &t->state, t->weights) ||
                   idem_fields_store(&idem_summary_fields, &t->recipe, t->weights) ||
                   idem_checkpoint_save(t->run, t->state.iteration, t->weights)
               ? -1
               : 0;
}

static int save_checkpoint(idem_summary_trainer *t) {
    return (t->state.metrics_offset = idem_metrics_log_sync(t->log)) < 0 ? -1 : save_state(t);
}

static bool stopped(const idem_summary_trainer *t) {
    return t->setup.stop && *t->setup.stop;
}

static int advance(idem_summary_trainer *t) {
    const idem_summary_recipe *r = &t->recipe;
    idem_summary_report report;
    if (idem_summary_trainer_step(t, &report))
        return -1;
    const int64_t done = t->state.iteration;
    const bool last = done == r->iterations;
    if ((done % r->log_every == 0 || last) && write_line(t))
        return -1;
    if (t->setup.on_step)
        t->setup.on_step(t->setup.user, &report);
    if ((done % r->sample_every == 0 || last) && write_samples(t))
        return -1;
    return (done % r->checkpoint_every == 0 || last) && save_checkpoint(t) ? -1 : 0;
}

int idem_summary_trainer_run(idem_summary_trainer *t) {
    int status = 0;
    if (!t->run || !t->data)
        return idem_fail("this trainer has no folder to write to, or no pictures");
    while (!status && t->state.iteration < t->recipe.iterations && !stopped(t))
        status = advance(t);
    if (stopped(t)) /* also when it stopped the plan: an interrupted iteration left no trace */
        return idem_checkpoint_stopped(t->run, t->state.iteration, save_checkpoint(t));
    return status;
}

/* ---- life ---- */

/* 1 and everything filled, 0, or -1. */
static int load_run(const char *run, idem_model *m, idem_weights **w, saved_run *saved) {
    const int found = idem_checkpoint_load(run, w, read_saved, saved);
    if (found != 1)
        return found;
    const char *hash = idem_weights_meta(*w, "generator"), *own = idem_model_about(m)->hash;
    const int status = !hash || !idem_model_is(m, hash)
                           ? idem_fail("%s: this run trains for the generator with hash %s, not for %s: name its "
                                       "generator",
                                       run, hash ? hash : "?", own)
                           : idem_model_expect(m, *w);
    if (!status)
        return 1;
    idem_weights_free(*w);
    *w = NULL;
    return -1;
}

int idem_summary_saved_recipe(const char *run, idem_model *m, idem_summary_recipe *r) {
    idem_weights *w;
    saved_run saved;
    const int found = load_run(run, m, &w, &saved);
    if (found == 1) {
        *r = saved.recipe;
        idem_weights_free(w);
    }
    return found;
}

/* Before anything is computed: --resume then knows all options of a run that is killed before its first checkpoint. */
static int start_run(idem_summary_trainer *t) {
    idem_threads_set(t->setup.threads);
    t->state = (run_state){.threads = idem_threads(), .sampled = -1};
    idem_rng rng = idem_rng_make(t->recipe.seed, "init.pixel_mapper");
    if (!(t->weights = idem_weights_new()) || idem_summary_init(t->weights, t->model, &rng) ||
        idem_weights_set_meta(t->weights, "generator", idem_model_about(t->model)->hash) ||
        idem_model_store_recogniser(t->model, t->weights) || (t->run && save_state(t)))
        return -1;
    t->begun = true;
    return 0;
}

static int continue_run(idem_summary_trainer *t, const saved_run *saved) {
    if (idem_fields_check_resume(&idem_summary_fields, &saved->recipe, &t->recipe) ||
        idem_checkpoint_threads(t->setup.threads, saved->state.threads))
        return -1;
    t->state = saved->state;
    return 0;
}

static int open_data(idem_summary_trainer *t, bool resumed) {
    if (!t->setup.data)
        return 0;
    t->data = idem_summary_data_open(t->setup.data, (int)t->recipe.crop, idem_summary_side(t->model), t->recipe.seed);
    if (!t->data)
        return -1;
    idem_summary_data_watch(t->data, t->setup.on_bad, t->setup.user);
    const uint64_t count = idem_summary_data_count(t->data);
    if (resumed && t->state.data_count && count != t->state.data_count)
        return idem_fail("the run was started on %" PRIu64 " pictures, now there are %" PRIu64 ": give the same --data",
                         t->state.data_count, count);
    t->state.data_count = count;
    char digest[65];
    idem_summary_data_digest(t->data, digest);
    return idem_checkpoint_data(t->weights, resumed, t->setup.data, digest);
}

static int open_files(idem_summary_trainer *t) {
    if (!t->run)
        return 0;
    char *samples = idem_path_join(t->run, "samples");
    const int status = samples ? idem_dir_make(samples) : -1;
    free(samples);
    if (status)
        return -1;
    t->log = idem_metrics_log_open(t->run, t->setup.resume, t->state.metrics_offset, t->state.iteration);
    return t->log ? 0 : -1;
}

static int open_trainer(idem_summary_trainer *t) {
    saved_run saved;
    if (t->setup.run && !(t->folder = idem_run_folder_claim(t->setup.run)))
        return -1;
    t->run = t->folder ? idem_run_folder_path(t->folder) : NULL;
    const int found = t->run && t->setup.resume ? load_run(t->run, t->model, &t->weights, &saved) : 0;
    if (found < 0 || (!found && t->run && idem_run_folder_check(t->run, t->setup.resume)) ||
        (found ? continue_run(t, &saved) : start_run(t)) || open_data(t, found))
        return -1;
    const idem_plan_options options = {.threads = t->state.threads, .stop = t->setup.stop};
    return idem_summary_graph_build(&t->graph, t->model, t->weights, &t->recipe, &options) || open_files(t) ? -1 : 0;
}

idem_summary_trainer *idem_summary_trainer_new(idem_model *m, const idem_summary_recipe *recipe,
                                               const idem_summary_setup *setup) {
    idem_summary_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    *t = (idem_summary_trainer){.model = m, .recipe = *recipe, .setup = *setup};
    if (open_trainer(t)) {
        if (t->run && t->begun && idem_error_kind() != IDEM_INTERRUPTED)
            idem_checkpoint_drop_first(t->run);
        idem_summary_trainer_free(t);
        return NULL;
    }
    return t;
}

void idem_summary_trainer_free(idem_summary_trainer *t) {
    if (!t)
        return;
    idem_metrics_log_close(t->log);
    idem_summary_graph_free(&t->graph);
    idem_summary_data_free(t->data);
    idem_weights_free(t->weights);
    idem_run_folder_release(t->folder);
    free(t);
}

int64_t idem_summary_trainer_iteration(const idem_summary_trainer *t) {
    return t->state.iteration;
}

size_t idem_summary_trainer_bytes(const idem_summary_trainer *t) {
    return idem_plan_bytes(t->graph.plan);
}

idem_weights *idem_summary_trainer_weights(const idem_summary_trainer *t) {
    return t->weights;
}
