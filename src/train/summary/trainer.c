#define _POSIX_C_SOURCE 200809L
#include "train/summary/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op.h"
#include "train/checkpoint.h"
#include "train/run.h"
#include "train/summary/data.h"
#include "train/summary/graph.h"
#include "train/summary/samples.h"
#include "train/summary/state.h"

static const char *const sum_names[IDEM_SUMMARY_SUMS] = {"loss", "l_r", "l_d", "pixels", "features", "likeness"};

struct idem_summary_trainer {
    idem_model *model;
    idem_summary_setup setup; /* its texts belong to the caller: not read after opening */
    idem_summary_recipe recipe;
    idem_summary_state state;
    idem_run run;
    idem_weights *weights;
    idem_summary_graph graph;
    idem_summary_data *data;
    idem_summary_report last; /* iteration */
};

/* ---- one iteration ---- */

static double scalar(const idem_summary_trainer *t, const idem_node *n) {
    return (double)idem_plan_scalar(t->graph.plan, n);
}

static int learn(idem_summary_trainer *t) {
    const idem_summary_graph *g = &t->graph;
    idem_summary_report *r = &t->last;
    if (idem_plan_run(g->plan))
        return -1;
    *r = (idem_summary_report){.iteration = t->state.run.iteration + 1,
                               .loss = scalar(t, g->loss),
                               .l_r = scalar(t, g->l_r),
                               .l_d = scalar(t, g->l_d),
                               .pixels = scalar(t, g->pixels),
                               .features = scalar(t, g->features),
                               .likeness = scalar(t, g->likeness)};
    r->skipped = !isfinite(r->loss) || idem_adam_check(g->adam, g->plan);
    if (r->skipped)
        return idem_run_count(&t->run, true, (const double[IDEM_SUMMARY_SUMS]){NAN, NAN, NAN, NAN, NAN, NAN});
    idem_adam_step(g->adam, g->plan, t->recipe.rate);
    return idem_run_count(
        &t->run, false,
        (const double[IDEM_SUMMARY_SUMS]){r->loss, r->l_r, r->l_d, r->pixels, r->features, r->likeness});
}

static int iterate(void *trainer) {
    idem_summary_trainer *t = trainer;
    const size_t batch = (size_t)t->recipe.batch;
    const uint64_t first = (uint64_t)t->state.run.iteration * batch;
    return idem_summary_data_take(t->data, first, batch, t->graph.x->leaf) || learn(t) ? -1 : 0;
}

int idem_summary_trainer_step(idem_summary_trainer *t, idem_summary_report *r) {
    const int status = iterate(t);
    *r = t->last;
    return status;
}

int idem_summary_trainer_step_on(idem_summary_trainer *t, const float *x, idem_summary_report *r) {
    memcpy(t->graph.x->leaf, x, (size_t)idem_shape_count(&t->graph.x->shape) * sizeof *x);
    const int status = learn(t);
    *r = t->last;
    return status;
}

/* ---- the jobs of a run ---- */

static int write_line(void *trainer) {
    idem_summary_trainer *t = trainer;
    const idem_metric after[] = {{"rate", t->recipe.rate}, {"skipped_steps", (double)t->state.run.skipped}};
    return idem_run_line(&t->run, NULL, 0, after, sizeof after / sizeof *after);
}

static int tell(void *trainer) {
    const idem_summary_trainer *t = trainer;
    if (t->setup.on_step)
        t->setup.on_step(t->setup.run.user, &t->last);
    return 0;
}

static int write_samples(void *trainer) {
    idem_summary_trainer *t = trainer;
    return idem_summary_samples_write(&(idem_summary_samples){&t->run, &t->recipe, t->model, &t->graph});
}

int idem_summary_trainer_run(idem_summary_trainer *t) {
    const idem_summary_recipe *r = &t->recipe;
    const idem_run_job jobs[] = {
        {.every = r->log_every, .at_end = true, .work = write_line},
        {.every = 1, .work = tell},
        {.every = r->sample_every, .at_end = true, .mark = &t->state.sampled, .work = write_samples},
    };
    const idem_run_plan plan = {.goal = r->iterations,
                                .job = jobs,
                                .jobs = sizeof jobs / sizeof *jobs,
                                .checkpoint_every = r->checkpoint_every};
    return t->data ? idem_run_go(&t->run, &plan) : idem_fail("this trainer has no pictures");
}

