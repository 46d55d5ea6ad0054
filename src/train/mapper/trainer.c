#define _POSIX_C_SOURCE 200809L
#include "train/mapper/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engine/op.h"
#include "model/average.h"
#include "model/origin.h"
#include "train/checkpoint.h"
#include "data/data.h"
#include "train/metrics_log.h"
#include "train/run_folder.h"
#include "train/mapper/photographs.h"
#include "train/mapper/scores.h"
#include "train/mapper/state.h"
#include "train/mapper/schedule.h"
#include "train/mapper/graph.h"

enum { SHEET_SIDE = 6, SKIPPED_LIMIT = 20 };
#define AVERAGE_MOMENTUM 0.1f

/* The logged means, in the order of idem_run_state's sums. */
enum { SUM_LOSS, SUM_ID, SUM_LANDMARK, SUM_REC, SUM_ADVERSARIAL, SUM_CRITIC, SUM_R1, SUM_SURROUND, SUMS };
static const char *const sum_names[SUMS] = {"loss",          "l_id",     "l_landmark", "l_rec",
                                            "l_adversarial", "l_critic", "r1",         "l_surround"};
_Static_assert((int)SUMS <= (int)IDEM_RUN_SUMS, "the checkpoint keeps too few sums");

struct idem_trainer {
    idem_model *model;
    idem_trainer_setup setup; /* its texts are the caller's: not to be read once the trainer is open */
    idem_run_folder *folder;  /* NULL: nothing is written */
    const char *run;          /* its path */
    bool begun;               /* by this trainer: nothing but its options is in the folder yet */
    idem_run_state state;
    idem_training_graph graph;
    idem_average *average; /* NULL: the recipe has none */
    idem_data *data;
    idem_held_out *held_out, *held_out_photographs;
    idem_metrics_log *log;
};

/* ---- one iteration ---- */

/* True when everything the steps would use is finite. */
static bool usable(const idem_training_graph *g, idem_turn turn, const idem_plan *plan, const idem_train_report *r) {
    if (!isfinite(r->loss) || idem_adam_check(g->adam_main[turn.cross], plan))
        return false;
    return !turn.adversarial || (isfinite(r->l_adversarial + r->l_critic + r->r1) &&
                                 !idem_adam_check(g->adam_adversarial, plan) && !idem_adam_check(g->adam_critic, plan));
}

static void read_losses(idem_trainer *t, idem_turn turn, const idem_plan *plan, idem_train_report *r) {
    const idem_training_graph *g = &t->graph;
    const idem_recipe *recipe = &t->state.recipe;
    r->cross = turn.cross;
    r->adversarial = turn.adversarial;
    r->l_id = (double)idem_plan_scalar(plan, g->l_id);
    r->l_landmark = (double)idem_plan_scalar(plan, g->l_landmark);
    r->loss = recipe->weight_id * r->l_id + recipe->weight_landmark * r->l_landmark;
    if (!turn.cross) {
        r->l_rec = (double)idem_plan_scalar(plan, g->l_rec);
        r->loss += recipe->weight_reconstruction * r->l_rec;
    } else if (g->l_surround) {
        r->l_surround = (double)idem_plan_scalar(plan, g->l_surround);
        r->loss += recipe->weight_surround * r->l_surround;
    }
    if (turn.adversarial) {
        r->l_adversarial = (double)idem_plan_scalar(plan, g->l_adversarial);
        r->l_critic = (double)idem_plan_scalar(plan, g->l_critic);
        r->r1 = (double)idem_plan_scalar(plan, g->r1);
    }
}

/* All gradients are of the old weights; the steps follow one another. */
static void apply(idem_trainer *t, idem_turn turn, const idem_plan *plan, double rate) {
    const idem_training_graph *g = &t->graph;
    const idem_recipe *recipe = &t->state.recipe;
    idem_adam_step(g->adam_main[turn.cross], plan, rate);
    if (turn.adversarial) {
        idem_adam_step(g->adam_adversarial, plan, rate * recipe->rate_adversarial);
        idem_adam_step(g->adam_critic, plan, rate * recipe->rate_critic);
    }
    idem_running_update(&g->running, plan, AVERAGE_MOMENTUM);
    if (t->average)
        idem_average_update(t->average, recipe->ema, t->state.iteration);
}

