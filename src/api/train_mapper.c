/* Training of a mapper through the public library. */
#include <math.h>
#include <stdlib.h>

#include "api/training.h"
#include "base/clock.h"
#include "engine/threads.h"
#include "measure/witness.h"
#include "train/mapper/evaluation.h"
#include "train/mapper/trainer.h"
#include "train/run_folder.h"

enum { CYCLES = 2, MOST_CYCLE = 12, WITNESS_BATCH = 8 };

static const char CALL[] = "idem_train_mapper";

typedef struct {
    idem_training training; /* first: the trainer's `user` is both */
    const idem_train_mapper_options *o;
    idem_model *model;
    idem_trainer *trainer;
    idem_witness *witness; /* NULL: its files are missing */
    idem_recipe recipe;
    bool given[IDEM_FIELDS_MOST]; /* by field of the recipe */
    int threads;                  /* requested, or those of the run */
} work;

/* ---- what the trainer tells ---- */

static void on_step(void *user, const idem_train_report *r) {
    work *a = user;
    const idem_train_figure losses[] = {idem_training_number("loss", r->loss),
                                        idem_training_number("l_id", r->l_id),
                                        idem_training_number("l_landmark", r->l_landmark),
                                        idem_training_number("l_rec", r->l_rec),
                                        idem_training_number("l_adversarial", r->l_adversarial),
                                        idem_training_number("l_critic", r->l_critic),
                                        idem_training_number("r1", r->r1),
                                        idem_training_number("l_surround", r->l_surround),
                                        idem_training_number("rate", r->rate)};
    idem_training_step(&a->training, &(idem_train_progress){.done = r->iteration,
                                                            .all = a->recipe.iterations,
                                                            .iteration = r->iteration,
                                                            .skipped = r->skipped,
                                                            .figure = losses,
                                                            .figures = sizeof losses / sizeof *losses});
}

static void on_evaluation(void *user, int64_t iteration, const idem_held_out_scores *s,
                          const idem_held_out_scores *photographs) {
    work *a = user;
    idem_evaluation_list list;
    idem_train_figure figure[IDEM_EVALUATION_MOST];
    idem_evaluation_list_make(&list, s, photographs, a->witness != NULL);
    for (int i = 0; i < list.n; i++) {
        const idem_evaluation_figure *f = &list.at[i];
        figure[i] = (idem_train_figure){.name = f->name,
                                        .value = f->value,
                                        .error = f->rests.error,
                                        .n = f->rests.n,
                                        .needs = f->rests.needs,
                                        .of = f->rests.of ? f->rests.of : "pairs"};
    }
    if (!idem_world_rank(a->training.world))
        idem_training_draw(&a->training, a->o->run);
    idem_training_evaluated(&a->training,
                            &(idem_train_evaluation){.iteration = iteration, .figure = figure, .figures = list.n});
}

static int describe(void *user, int n, const float *pictures, float *descriptors) {
    return idem_witness_run(user, n, pictures, descriptors, NULL);
}

/* ---- opening ---- */

static int load_model(work *a) {
    const idem_train_mapper_options *o = a->o;
    if (!(a->model = idem_model_open(o->generator)) ||
        (!o->measure && !idem_world_rank(a->training.world) && idem_run_folder_look(o->run, o->resume)) ||
        (o->identity_net && idem_model_choose_recogniser(a->model, o->identity_net, o->identity_preprocess)))
        return -1;
    if (!o->mapper)
        return 0;
    return o->adapt ? idem_model_adapt_mapper(a->model, o->mapper, o->attribute_side)
                    : idem_model_load_mapper(a->model, o->mapper);
}

static int load_frozen(const work *a) {
    const idem_train_mapper_options *o = a->o;
    if (idem_model_load_frozen(a->model, o->models))
        return -1;
    const char *const networks[] = {"fr_landmark.onnx", idem_model_recogniser_file(a->model)};
    return idem_training_same_networks(a->training.world, o->models, networks, o->identity_net ? 1 : 2);
}

/* Settings that are not given are the run's; in a new run with photographs, half of the pictures are photographs. */
static int choose_recipe(work *a) {
    const idem_train_mapper_options *o = a->o;
    const idem_field *share = idem_fields_find(&idem_recipe_fields, "photograph-share");
    idem_recipe saved;
    if (o->photographs && !a->given[share - idem_recipe_fields.row])
        a->recipe.photograph_share = 0.5;
    a->threads = o->threads;
    if (o->resume && !o->measure) {
        int threads;
        const int found = idem_trainer_saved_recipe(o->run, a->model, &saved, &threads);
        if (found < 0 || (found && idem_fields_merge(&idem_recipe_fields, &a->recipe, &saved, a->given)))
            return -1;
        a->threads = found && !o->threads ? threads : o->threads;
    }
    if (o->measure)
        a->recipe.photograph_share = 0; /* nothing is written, so there is no cache of faces */
    return 0;
}

