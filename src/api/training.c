#define _POSIX_C_SOURCE 200809L
#include "api/training.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/structs.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/models.h"
#include "base/sha256.h"
#include "engine/isa.h"
#include "engine/threads.h"
#include "train/curves.h"

void idem_train_init(void *options, size_t struct_size) {
    idem_struct_clear(options, struct_size);
}

int idem_training_begin(idem_training *t, const char *call, const idem_train_watch *watch, idem_train_result *result) {
    *t = (idem_training){.call = call, .wanted = result, .phase = -1};
    if (watch && watch->struct_size != sizeof *watch)
        return idem_fail("%s: watch has %zu bytes, expected %zu; call idem_train_watch_default first", call,
                         watch->struct_size, sizeof *watch);
    if (result && result->struct_size != sizeof *result)
        return idem_fail("%s: struct_size of the result is %zu, expected %zu; set it to sizeof(idem_train_result)",
                         call, result->struct_size, sizeof *result);
    if (watch)
        t->watch = *watch;
    if (!(t->watch.time_limit >= 0))
        return idem_fail("%s: watch.time_limit is %g seconds, expected 0 or more", call, t->watch.time_limit);
    if (t->watch.time_limit > 0)
        t->deadline = idem_clock() + t->watch.time_limit;
    if (!t->watch.stop)
        t->watch.stop = &t->own_stop;
    t->result.struct_size = sizeof t->result;
    return idem_isa_check();
}

int idem_training_join(idem_training *t) {
    const idem_world *w = t->world = idem_world_join(false);
    if (!w || (idem_world_size(w) > 1 && idem_world_same(w, "the version of idem", idem_version())))
        return -1;
    if (idem_world_rank(w)) /* rank 0 reports to its caller */
        t->watch = (idem_train_watch){.struct_size = sizeof t->watch, .stop = t->watch.stop};
    return 0;
}

idem_run_options idem_training_run(idem_training *t, const char *folder, bool resume, int threads) {
    return (idem_run_options){.folder = folder,
                              .world = t->world,
                              .resume = resume,
                              .threads = threads,
                              .stop = t->watch.stop,
                              .deadline = t->deadline,
                              .on_line = idem_training_on_line,
                              .user = t};
}

int idem_training_same_networks(const idem_world *w, const char *models, const char *const *name, int n) {
    for (int i = 0; i < n && idem_world_size(w) > 1; i++) {
        char path[4096], what[300], digest[65] = "missing";
        if (!idem_models_find(path, sizeof path, models, name[i]) && idem_sha256_file(path, digest))
            return -1;
        snprintf(what, sizeof what, "the file %s (its digest)", name[i]);
        if (idem_world_same(w, what, digest))
            return -1;
    }
    return 0;
}

void idem_training_finish(idem_training *t, bool finished, const char *run) {
    t->result.finished = finished;
    if (!finished)
        idem_training_note(t,
                           "the time limit is reached: checkpoint at iteration %" PRId64
                           " saved in %s; continue with options.resume",
                           t->result.iteration, run);
}

int idem_training_end(const idem_training *t, int status) {
    if (t->wanted) {
        *t->wanted = t->result;
        t->wanted->peak_mb = idem_peak_rss_mb();
    }
    return status;
}

static void begin_phase(idem_training *t, int phase, int64_t done, int64_t all) {
    t->phase = phase;
    t->first = done;
    t->all = all;
    t->started = t->mark = idem_clock();
}

/* p: everything except the time. */
static void tell(idem_training *t, const idem_train_progress *p, double now) {
    if (!t->watch.progress)
        return;
    idem_train_progress full = *p;
    const int64_t here = p->done - t->first;
    full.struct_size = sizeof full;
    full.phase = t->phase;
    full.seconds = now - t->started;
    full.seconds_left = here > 0 ? full.seconds / (double)here * (double)(p->all - p->done) : -1;
    if (t->watch.progress(t->watch.user, &full))
        *t->watch.stop = 1;
}

void idem_training_progress(idem_training *t, int phase, int64_t done, int64_t all) {
    if (t->phase != phase || t->all != all)
        begin_phase(t, phase, done > 0 ? done - 1 : 0, all);
    tell(t, &(idem_train_progress){.done = done, .all = all}, idem_clock());
}

void idem_training_start(idem_training *t, const idem_run *run, const idem_train_start *own) {
    bool given[IDEM_FIELDS_MOST] = {0};
    const idem_settings used = {run->kind->form->recipe, (void *)run->owner.recipe, given};
    idem_train_start full = *own;
    full.struct_size = sizeof full;
    full.resumed = run->resumed;
    full.settings = &used;
    full.pictures = (int64_t)run->state->data_count;
    full.threads = idem_threads();
    full.state_mb = (double)idem_run_bytes(run) * 1e-6;
    t->result.activation_mb = full.activation_mb;
    t->result.state_mb = full.state_mb;
    if (t->watch.started)
        t->watch.started(t->watch.user, &full);
    begin_phase(t, IDEM_TRAIN_LEARNING, full.done, full.all);
}

void idem_training_step(idem_training *t, const idem_train_progress *p) {
    const double now = idem_clock();
    t->result.iteration = p->iteration;
    t->result.iterations++;
    t->result.stepping += now - t->mark;
    t->result.seconds = now - t->started;
    t->mark = now;
    tell(t, p, now);
}

void idem_training_evaluated(idem_training *t, const idem_train_evaluation *e) {
    idem_train_evaluation full = *e;
    full.struct_size = sizeof full;
    if (t->watch.evaluated)
        t->watch.evaluated(t->watch.user, &full);
    t->mark = idem_clock();
    t->result.seconds = t->mark - t->started;
}

void idem_training_note(idem_training *t, const char *format, ...) {
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (t->watch.note)
        t->watch.note(t->watch.user, IDEM_TRAIN_NOTE, text);
}

bool idem_training_stopped(const idem_training *t) {
    return *t->watch.stop != 0;
}

idem_train_figure idem_training_number(const char *name, double value) {
    return (idem_train_figure){.name = name, .value = value, .error = NAN};
}

void idem_training_on_reading(void *training, size_t done, size_t count) {
    idem_training_progress(training, IDEM_TRAIN_READING, (int64_t)done, (int64_t)count);
}

void idem_training_on_finding(void *training, size_t done, size_t count) {
    idem_training_progress(training, IDEM_TRAIN_FINDING, (int64_t)done, (int64_t)count);
}

void idem_training_on_encoding(void *training, size_t done, size_t count) {
    idem_training_progress(training, IDEM_TRAIN_ENCODING, (int64_t)done, (int64_t)count);
}

void idem_training_on_left_out(void *training, const char *why) {
    idem_training *t = training;
    t->result.left_out++;
    if (t->watch.note)
        t->watch.note(t->watch.user, IDEM_TRAIN_LEFT_OUT, why);
}

void idem_training_on_note(void *training, const char *line) {
    idem_training_note(training, "%s", line);
}

void idem_training_on_line(void *training, const char *line) {
    const idem_training *t = training;
    if (t->watch.line)
        t->watch.line(t->watch.user, line);
}

int idem_draw_training(const char *run, const char *png) {
    return run && png ? idem_curves_draw(run, png) : idem_fail("idem_draw_training: an argument is NULL");
}

void idem_training_draw(idem_training *t, const char *run) {
    char *png = idem_path_join(run, "training.png");
    if (!png || idem_curves_draw(run, png))
        idem_training_note(t, "no training.png: %s", idem_error());
    free(png);
}