static void add_sums(idem_run_state *s, const idem_train_report *r) {
    const double values[SUMS] = {r->loss,          r->l_id,     r->l_landmark, r->l_rec,
                                 r->l_adversarial, r->l_critic, r->r1,         r->l_surround};
    for (int i = 0; i < SUMS; i++)
        if (isfinite(values[i])) {
            s->sum[i] += values[i];
            s->count[i]++;
        }
}

static void give(idem_node *input, const float *values) {
    memcpy(input->leaf, values, (size_t)idem_shape_count(&input->shape) * sizeof *values);
}

/* Runs the plan on what the graph's inputs hold and takes the steps. */
static int learn(idem_trainer *t, idem_turn turn, idem_train_report *r) {
    idem_run_state *s = &t->state;
    idem_training_graph *g = &t->graph;
    idem_plan *plan = g->plan[turn.cross][turn.adversarial];
    *r = (idem_train_report){.l_rec = NAN, .l_adversarial = NAN, .l_critic = NAN, .r1 = NAN, .l_surround = NAN};
    if (g->x_mirrored) {
        give(g->x_mirrored, g->x_id->leaf);
        idem_data_mirror(t->data, 0, 1, g->x_mirrored->leaf);
    }
    if (idem_plan_run(plan))
        return -1;
    r->rate = s->recipe.rate * idem_schedule_rate(&s->recipe, s->iteration);
    read_losses(t, turn, plan, r);
    r->skipped = !usable(g, turn, plan, r);
    if (!r->skipped)
        apply(t, turn, plan, r->rate);
    float with_landmarks = idem_plan_scalar(plan, g->usable);
    s->skipped_landmarks += s->recipe.batch - (with_landmarks >= 0 ? (int64_t)with_landmarks : 0);
    s->skipped_steps += r->skipped;
    s->skipped_in_a_row = r->skipped ? s->skipped_in_a_row + 1 : 0;
    s->cursor = idem_data_tell(t->data);
    r->iteration = ++s->iteration;
    add_sums(s, r);
    if (s->skipped_in_a_row >= SKIPPED_LIMIT)
        return idem_fail(
            "%d iterations in a row gave losses or gradients that are not finite: the run has diverged; resume an "
            "earlier state in a new folder with a lower --rate",
            SKIPPED_LIMIT);
    return 0;
}

int idem_trainer_step(idem_trainer *t, idem_train_report *r) {
    idem_training_graph *g = &t->graph;
    const idem_recipe *recipe = &t->state.recipe;
    idem_turn turn = idem_schedule_turn(recipe, t->state.iteration);
    bool drawn = !idem_data_draw(t->data, turn.cross, g->x_id->leaf, g->x_attr->leaf);
    if (drawn && !turn.cross && recipe->mirror_identity > 0)
        idem_data_mirror(t->data, t->state.cursor.pictures, recipe->mirror_identity, g->x_id->leaf);
    if (!drawn || (turn.adversarial && idem_data_codes(t->data, g->w_real->leaf)) || learn(t, turn, r)) {
        idem_data_seek(t->data, t->state.cursor);
        return -1;
    }
    return 0;
}

int idem_trainer_step_on(idem_trainer *t, const float *x_id, const float *x_attr, const float *w_real,
                         idem_train_report *r) {
    idem_turn turn = idem_schedule_turn(&t->state.recipe, t->state.iteration);
    give(t->graph.x_id, x_id);
    give(t->graph.x_attr, turn.cross ? x_attr : x_id);
    give(t->graph.w_real, w_real);
    return learn(t, turn, r);
}

/* ---- what is written ---- */

static int write_line(idem_trainer *t, const idem_train_report *r) {
    idem_run_state *s = &t->state;
    idem_metric m[SUMS + 3];
    int n = 0;
    for (int i = 0; i < SUMS; i++) {
        if (s->count[i])
            m[n++] = (idem_metric){sum_names[i], s->sum[i] / (double)s->count[i]};
        s->sum[i] = 0;
        s->count[i] = 0;
    }
    m[n++] = (idem_metric){"rate", r->rate};
    m[n++] = (idem_metric){"skipped_landmarks", (double)s->skipped_landmarks};
    m[n++] = (idem_metric){"skipped_steps", (double)s->skipped_steps};
    return idem_metrics_log_write(t->log, "train", s->iteration, m, n);
}

