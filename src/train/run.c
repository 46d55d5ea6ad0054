#define _POSIX_C_SOURCE 200809L
#include "train/run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "engine/precision.h"
#include "engine/threads.h"
#include "train/checkpoint.h"
#include "train/world_turn.h"

enum { SKIPPED_LIMIT = 20, EXTRA = 8 };

static const char RANKS[] = "run.ranks"; /* metadata of checkpoints by several; for the log */

static int save_state(const idem_run *r) {
    char ranks[16];
    snprintf(ranks, sizeof ranks, "%d", idem_world_size(r->world));
    if ((idem_world_size(r->world) > 1 || idem_weights_meta(r->tensors, RANKS)) &&
        idem_weights_set_meta(r->tensors, RANKS, ranks))
        return -1;
    return idem_run_form_save(r->kind->form, r->path, r->state, r->owner.recipe, r->tensors);
}

/* ---- opening ---- */

/* Options are written before the first iteration: a run that is killed before its first checkpoint can then be resumed
 * with them. */
static int start(idem_run *r) {
    idem_threads_set(r->options.threads);
    memset(r->state, 0, r->kind->form->state_bytes);
    r->state->threads = idem_threads();
    r->state->bf16 = idem_bf16();
    if (r->kind->start(r->owner.trainer) || (r->path && save_state(r)))
        return -1;
    r->begun = true;
    return 0;
}

static int go_on(idem_run *r, idem_weights *tensors) {
    const idem_run_kind *k = r->kind;
    if (idem_fields_check_resume(k->form->recipe, r->saved_recipe, r->owner.recipe) ||
        (k->check && k->check(r->saved_recipe, r->owner.recipe)) ||
        idem_checkpoint_threads(r->options.threads, r->state->threads) ||
        idem_checkpoint_precision(idem_bf16(), r->state->bf16)) {
        idem_weights_free(tensors);
        return -1;
    }
    return k->go_on(r->owner.trainer, tensors);
}

