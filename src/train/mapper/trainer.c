#define _POSIX_C_SOURCE 200809L
#include "train/mapper/trainer.h"

#include <stdio.h>
#include <stdlib.h>

#include "model/average.h"
#include "train/mapper/evaluation.h"
#include "train/mapper/graph.h"
#include "train/mapper/iteration.h"
#include "train/mapper/state.h"

static const char *const sum_names[] = {"loss",          "l_id",     "l_landmark", "l_rec",
                                        "l_adversarial", "l_critic", "r1",         "l_surround"};
enum { SUMS = sizeof sum_names / sizeof *sum_names };
_Static_assert((int)SUMS == (int)IDEM_RUN_SUMS, "checkpoints store this number of sums");

struct idem_trainer {
    idem_model *model;
    idem_trainer_setup setup; /* its texts belong to the caller: not read after opening */
    idem_recipe recipe;
    idem_mapper_state state;
    idem_run run;
    idem_training_graph graph;
    idem_average *average; /* NULL: not in the recipe */
    idem_data *data;
    idem_evaluation evaluation;
    idem_train_report last; /* iteration */
};

/* ---- one iteration ---- */

static idem_mapper_iteration next_of(idem_trainer *t) {
    return (idem_mapper_iteration){&t->recipe, &t->state, &t->graph, t->data, t->average};
}

static int count(idem_trainer *t) {
    const idem_train_report *r = &t->last;
    return idem_run_count(&t->run, r->skipped,
                          (const double[SUMS]){r->loss, r->l_id, r->l_landmark, r->l_rec, r->l_adversarial, r->l_critic,
                                               r->r1, r->l_surround});
}

static int iterate(void *trainer) {
    idem_trainer *t = trainer;
    const idem_mapper_iteration next = next_of(t);
    return idem_mapper_iterate(&next, &t->last) || count(t) ? -1 : 0;
}

int idem_trainer_step(idem_trainer *t, idem_train_report *r) {
    const int status = iterate(t);
    *r = t->last;
    return status;
}

int idem_trainer_step_on(idem_trainer *t, const float *x_id, const float *x_attr, const float *w_real,
                         idem_train_report *r) {
    const idem_mapper_iteration next = next_of(t);
    const int status = idem_mapper_iterate_on(&next, x_id, x_attr, w_real, &t->last) || count(t) ? -1 : 0;
    *r = t->last;
    return status;
}

/* ---- the jobs of a run ---- */

static int write_line(void *trainer) {
    idem_trainer *t = trainer;
    const idem_metric after[] = {{"rate", t->last.rate},
                                 {"skipped_landmarks", (double)t->state.skipped_landmarks},
                                 {"skipped_steps", (double)t->state.run.skipped}};
    return idem_run_line(&t->run, NULL, 0, after, sizeof after / sizeof *after);
}

static int tell(void *trainer) {
    const idem_trainer *t = trainer;
    if (t->setup.on_step)
        t->setup.on_step(t->setup.run.user, &t->last);
    return 0;
}

static int evaluate(void *trainer) {
    idem_trainer *t = trainer;
    idem_held_out_scores s, of_photographs;
    if (idem_evaluation_run(&t->evaluation, &t->run, &s, &of_photographs))
        return -1;
    if (t->setup.on_evaluation)
        t->setup.on_evaluation(t->setup.run.user, t->state.run.iteration, &s,
                               idem_data_photographs(t->data) ? &of_photographs : NULL);
    return 0;
}

int idem_trainer_run(idem_trainer *t) {
    const idem_recipe *r = &t->recipe;
    const idem_run_job jobs[] = {
        {.every = r->log_every, .at_end = true, .work = write_line},
        {.every = 1, .work = tell},
        {.every = r->eval_every,
         .at_start = true,
         .at_end = true,
         .mark = &t->state.evaluated,
         .catch_up = true,
         .together = true,
         .work = evaluate},
    };
    const idem_run_plan plan = {.goal = r->iterations,
                                .job = jobs,
                                .jobs = sizeof jobs / sizeof *jobs,
                                .checkpoint_every = r->checkpoint_every};
    return idem_run_go(&t->run, &plan);
}

/* ---- life ---- */

