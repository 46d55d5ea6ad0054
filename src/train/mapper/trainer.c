#define _POSIX_C_SOURCE 200809L
#include "train/mapper/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data.h"
#include "engine/op.h"
#include "model/average.h"
#include "train/checkpoint.h"
#include "train/mapper/evaluation.h"
#include "train/mapper/graph.h"
#include "train/mapper/photographs.h"
#include "train/mapper/schedule.h"
#include "train/mapper/state.h"
#include "train/mapper/step.h"
#include "train/run.h"

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

static void give(idem_node *input, const float *values) {
    memcpy(input->leaf, values, (size_t)idem_shape_count(&input->shape) * sizeof *values);
}

/* Takes the turn with the current inputs of the graph. */
static int learn(idem_trainer *t, idem_turn turn) {
    idem_training_graph *g = &t->graph;
    idem_train_report *r = &t->last;
    int64_t without_landmarks;
    if (g->x_mirrored) {
        give(g->x_mirrored, g->x_id->leaf);
        idem_data_mirror(t->data, 0, 1, g->x_mirrored->leaf);
    }
    if (idem_mapper_step(g, &t->recipe, turn, t->state.run.iteration, t->average, r, &without_landmarks))
        return -1;
    const double losses[SUMS] = {r->loss,          r->l_id,     r->l_landmark, r->l_rec,
                                 r->l_adversarial, r->l_critic, r->r1,         r->l_surround};
    t->state.skipped_landmarks += without_landmarks;
    t->state.cursor = idem_data_tell(t->data);
    r->iteration = t->state.run.iteration + 1;
    return idem_run_count(&t->run, r->skipped, losses);
}

static int iterate(void *trainer) {
    idem_trainer *t = trainer;
    const idem_training_graph *g = &t->graph;
    const double mirrored = t->recipe.mirror_identity;
    const idem_turn turn = idem_schedule_turn(&t->recipe, t->state.run.iteration);
    const bool drawn = !idem_data_draw(t->data, turn.cross, g->x_id->leaf, g->x_attr->leaf);
    if (drawn && !turn.cross && mirrored > 0)
        idem_data_mirror(t->data, t->state.cursor.pictures, mirrored, g->x_id->leaf);
    if (!drawn || (turn.adversarial && idem_data_codes(t->data, g->w_real->leaf)) || learn(t, turn)) {
        idem_data_seek(t->data, t->state.cursor);
        return -1;
    }
    return 0;
}

int idem_trainer_step(idem_trainer *t, idem_train_report *r) {
    const int status = iterate(t);
    *r = t->last;
    return status;
}

int idem_trainer_step_on(idem_trainer *t, const float *x_id, const float *x_attr, const float *w_real,
                         idem_train_report *r) {
    const idem_turn turn = idem_schedule_turn(&t->recipe, t->state.run.iteration);
    give(t->graph.x_id, x_id);
    give(t->graph.x_attr, turn.cross ? x_attr : x_id);
    give(t->graph.w_real, w_real);
    const int status = learn(t, turn);
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
        t->setup.on_step(t->setup.user, &t->last);
    return 0;
}