/* ---- life ---- */

/* -1 if the run trains for another generator than m's. run: its folder. */
static int check_model(const char *run, idem_model *m, const idem_weights *w) {
    const char *hash = idem_weights_meta(w, "generator"), *own = idem_model_about(m)->hash;
    return !hash || !idem_model_is(m, hash)
               ? idem_fail("%s: this run trains for the generator with hash %s, not for %s: name its generator", run,
                           hash ? hash : "?", own)
               : idem_model_expect(m, w);
}

int idem_summary_saved_recipe(const char *run, idem_model *m, idem_summary_recipe *r) {
    idem_weights *w;
    idem_summary_state state;
    const int found = idem_run_form_load(&idem_summary_form, run, &state, r, &w);
    if (found != 1)
        return found;
    const int status = check_model(run, m, w);
    idem_weights_free(w);
    return status ? -1 : 1;
}

static int start(void *trainer) {
    idem_summary_trainer *t = trainer;
    idem_rng rng = idem_rng_make(t->recipe.seed, "init.pixel_mapper");
    t->state.sampled = -1;
    return !(t->weights = t->run.tensors = idem_weights_new()) || idem_summary_init(t->weights, t->model, &rng) ||
                   idem_weights_set_meta(t->weights, "generator", idem_model_about(t->model)->hash) ||
                   idem_model_store_recogniser(t->model, t->weights)
               ? -1
               : 0;
}

static int go_on(void *trainer, idem_weights *tensors) {
    idem_summary_trainer *t = trainer;
    t->weights = t->run.tensors = tensors;
    return check_model(t->run.path, t->model, tensors);
}

static int open_data(idem_summary_trainer *t) {
    if (!t->setup.data)
        return 0;
    t->data = idem_summary_data_open(t->setup.data, (int)t->recipe.crop, idem_summary_side(t->model), t->recipe.seed);
    if (!t->data)
        return -1;
    idem_summary_data_watch(t->data, t->setup.on_bad, t->setup.run.user);
    char digest[65];
    idem_summary_data_digest(t->data, digest);
    return idem_run_data_count(&t->run, idem_summary_data_count(t->data)) ||
                   idem_checkpoint_data(t->weights, t->run.resumed, t->setup.data, digest)
               ? -1
               : 0;
}

static int open_trainer(void *trainer) {
    idem_summary_trainer *t = trainer;
    const idem_plan_options options = {.threads = t->state.run.threads, .stop = idem_run_stop(&t->run)};
    return open_data(t) || idem_summary_graph_build(&t->graph, t->model, t->weights, &t->recipe, &options) ? -1 : 0;
}

static const idem_run_kind kind = {
    .form = &idem_summary_form,
    .sum = sum_names,
    .sums = IDEM_SUMMARY_SUMS,
    .atomic = true,
    .advice = "start another with a lower settings.rate",
    .start = start,
    .go_on = go_on,
    .open = open_trainer,
    .iterate = iterate,
};

idem_summary_trainer *idem_summary_trainer_new(idem_model *m, const idem_summary_recipe *recipe,
                                               const idem_summary_setup *setup) {
    idem_summary_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    *t = (idem_summary_trainer){.model = m, .recipe = *recipe, .setup = *setup};
    const idem_run_owner owner = {.trainer = t, .recipe = &t->recipe, .state = &t->state};
    if (!idem_run_open(&t->run, &kind, &setup->run, &owner))
        return t;
    idem_summary_trainer_free(t);
    return NULL;
}

void idem_summary_trainer_free(idem_summary_trainer *t) {
    if (!t)
        return;
    idem_summary_graph_free(&t->graph);
    idem_summary_data_free(t->data);
    idem_weights_free(t->weights);
    idem_run_close(&t->run);
    free(t);
}

const idem_run *idem_summary_trainer_about(const idem_summary_trainer *t) {
    return &t->run;
}

size_t idem_summary_trainer_bytes(const idem_summary_trainer *t) {
    return idem_plan_bytes(t->graph.plan);
}