static int write_sheet(idem_trainer *t, const idem_image *sheet) {
    char name[64];
    snprintf(name, sizeof name, "samples/grid-%010" PRId64 ".png", t->state.iteration);
    char *path = idem_path_join(t->run, name);
    idem_origin origin;
    idem_origin_by(&origin, IDEM_SOURCE_COMPOSITE, idem_model_about(t->model)->hash, NULL, &t->state.recipe.seed);
    int status = path ? idem_image_save_png(sheet, path, &origin.marks) : -1;
    if (!status)
        status = idem_metrics_log_image(t->log, "samples", t->state.iteration, sheet, &origin.marks);
    free(path);
    return status;
}

static int save_mapper(idem_trainer *t, const char *name) {
    char *path = idem_path_join(t->run, name), text[32];
    int status = path ? 0 : -1;
    snprintf(text, sizeof text, "%" PRId64, t->state.iteration);
    if (!status)
        status = idem_weights_set_meta(idem_model_trained(t->model), "iteration", text);
    if (!status)
        status = idem_model_save_mapper(t->model, path, IDEM_DTYPE_F16);
    free(path);
    return status;
}

/* Figures of the pairs of a source, which are made once. */
static int measure(const idem_trainer *t, idem_held_out **h, idem_pairs_of *pairs_of, size_t pairs,
                   idem_held_out_scores *s) {
    const idem_plan_options options = {
        .threads = t->state.threads, .stop = t->setup.stop, .share = t->graph.plan[0][1]};
    if (!*h && !(*h = idem_held_out_new(t->model, t->data, pairs_of, (int)pairs, t->state.recipe.seed, &t->setup.judge,
                                        &options)))
        return -1;
    return idem_held_out_run(*h, s);
}

/* Everything is computed before anything is written: an interrupted evaluation leaves no trace. */
static int evaluate(idem_trainer *t) {
    idem_held_out_scores s, of_photographs;
    const idem_photographs *p = idem_data_photographs(t->data);
    idem_image sheet;
    char title[64];
    snprintf(title, sizeof title, "Held-out pairs after %" PRId64 " iterations", t->state.iteration);
    if ((p && measure(t, &t->held_out_photographs, idem_data_held_out_photographs, idem_photographs_pairs(p),
                      &of_photographs)) ||
        measure(t, &t->held_out, idem_data_held_out, (size_t)t->state.recipe.eval_pairs, &s) ||
        idem_held_out_sheet(t->held_out, SHEET_SIDE, title, &sheet))
        return -1;
    const idem_held_out_scores *beside = p ? &of_photographs : NULL;
    int status = idem_scores_write(t->log, t->state.iteration, &s, beside, t->setup.judge.describe) ||
                         write_sheet(t, &sheet) || save_mapper(t, "mapper.safetensors")
                     ? -1
                     : 0;
    if (!status && t->state.iteration == 0)
        status = save_mapper(t, "mapper-start.safetensors");
    idem_image_free(&sheet);
    if (status)
        return -1;
    t->state.evaluated = t->state.iteration;
    if (t->setup.on_evaluation)
        t->setup.on_evaluation(t->setup.user, t->state.iteration, &s, beside);
    return 0;
}

static int save_state(const idem_trainer *t) {
    return idem_run_state_save(t->run, idem_model_trained(t->model), &t->state, idem_model_about(t->model)->hash);
}

static int save_checkpoint(idem_trainer *t) {
    return (t->state.metrics_offset = idem_metrics_log_sync(t->log)) < 0 ? -1 : save_state(t);
}

static bool stopped(const idem_trainer *t) {
    return t->setup.stop && *t->setup.stop;
}

static bool is_last(const idem_trainer *t) {
    return t->state.iteration == t->state.recipe.iterations;
}

/* Also asked before the first iteration: a new run is measured as it starts, a resumed one makes up for an interrupted
 * evaluation. */
