/* Training by the recipe "summary" through the public library. */
#include "api/training.h"
#include "base/clock.h"
#include "engine/threads.h"
#include "train/run_folder.h"
#include "train/summary/trainer.h"

enum { MEASURED = 3 };

static const char CALL[] = "idem_train_summary";

typedef struct {
    idem_training training; /* first: the trainer's `user` is both */
    const idem_train_summary_options *o;
    idem_model *model;
    idem_summary_trainer *trainer;
    idem_summary_recipe recipe;
    bool given[IDEM_FIELDS_MOST]; /* by field of the recipe */
} work;

static void on_step(void *user, const idem_summary_report *r) {
    work *a = user;
    const idem_train_figure losses[] = {
        idem_training_number("loss", r->loss),         idem_training_number("l_r", r->l_r),
        idem_training_number("l_d", r->l_d),           idem_training_number("pixels", r->pixels),
        idem_training_number("features", r->features), idem_training_number("likeness", r->likeness)};
    idem_training_step(&a->training, &(idem_train_progress){.done = r->iteration,
                                                            .all = a->recipe.iterations,
                                                            .iteration = r->iteration,
                                                            .skipped = r->skipped,
                                                            .figure = losses,
                                                            .figures = sizeof losses / sizeof *losses});
}

static int load(work *a) {
    const idem_train_summary_options *o = a->o;
    idem_summary_recipe saved;
    if (!(a->model = idem_model_open(o->generator)) || (!o->measure && idem_run_folder_look(o->run, o->resume)) ||
        (o->identity_net && idem_model_choose_recogniser(a->model, o->identity_net, o->identity_preprocess)))
        return -1;
    if (o->resume && !o->measure) {
        const int found = idem_summary_saved_recipe(o->run, a->model, &saved);
        if (found < 0 || (found && idem_fields_merge(&idem_summary_fields, &a->recipe, &saved, a->given)))
            return -1;
    }
    return idem_model_load_recogniser(a->model, o->models);
}

static int open_trainer(work *a) {
    const idem_train_summary_options *o = a->o;
    const idem_summary_setup setup = {
        .run = idem_training_run(&a->training, o->measure ? NULL : o->run, o->resume, o->threads),
        .data = o->data,
        .on_step = on_step,
        .on_bad = idem_training_on_left_out};
    return (a->trainer = idem_summary_trainer_new(a->model, &a->recipe, &setup)) ? 0 : -1;
}

static void tell_start(work *a) {
    const idem_run *run = idem_summary_trainer_about(a->trainer);
    idem_training_start(&a->training, run,
                        &(idem_train_start){.done = run->state->iteration,
                                            .all = a->recipe.iterations,
                                            .activation_mb = (double)idem_summary_trainer_bytes(a->trainer) * 1e-6});
}

/* The first one touches new memory and does not count. */
static int take_time(work *a) {
    idem_summary_report r;
    if (idem_summary_trainer_step(a->trainer, &r))
        return -1;
    for (int i = 0; i < MEASURED; i++) {
        const double start = idem_clock();
        if (idem_summary_trainer_step(a->trainer, &r))
            return -1;
        a->training.result.iterations++;
        a->training.result.stepping += idem_clock() - start;
        idem_training_progress(&a->training, IDEM_TRAIN_MEASURING, i + 1, MEASURED);
    }
    return 0;
}

static int train(work *a) {
    const idem_team before = idem_team_enter(a->o->threads);
    int status = load(a) || open_trainer(a) ? -1 : 0;
    if (!status) {
        tell_start(a);
        status = a->o->measure ? take_time(a) : idem_summary_trainer_run(a->trainer);
        if (!status && !a->o->measure) {
            idem_training_draw(&a->training, a->o->run);
            idem_training_finish(&a->training,
                                 idem_summary_trainer_about(a->trainer)->state->iteration >= a->recipe.iterations,
                                 a->o->run);
        }
    }
    idem_summary_trainer_free(a->trainer);
    idem_model_free(a->model);
    idem_team_leave(&before);
    return status;
}

static int check(const idem_train_summary_options *o) {
    if (idem_struct_check(CALL, o, sizeof *o))
        return -1;
    if (!o->generator)
        return idem_fail("%s: no generator; set options.generator to a StyleGAN2 weight file", CALL);
    if (!o->data)
        return idem_fail("%s: no pictures; set options.data to a folder of them", CALL);
    if (!o->run && !o->measure)
        return idem_fail("%s: no folder; set options.run, or options.measure to write nothing", CALL);
    return o->identity_preprocess && !o->identity_net
               ? idem_fail("%s: identity_preprocess is \"%s\" for no identity_net; name the recogniser's file", CALL,
                           o->identity_preprocess)
               : 0;
}

int idem_train_summary(const idem_train_summary_options *o, idem_train_result *result) {
    work a = {.o = o};
    if (check(o) || idem_training_begin(&a.training, CALL, o->watch, result) ||
        idem_settings_take(CALL, o->settings, &idem_summary_fields, &a.recipe, a.given))
        return -1;
    return idem_training_end(&a.training, train(&a));
}