static int evaluate(void *trainer) {
    idem_trainer *t = trainer;
    idem_held_out_scores s, of_photographs;
    if (idem_evaluation_run(&t->evaluation, &t->run, &s, &of_photographs))
        return -1;
    if (t->setup.on_evaluation)
        t->setup.on_evaluation(t->setup.user, t->state.run.iteration, &s,
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
    int found = idem_mapper_state_load(run, &tensors, &saved, m);
    if (found == 1) {
        *r = saved.recipe;
        *threads = saved.state.run.threads;
        if (idem_model_expect(m, tensors))
            found = -1;
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
                               /* Ranks stop only between iterations: the others would wait for one that left a plan. */
                               .stop = idem_world_size(t->run.world) > 1 ? NULL : t->setup.stop,
                               .profile = t->setup.profile,
                               .share = t->graph.plan[0][1]};
}

static int open_own_photographs(void *trainer) {
    idem_trainer *t = trainer;
    const idem_recipe *r = &t->recipe;
    const idem_run_photographs p = {.dir = t->setup.photographs,
                                    .run = t->run.name,
                                    .share = r->photograph_share,
                                    .options = {.size = idem_model_about(t->model)->size,
                                                .seed = r->seed,
                                                .weather = r->photograph_vary,
                                                .pairs = (int)r->eval_pairs,
                                                .borrow = idem_world_rank(t->run.world) > 0,
                                                .threads = t->state.run.threads,
                                                .models = t->setup.models,
                                                .stop = t->setup.stop,
                                                .progress = t->setup.on_photographs,
                                                .bad = t->setup.on_left_out,
                                                .user = t->setup.user}};
    return idem_run_photographs_open(&p, t->data, t->run.tensors, t->state.run.iteration);
}

/* Rank 0 looks for faces and keeps them in the run's folder, where the others then find them. */
static int open_photographs(idem_trainer *t) {
    const idem_world *w = t->run.world;
    if (idem_run_in_turn(&t->run, "the photographs", open_own_photographs))
        return -1;
    const idem_photographs *p = idem_data_photographs(t->data);
    return idem_world_same(w, "the set of photographs (its digest)", p ? idem_photographs_digest(p) : "none");
}

static int open_data(idem_trainer *t) {
    const idem_recipe *r = &t->recipe;
    const idem_plan_options options = options_of(t);
    const int ranks = idem_world_size(t->run.world), batch = (int)r->batch / ranks;
    t->data = t->setup.data ? idem_data_folder(t->model, t->setup.data, batch, r->seed, (int)r->eval_pairs)
                            : idem_data_on_the_fly(t->model, batch, r->truncation, r->seed, &options);
    if (!t->data)
        return -1;
    idem_data_part(t->data, idem_world_rank(t->run.world), ranks);
    idem_data_seek(t->data, t->state.cursor);
    if (idem_run_data_count(&t->run, idem_data_count(t->data)) || open_photographs(t))
        return -1;
    char digest[65];
    const bool listed = idem_data_digest(t->data, digest);
    if (idem_run_compare_data(&t->run, listed ? digest : "drawn on the fly"))
        return -1;
    return listed ? idem_checkpoint_data(t->run.tensors, t->run.resumed, t->setup.data, digest) : 0;
}

static int check_ranks(const idem_trainer *t) {
    const int ranks = idem_world_size(t->run.world);
    return !(t->recipe.batch % ranks)
               ? 0
               : idem_fail("the batch is %" PRId64 ", and %d ranks cannot share it evenly: make it a multiple of %d",
                           t->recipe.batch, ranks, ranks);
}

static int open_trainer(void *trainer) {
    idem_trainer *t = trainer;
    const idem_recipe *r = &t->recipe;
    idem_plan_options options = options_of(t);
    options.trap_nan = t->setup.trap_nan;
    if (check_ranks(t))
        return -1;
    if (idem_recipe_store(r, t->run.tensors) ||
        idem_training_graph_build(&t->graph, t->model, r, t->run.world, &options))
        return t->run.resumed ? idem_fail_more("%s: its checkpoint does not fit: %s", t->run.path, idem_error()) : -1;
    if (r->ema > 0 && !(t->average = idem_average_new(t->run.tensors, idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES)))
        return -1;
    if (open_data(t))
        return -1;
    t->evaluation = (idem_evaluation){
        .model = t->model, .data = t->data, .recipe = r, .judge = t->setup.judge, .options = options_of(t)};
    t->evaluation.options.profile = false; /* only of training */
    return 0;
}

static int check(const void *saved, const void *next) {
    return idem_recipe_check_resume(saved, next);
}

static const idem_run_kind kind = {
    .form = &idem_mapper_form,
    .sum = sum_names,
    .sums = SUMS,
    .atomic = true,
    .advice = "resume an earlier state in a new folder with a lower settings.rate",
    .check = check,
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
    const idem_run_setup run = {.folder = setup->run,
                                .world = setup->world,
                                .resume = setup->resume,
                                .threads = setup->threads,
                                .stop = setup->stop,
                                .deadline = setup->deadline,
                                .on_line = setup->on_line,
                                .user = setup->user,
                                .trainer = t,
                                .recipe = &t->recipe,
                                .state = &t->state};
    if (!idem_run_open(&t->run, &kind, &run))
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

int64_t idem_trainer_iteration(const idem_trainer *t) {
    return t->state.run.iteration;
}

bool idem_trainer_resumed(const idem_trainer *t) {
    return t->run.resumed;
}

size_t idem_trainer_pictures(const idem_trainer *t) {
    return idem_data_count(t->data);
}

int64_t idem_trainer_skipped_landmarks(const idem_trainer *t) {
    return t->state.skipped_landmarks;
}

const idem_photographs *idem_trainer_photographs(const idem_trainer *t) {
    return idem_data_photographs(t->data);
}

size_t idem_trainer_plan_bytes(const idem_trainer *t) {
    return idem_plan_bytes(t->graph.plan[0][1]);
}

size_t idem_trainer_state_bytes(const idem_trainer *t) {
    return idem_run_bytes(&t->run);
}

idem_plan *idem_trainer_plan(const idem_trainer *t, bool cross, bool adversarial) {
    return t->graph.plan[cross][adversarial];
}