static int evaluate_if_due(idem_trainer *t) {
    int64_t done = t->state.iteration;
    bool due = done % t->state.recipe.eval_every == 0 || is_last(t);
    return due && t->state.evaluated != done ? evaluate(t) : 0;
}

static int advance(idem_trainer *t) {
    const idem_recipe *recipe = &t->state.recipe;
    idem_train_report r;
    if (stopped(t) || idem_trainer_step(t, &r))
        return -1;
    if ((t->state.iteration % recipe->log_every == 0 || is_last(t)) && write_line(t, &r))
        return -1;
    if (t->setup.on_step)
        t->setup.on_step(t->setup.user, &r);
    if (evaluate_if_due(t))
        return -1;
    return (t->state.iteration % recipe->checkpoint_every == 0 || is_last(t)) && save_checkpoint(t) ? -1 : 0;
}

int idem_trainer_run(idem_trainer *t) {
    if (!t->run)
        return idem_fail("this trainer has no folder to write to");
    int status = evaluate_if_due(t);
    while (!status && t->state.iteration < t->state.recipe.iterations)
        status = advance(t);
    /* Wherever the stop came, what is written is what the state says: an interrupted iteration or evaluation left no
     * trace. */
    if (status && stopped(t))
        return idem_checkpoint_stopped(t->run, t->state.iteration, save_checkpoint(t));
    return status;
}

/* ---- life ---- */

int idem_trainer_saved_recipe(const char *run, idem_model *m, idem_recipe *r, int *threads) {
    idem_weights *tensors;
    idem_run_state state;
    int found = idem_run_state_load(run, &tensors, &state, m);
    if (found == 1) {
        *r = state.recipe;
        *threads = state.threads;
        if (idem_model_expect(m, tensors))
            found = -1;
        idem_weights_free(tensors);
    }
    return found;
}

static int continue_run(idem_trainer *t, idem_weights *tensors, const idem_run_state *saved,
                        const idem_recipe *recipe) {
    if (idem_recipe_check_resume(&saved->recipe, recipe) || idem_checkpoint_threads(t->setup.threads, saved->threads) ||
        idem_model_adopt(t->model, tensors)) {
        idem_weights_free(tensors);
        return -1;
    }
    if (idem_model_check_attributes(t->model, &t->setup.attr))
        return -1;
    t->state = *saved;
    t->state.recipe = *recipe;
    return 0;
}

/* Before anything is computed: --resume then knows all options of a run that is killed before its first checkpoint. */
static int start_run(idem_trainer *t, const idem_recipe *recipe) {
    idem_threads_set(t->setup.threads);
    t->state = (idem_run_state){.recipe = *recipe, .evaluated = -1, .threads = idem_threads()};
    if (idem_model_about(t->model)->has_mapper
            ? idem_model_check_attributes(t->model, &t->setup.attr)
            : idem_model_new_mapper(t->model, recipe->seed, recipe->mean_bias, &t->setup.attr))
        return -1;
    if (recipe->ema > 0 &&
        idem_average_add(idem_model_trained(t->model), idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES))
        return -1;
    if (idem_model_new_critic(t->model, recipe->seed) || (t->run && save_state(t)))
        return -1;
    t->begun = true;
    return 0;
}

static int open_photographs(idem_trainer *t) {
    const idem_recipe *r = &t->state.recipe;
    const idem_run_photographs p = {.dir = t->setup.photographs,
                                    .run = t->run,
                                    .share = r->photograph_share,
                                    .options = {.size = idem_model_about(t->model)->size,
                                                .seed = r->seed,
                                                .pairs = (int)r->eval_pairs,
                                                .threads = t->state.threads,
                                                .models = t->setup.models,
                                                .stop = t->setup.stop,
                                                .progress = t->setup.on_photographs,
                                                .bad = t->setup.on_left_out,
                                                .user = t->setup.user}};
    return idem_run_photographs_open(&p, t->data, idem_model_trained(t->model), t->state.iteration);
}