/* Reads the newest checkpoint: as idem_run_form_load. */
static int load(idem_run *r, idem_weights **tensors) {
    const idem_run_form *f = r->kind->form;
    if (!r->saved_recipe && !(r->saved_recipe = malloc(f->recipe_bytes)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a run");
    return idem_run_form_load(f, r->options.folder, r->state, r->saved_recipe, tensors);
}

/* 1 and the state, recipe and tensors of the newest checkpoint; 0 if the run begins; -1 if it may not. */
static int look(idem_run *r, idem_weights **tensors) {
    if (!r->path)
        return 0;
    const int found = r->options.resume ? load(r, tensors) : 0;
    return found ? found : idem_run_folder_check(r->path, r->options.resume);
}

/* All ranks follow rank 0's decision. */
static int look_together(idem_run *r, idem_weights **tensors) {
    const int size = idem_world_size(r->world), rank = idem_world_rank(r->world);
    int found = rank ? 1 : look(r, tensors), all;
    if (size == 1)
        return found;
    if (idem_world_least(r->world, found, &all))
        return -1;
    if (rank && all == 1)
        found = load(r, tensors);
    else if (rank)
        found = all < 0 ? idem_fail("rank 0 on %s cannot begin the run", idem_world_host(r->world, 0)) : 0;
    if (rank && all == 1 && !found)
        found = idem_fail(
            "%s: rank 0 has found a checkpoint there and this rank has not: all ranks must see the same folder",
            r->options.folder);
    return idem_world_least(r->world, found, &all) || all < 0 ? -1 : found;
}

/* ---- ranks ---- */

static void digest_settings(const idem_run *r, char hex[65]) {
    const idem_fields *f = r->kind->form->recipe;
    idem_sha256 sum = idem_sha256_make();
    for (int i = 0; i < f->n; i++) {
        char text[IDEM_FIELD_TEXT];
        idem_field_get(&f->row[i], r->owner.recipe, text);
        idem_sha256_add(&sum, text, strlen(text) + 1);
    }
    idem_sha256_end(&sum, hex);
}

static void digest_weights(const idem_run *r, char hex[65]) {
    idem_sha256 sum = idem_sha256_make();
    for (size_t i = 0; i < idem_weights_count(r->tensors); i++) {
        const idem_weight *w = idem_weights_at(r->tensors, i);
        idem_sha256_add(&sum, w->name, strlen(w->name) + 1);
        idem_sha256_add(&sum, w->data, (size_t)idem_shape_count(&w->shape) * sizeof *w->data);
    }
    idem_sha256_end(&sum, hex);
}

/* -1 with a message naming both if ranks differ. */
static int compare_ranks(const idem_run *r) {
    char settings[65], weights[65], threads[16];
    if (idem_world_size(r->world) == 1)
        return 0;
    digest_settings(r, settings);
    digest_weights(r, weights);
    snprintf(threads, sizeof threads, "%d", r->state->threads);
    return idem_world_same(r->world, "the number of threads", threads) ||
                   idem_world_same(r->world, "the precision", r->state->bf16 ? "bf16" : "f32") ||
                   idem_world_same(r->world, "the settings (their digest)", settings) ||
                   idem_world_same(r->world, "the weights (their digest)", weights)
               ? -1
               : 0;
}

/* ---- files ---- */

/* A run that goes on with another number of ranks. */
static int log_ranks(idem_run *r) {
    const char *text = idem_weights_meta(r->tensors, RANKS);
    const int before = text ? atoi(text) : 1, now = idem_world_size(r->world);
    if (!r->resumed || before == now)
        return 0;
    idem_log(IDEM_LOG_NOTE, "the run had %d ranks, now %d: its numbers are rounded differently from here on", before,
             now);
    return idem_metrics_log_write(r->log, "change", r->state->iteration, &(idem_metric){"ranks", (double)now}, 1);
}

static int open_files(idem_run *r) {
    if (!r->path)
        return 0;
    char *samples = idem_path_join(r->path, "samples");
    const int status = samples ? idem_dir_make(samples) : -1;
    free(samples);
    if (status)
        return -1;
    r->log = idem_metrics_log_open(r->path, r->options.resume, r->state->metrics_offset, r->state->iteration);
    if (!r->log)
        return -1;
    idem_metrics_log_watch(r->log, r->options.on_line, r->options.user);
    return log_ranks(r);
}

static int open_run(idem_run *r) {
    idem_weights *tensors;
    if (r->options.folder && !(r->name = strdup(r->options.folder)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a run");
    const bool writes = r->options.folder && !idem_world_rank(r->world);
    if (writes && !(r->folder = idem_run_folder_claim(r->options.folder)))
        return -1;
    r->path = r->folder ? idem_run_folder_path(r->folder) : NULL;
    const int found = look_together(r, &tensors);
    if (found < 0)
        return -1;
    r->resumed = found;
    return (found ? go_on(r, tensors) : start(r)) || compare_ranks(r) || r->kind->open(r->owner.trainer) ||
                   open_files(r)
               ? -1
               : 0;
}

int idem_run_open(idem_run *r, const idem_run_kind *kind, const idem_run_options *options,
                  const idem_run_owner *owner) {
    *r = (idem_run){.kind = kind,
                    .options = *options,
                    .owner = *owner,
                    .state = owner->state,
                    .world = options->world ? options->world : idem_world_alone()};
    if (!open_run(r))
        return 0;
    if (r->path && r->begun && idem_error_kind() != IDEM_INTERRUPTED)
        idem_checkpoint_drop_first(r->path);
    return -1;
}

void idem_run_close(idem_run *r) {
    idem_metrics_log_close(r->log);
    free(r->saved_recipe);
    idem_run_folder_release(r->folder);
    free(r->name);
    *r = (idem_run){0};
}

int idem_run_compare_data(const idem_run *r, const char *digest) {
    return idem_world_size(r->world) == 1 ? 0 : idem_world_same(r->world, "the data (its digest)", digest);
}

int idem_run_data_count(idem_run *r, uint64_t count) {
    const uint64_t before = r->state->data_count;
    if (r->resumed && (before || r->state->iteration) && count != before)
        return idem_fail("the run has %" PRIu64 " training pictures%s, now there are %" PRIu64
                         ": give the same options.data",
                         before, before && count ? "" : " (0: drawn on the fly)", count);
    r->state->data_count = count;
    return 0;
}

int idem_run_log_changes(idem_run *r, void (*note)(void *user, const char *line)) {
    const idem_fields *fields = r->kind->form->recipe;
    idem_metric *m = r->resumed ? malloc((size_t)fields->n * sizeof *m) : NULL;
    if (!m)
        return r->resumed ? idem_fail_as(IDEM_MEMORY, "out of memory for what changed") : 0;
    int n = 0;
    for (int i = 0; i < fields->n; i++) {
        const idem_field *f = &fields->row[i];
        char before[IDEM_FIELD_TEXT], now[IDEM_FIELD_TEXT], line[128];
        if (!strcmp(idem_field_get(f, r->saved_recipe, before), idem_field_get(f, r->owner.recipe, now)))
            continue;
        m[n++] = (idem_metric){f->name, strtod(now, NULL)};
        snprintf(line, sizeof line, "settings.%s was %s, is now %s", f->name, before, now);
        if (note)
            note(r->options.user, line);
    }
    const int status = n && r->log ? idem_metrics_log_write(r->log, "change", r->state->iteration, m, n) : 0;
    free(m);
    return status;
}

const volatile sig_atomic_t *idem_run_stop(const idem_run *r) {
    return idem_world_size(r->world) > 1 ? NULL : r->options.stop;
}

size_t idem_run_bytes(const idem_run *r) {
    size_t numbers = 0;
    for (size_t i = 0; i < idem_weights_count(r->tensors); i++)
        numbers += (size_t)idem_shape_count(&idem_weights_at(r->tensors, i)->shape);
    return numbers * sizeof(float);
}

/* ---- one iteration ---- */

int idem_run_count(idem_run *r, bool skipped, const double *losses) {
    idem_run_state *s = r->state;
    for (int i = 0; i < r->kind->sums; i++)
        if (isfinite(losses[i])) {
            s->sum[i] += losses[i];
            s->count[i]++;
        }
    s->iteration++;
    s->shown += r->owner.pictures;
    s->skipped += skipped;
    s->skipped_in_a_row = skipped ? s->skipped_in_a_row + 1 : 0;
    return s->skipped_in_a_row < SKIPPED_LIMIT
               ? 0
               : idem_fail("%d iterations in a row gave losses or gradients that are not finite: the run has diverged; "
                           "%s",
                           SKIPPED_LIMIT, r->kind->advice);
}

/* ---- what is written ---- */

int idem_run_line(idem_run *r, const idem_metric *before, int n_before, const idem_metric *after, int n_after) {
    idem_run_state *s = r->state;
    idem_metric m[IDEM_RUN_SUMS + 2 * EXTRA];
    int n = 0;
    for (int i = 0; i < n_before; i++)
        m[n++] = before[i];
    for (int i = 0; i < r->kind->sums; i++) {
        if (s->count[i])
            m[n++] = (idem_metric){r->kind->sum[i], s->sum[i] / (double)s->count[i]};
        s->sum[i] = 0;
        s->count[i] = 0;
    }
    for (int i = 0; i < n_after; i++)
        m[n++] = after[i];
    return !r->log ? 0 : idem_metrics_log_write(r->log, "train", s->iteration, m, n);
}

int idem_run_sheet(idem_run *r, const char *name, const char *tag, int64_t at, const idem_image *sheet,
                   const idem_marks *marks) {
    char file[64];
    if (!r->path)
        return 0;
    snprintf(file, sizeof file, "samples/%s-%010" PRId64 ".png", name, at);
    char *path = idem_path_join(r->path, file);
    const int status = !path || idem_image_save_png(sheet, path, marks) ||
                               idem_metrics_log_image(r->log, tag, r->state->iteration, sheet, marks)
                           ? -1
                           : 0;
    free(path);
    return status;
}

static int save_checkpoint(idem_run *r) {
    if (!r->path)
        return 0;
    const int64_t offset = idem_metrics_log_sync(r->log);
    if (offset < 0)
        return -1;
    r->state->metrics_offset = offset;
    return save_state(r);
}

/* ---- the loop ---- */

static bool stopped(const idem_run *r) {
    return r->options.stop && *r->options.stop;
}

enum { STOP, TIME_OVER, GO_ON }; /* the least of all ranks is valid for all */

/* Between iterations: what all ranks do next. -1: a rank is lost. */
static int next_turn(const idem_run *r, bool began) {
    const bool late = r->options.deadline > 0 && idem_clock() >= r->options.deadline;
    int all;
    return idem_world_least(r->world, stopped(r) ? STOP : late && began ? TIME_OVER : GO_ON, &all) ? -1 : all;
}

static int64_t place(const idem_run *r, idem_run_unit unit) {
    return unit == IDEM_RUN_PICTURES ? r->state->shown : r->state->iteration;
}

/* Whether the last iteration reached or passed a multiple. */
static bool passed(const idem_run *r, int64_t every, idem_run_unit unit) {
    const int64_t at = place(r, unit), step = unit == IDEM_RUN_PICTURES ? r->owner.pictures : 1;
    return every && at / every != (at - step) / every;
}

static int do_job(idem_run *r, const idem_run_job *j) {
    if (j->together ? idem_world_together(r->world, j->work, r->owner.trainer) : j->work(r->owner.trainer))
        return -1;
    if (j->mark)
        *j->mark = place(r, j->unit);
    return 0;
}

static int begin(idem_run *r, const idem_run_plan *p) {
    const int64_t at = place(r, p->unit);
    for (int i = 0; i < p->jobs && at <= p->goal; i++) {
        const idem_run_job *j = &p->job[i];
        const bool missed = j->catch_up && *j->mark != place(r, j->unit) &&
                            (passed(r, j->every, j->unit) || (j->at_end && at == p->goal));
        if (j->at_start && (*j->mark < 0 || missed) && do_job(r, j))
            return -1;
    }
    return 0;
}

static int advance(idem_run *r, const idem_run_plan *p) {
    if (r->kind->iterate(r->owner.trainer))
        return -1;
    const bool last = place(r, p->unit) >= p->goal;
    for (int i = 0; i < p->jobs; i++) {
        const idem_run_job *j = &p->job[i];
        if ((passed(r, j->every, j->unit) || (last && j->at_end)) && do_job(r, j))
            return -1;
    }
    return passed(r, p->checkpoint_every, IDEM_RUN_ITERATIONS) || last ? save_checkpoint(r) : 0;
}

/* `whole`: the state can be saved. */
static int interrupted(idem_run *r, bool whole) {
    return whole ? idem_checkpoint_stopped(r->name, r->state->iteration, save_checkpoint(r))
                 : idem_fail_as(IDEM_INTERRUPTED,
                                "interrupted: continue with options.resume from the last checkpoint in %s", r->path);
}

int idem_run_go(idem_run *r, const idem_run_plan *p) {
    if (!r->name)
        return idem_fail("this trainer has no folder to write to");
    const int64_t first = r->state->iteration;
    int status = begin(r, p);
    while (!status && place(r, p->unit) < p->goal) {
        const int turn = next_turn(r, r->state->iteration > first);
        if (turn < 0)
            return -1;
        if (turn == STOP)
            return interrupted(r, true);
        if (turn == TIME_OVER)
            return save_checkpoint(r);
        status = advance(r, p);
    }
    return status && stopped(r) && idem_world_size(r->world) == 1 ? interrupted(r, r->kind->atomic) : status;
}