/* The second recogniser is only for evaluation: training works without it. */
static void open_witness(work *a) {
    const idem_plan_options options = {.threads = a->threads, .stop = a->training.watch.stop};
    a->witness = idem_witness_new(a->o->models, idem_model_frame(a->model), idem_model_about(a->model)->size,
                                  WITNESS_BATCH, &options);
    if (!a->witness)
        idem_training_note(&a->training, "evaluations do not use the second recogniser: %s", idem_error());
}

static int open_trainer(work *a) {
    const idem_train_mapper_options *o = a->o;
    const idem_trainer_setup setup = {
        .run = idem_training_run(&a->training, o->measure ? NULL : o->run, o->resume, o->threads),
        .sources = {.data = o->data,
                    .photographs = o->measure ? NULL : o->photographs,
                    .models = o->models,
                    .progress = idem_training_on_finding,
                    .bad = idem_training_on_left_out},
        .attr = {.net = o->attribute_net,
                 .start = o->attribute_start,
                 .norm = o->attribute_norm,
                 .side = o->attribute_side},
        .trap_nan = o->trap_nan,
        .judge = {a->witness ? describe : NULL, a->witness, IDEM_JUDGE_DIM},
        .on_step = on_step,
        .on_evaluation = on_evaluation};
    return (a->trainer = idem_trainer_new(a->model, &a->recipe, &setup)) ? 0 : -1;
}

/* ---- the two ways to run ---- */

static void tell_start(work *a) {
    const idem_photographs *p = idem_trainer_photographs(a->trainer);
    const idem_run *run = idem_trainer_about(a->trainer);
    const size_t bytes = idem_plan_bytes(idem_trainer_plan(a->trainer, false, true));
    idem_training_start(&a->training, run,
                        &(idem_train_start){.done = run->state->iteration,
                                            .all = a->recipe.iterations,
                                            .photographs = p ? (int64_t)idem_photographs_count(p) : 0,
                                            .held_out = p ? (int64_t)idem_photographs_pairs(p) : 0,
                                            .activation_mb = (double)bytes * 1e-6});
}

/* All kinds of iterations in their proportions. The first one touches new memory and does not count. */
static int take_time(work *a) {
    const int64_t cycle = a->recipe.cross_every * a->recipe.adversarial_every;
    const int64_t n = CYCLES * (cycle < MOST_CYCLE ? cycle : MOST_CYCLE);
    idem_train_report r;
    if (idem_trainer_step(a->trainer, &r))
        return -1;
    for (int64_t i = 0; i < n; i++) {
        if (idem_training_stopped(&a->training))
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        const double start = idem_clock();
        if (idem_trainer_step(a->trainer, &r))
            return -1;
        a->training.result.iterations++;
        a->training.result.stepping += idem_clock() - start;
        idem_training_progress(&a->training, IDEM_TRAIN_MEASURING, i + 1, n);
    }
    return 0;
}

static int train(work *a) {
    if (idem_training_join(&a->training) || load_model(a) || choose_recipe(a))
        return -1;
    if (idem_world_same(a->training.world, "the generator (its digest)", idem_model_about(a->model)->hash))
        return -1;
    const idem_team before = idem_team_enter(a->threads);
    int status = load_frozen(a);
    if (!status && !a->o->measure)
        open_witness(a);
    if (!status)
        status = open_trainer(a);
    if (!status) {
        tell_start(a);
        status = a->o->measure ? take_time(a) : idem_trainer_run(a->trainer);
        if (!status && !a->o->measure)
            idem_training_finish(&a->training, idem_trainer_about(a->trainer)->state->iteration >= a->recipe.iterations,
                                 a->o->run);
    }
    idem_trainer_free(a->trainer);
    idem_witness_free(a->witness);
    idem_team_leave(&before);
    return status;
}

static int check(const idem_train_mapper_options *o) {
    if (idem_struct_check(CALL, o, sizeof *o))
        return -1;
    if (!o->generator)
        return idem_fail("%s: no generator; set options.generator to a StyleGAN2 weight file", CALL);
    if (!o->run && !o->measure)
        return idem_fail("%s: no folder; set options.run, or options.measure to write nothing", CALL);
    if (o->identity_preprocess && !o->identity_net)
        return idem_fail("%s: identity_preprocess is \"%s\" for no identity_net; name the recogniser's file", CALL,
                         o->identity_preprocess);
    if (o->adapt && !o->mapper)
        return idem_fail("%s: adapt needs the mapper to adapt; set options.mapper", CALL);
    return o->mapper && o->attribute_start
               ? idem_fail("%s: the mapper contains its attribute encoder; set either mapper or attribute_start", CALL)
               : 0;
}

int idem_train_mapper(const idem_train_mapper_options *o, idem_train_result *result) {
    work a = {.o = o};
    if (check(o) || idem_training_begin(&a.training, CALL, o->watch, result) ||
        idem_settings_take(CALL, o->settings, &idem_recipe_fields, &a.recipe, a.given))
        return -1;
    const int status = train(&a);
    idem_model_free(a.model);
    return idem_training_end(&a.training, status);
}