static int open_data(idem_trainer *t, const idem_run_state *saved) {
    const idem_recipe *r = &t->state.recipe;
    idem_plan_options options = {
        .threads = t->state.threads, .stop = t->setup.stop, .profile = t->setup.profile, .share = t->graph.plan[0][1]};
    if (t->setup.data)
        t->data = idem_data_folder(t->model, t->setup.data, (int)r->batch, r->seed, (int)r->eval_pairs);
    else
        t->data = idem_data_on_the_fly(t->model, (int)r->batch, r->truncation, r->seed, &options);
    if (!t->data)
        return -1;
    t->state.data_count = idem_data_count(t->data);
    if (saved && saved->iteration && t->state.data_count != saved->data_count)
        return idem_fail("the run was started on %" PRIu64
                         " training pictures (0: drawn on the fly), now there are %" PRIu64 ": give the same --data",
                         saved->data_count, t->state.data_count);
    idem_data_seek(t->data, t->state.cursor);
    char digest[65];
    if (open_photographs(t))
        return -1;
    return idem_data_digest(t->data, digest)
               ? idem_checkpoint_data(idem_model_trained(t->model), saved != NULL, t->setup.data, digest)
               : 0;
}

static int open_files(idem_trainer *t) {
    if (!t->run)
        return 0;
    char *samples = idem_path_join(t->run, "samples");
    int status = samples ? idem_dir_make(samples) : -1;
    free(samples);
    if (status)
        return -1;
    t->log = idem_metrics_log_open(t->run, t->setup.resume, t->state.metrics_offset, t->state.iteration);
    return t->log ? 0 : -1;
}

static int open_trainer(idem_trainer *t, const idem_recipe *recipe) {
    idem_weights *tensors;
    idem_run_state saved;
    int found = 0;
    if (t->setup.run && !(t->folder = idem_run_folder_claim(t->setup.run)))
        return -1;
    t->run = t->folder ? idem_run_folder_path(t->folder) : NULL;
    if (t->run && t->setup.resume)
        found = idem_run_state_load(t->run, &tensors, &saved, t->model);
    if (found < 0 || (!found && t->run && idem_run_folder_check(t->run, t->setup.resume)))
        return -1;
    if (found ? continue_run(t, tensors, &saved, recipe) : start_run(t, recipe))
        return -1;
    idem_plan_options options = {
        .threads = t->state.threads, .stop = t->setup.stop, .profile = t->setup.profile, .trap_nan = t->setup.trap_nan};
    if (idem_recipe_store(recipe, idem_model_trained(t->model)) ||
        idem_training_graph_build(&t->graph, t->model, recipe, &options))
        return found ? idem_fail_more("%s: its checkpoint does not fit: %s", t->run, idem_error()) : -1;
    if (recipe->ema > 0 &&
        !(t->average = idem_average_new(idem_model_trained(t->model), idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES)))
        return -1;
    return open_data(t, found ? &saved : NULL) || open_files(t) ? -1 : 0;
}

idem_trainer *idem_trainer_new(idem_model *m, const idem_recipe *recipe, const idem_trainer_setup *setup) {
    idem_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    t->model = m;
    t->setup = *setup;
    if (open_trainer(t, recipe)) {
        if (t->run && t->begun && idem_error_kind() != IDEM_INTERRUPTED)
            idem_checkpoint_drop_first(t->run);
        idem_trainer_free(t);
        return NULL;
    }
    return t;
}

void idem_trainer_free(idem_trainer *t) {
    if (!t)
        return;
    idem_metrics_log_close(t->log);
    idem_held_out_free(t->held_out_photographs);
    idem_held_out_free(t->held_out);
    idem_data_free(t->data);
    idem_training_graph_free(&t->graph);
    idem_average_free(t->average);
    idem_run_folder_release(t->folder);
    free(t);
}

int64_t idem_trainer_iteration(const idem_trainer *t) {
    return t->state.iteration;
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
    const idem_weights *w = idem_model_trained(t->model);
    size_t bytes = 0;
    for (size_t i = 0; i < idem_weights_count(w); i++)
        bytes += (size_t)idem_shape_count(&idem_weights_at(w, i)->shape) * sizeof(float);
    return bytes;
}

idem_plan *idem_trainer_plan(const idem_trainer *t, bool cross, bool adversarial) {
    return t->graph.plan[cross][adversarial];
}