int idem_trainer_saved_recipe(const char *run, idem_model *m, idem_recipe *r, int *threads) {
    idem_weights *tensors;
    idem_mapper_saved saved;
    const int found = idem_mapper_state_load(run, &tensors, &saved, m);
    if (found == 1) {
        *r = saved.recipe;
        *threads = saved.state.run.threads;
        idem_weights_free(tensors);
    }
    return found;
}

static void set_generator(idem_trainer *t) {
    snprintf(t->state.generator, sizeof t->state.generator, "%s", idem_model_about(t->model)->hash);
    t->run.tensors = idem_model_trained(t->model);
}

static int go_on(void *trainer, idem_weights *tensors) {
    idem_trainer *t = trainer;
    if (idem_mapper_state_check(&t->state, t->run.path, t->model) || idem_model_adopt(t->model, tensors)) {
        idem_weights_free(tensors);
        return -1;
    }
    set_generator(t);
    return idem_model_check_attributes(t->model, &t->setup.attr);
}

static int start(void *trainer) {
    idem_trainer *t = trainer;
    const idem_recipe *r = &t->recipe;
    t->state.evaluated = -1;
    if (idem_model_about(t->model)->has_mapper ? idem_model_check_attributes(t->model, &t->setup.attr)
                                               : idem_model_new_mapper(t->model, r->seed, r->mean_bias, &t->setup.attr))
        return -1;
    set_generator(t);
    return (r->ema > 0 && idem_average_add(t->run.tensors, idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES)) ||
                   idem_model_new_critic(t->model, r->seed)
               ? -1
               : 0;
}

static idem_plan_options options_of(const idem_trainer *t) {
    return (idem_plan_options){.threads = t->state.run.threads,
                               .stop = idem_run_stop(&t->run),
                               .profile = t->setup.profile,
                               .share = t->graph.plan[0][1]};
}

static int open_trainer(void *trainer) {
    idem_trainer *t = trainer;
    const idem_recipe *r = &t->recipe;
    idem_plan_options options = options_of(t);
    options.trap_nan = t->setup.trap_nan;
    if (idem_recipe_check_ranks(r, idem_world_size(t->run.world)))
        return -1;
    if (idem_recipe_store(r, t->run.tensors) ||
        idem_training_graph_build(&t->graph, t->model, r, t->run.world, &options))
        return t->run.resumed ? idem_fail_more("%s: its checkpoint does not fit: %s", t->run.path, idem_error()) : -1;
    if (r->ema > 0 && !(t->average = idem_average_new(t->run.tensors, idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES)))
        return -1;
    options = options_of(t);
    if (!(t->data = idem_mapper_sources_open(&t->setup.sources, &t->run, t->model, r, &options)))
        return -1;
    idem_data_seek(t->data, t->state.cursor);
    t->evaluation =
        (idem_evaluation){.model = t->model, .data = t->data, .recipe = r, .judge = t->setup.judge, .options = options};
    t->evaluation.options.profile = false; /* only of training */
    return 0;
}

static const idem_run_kind kind = {
    .form = &idem_mapper_form,
    .sum = sum_names,
    .sums = SUMS,
    .atomic = true,
    .advice = "resume an earlier state in a new folder with a lower settings.rate",
    .check = idem_recipe_check_resume,
    .start = start,
    .go_on = go_on,
    .open = open_trainer,
    .iterate = iterate,
};

idem_trainer *idem_trainer_new(idem_model *m, const idem_recipe *recipe, const idem_trainer_setup *setup) {
    idem_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    *t = (idem_trainer){.model = m, .recipe = *recipe, .setup = *setup};
    const idem_run_owner owner = {.trainer = t, .recipe = &t->recipe, .state = &t->state};
    if (!idem_run_open(&t->run, &kind, &setup->run, &owner))
        return t;
    idem_trainer_free(t);
    return NULL;
}

void idem_trainer_free(idem_trainer *t) {
    if (!t)
        return;
    idem_evaluation_free(&t->evaluation);
    idem_data_free(t->data);
    idem_training_graph_free(&t->graph);
    idem_average_free(t->average);
    idem_run_close(&t->run);
    free(t);
}

const idem_run *idem_trainer_about(const idem_trainer *t) {
    return &t->run;
}

const idem_photographs *idem_trainer_photographs(const idem_trainer *t) {
    return idem_data_photographs(t->data);
}

idem_plan *idem_trainer_plan(const idem_trainer *t, bool cross, bool adversarial) {
    return t->graph.plan[cross][adversarial];
}
