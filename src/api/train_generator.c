/* Training of a generator through the public library. */
#include <stdlib.h>

#include "api/training.h"
#include "engine/threads.h"
#include "train/gan/trainer.h"
#include "train/run_folder.h"

static const char CALL[] = "idem_train_generator";

typedef struct {
    idem_training training; /* first: the trainer's `user` is both */
    const idem_train_generator_options *o;
    idem_gan_trainer *trainer;
    idem_gan_recipe recipe;
    bool given[IDEM_FIELDS_MOST]; /* by field of the recipe */
} work;

static void on_step(void *user, const idem_gan_report *r) {
    work *a = user;
    const idem_train_figure losses[] = {
        idem_training_number("d_loss", r->d_loss),   idem_training_number("g_loss", r->g_loss),
        idem_training_number("r1", r->r1),           idem_training_number("path_length", r->path),
        idem_training_number("sign", r->sign),       idem_training_number("heads_loss", r->heads),
        idem_training_number("rebuilt", r->rebuilt), idem_training_number("strength", r->strength)};
    idem_training_step(&a->training, &(idem_train_progress){.done = r->pictures,
                                                            .all = a->recipe.pictures,
                                                            .iteration = r->iteration,
                                                            .skipped = r->skipped,
                                                            .figure = losses,
                                                            .figures = sizeof losses / sizeof *losses});
}

/* A setting without effect, because the one that it depends on is 0, is a mistake unless it is the default. */
static int check_given(const idem_gan_recipe *r, const bool *given) {
    static const char *const needs[][4] = {{"rebuild-first", "rebuild"},
                                           {"rebuild-rate", "rebuild-first"},
                                           {"rebuild-mapping", "rebuild"},
                                           {"rebuild-features", "rebuild"},
                                           {"rebuild-edges", "rebuild"},
                                           {"rebuild-batch", "rebuild"},
                                           {"rebuild-steps", "rebuild"},
                                           {"path-every", "path-length"},
                                           {"features-batch", "features", "features-mobilenet"},
                                           {"features-blur", "features", "features-mobilenet"},
                                           {"features-shift", "features", "features-mobilenet", "rebuild-features"},
                                           {"distance-pictures", "distance-every"}};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        char text[IDEM_FIELD_TEXT];
        const idem_field *f = idem_fields_find(&idem_gan_fields, needs[i][0]);
        const double value = strtod(idem_field_get(f, r, text), NULL);
        bool used = false;
        for (int k = 1; k < 4 && needs[i][k]; k++)
            used |= strtod(idem_field_get(idem_fields_find(&idem_gan_fields, needs[i][k]), r, text), NULL) != 0;
        if (given[f - idem_gan_fields.row] && value != strtod(f->preset, NULL) && !used)
            return idem_fail("settings.%s is %g, but has no effect without settings.%s, which is 0", needs[i][0], value,
                             needs[i][1]);
    }
    return 0;
}

/* Of the heads. */
static int compare_networks(const work *a) {
    static const char *const networks[] = {"fr_pose.onnx", "mobilenet_v2.shard1.min.js"};
    return (a->recipe.features > 0 && idem_training_same_networks(a->training.world, NULL, &networks[0], 1)) ||
                   (a->recipe.features_mobilenet > 0 &&
                    idem_training_same_networks(a->training.world, NULL, &networks[1], 1))
               ? -1
               : 0;
}

static int open_trainer(work *a) {
    const idem_train_generator_options *o = a->o;
    const idem_gan_setup setup = {.run = idem_training_run(&a->training, o->run, o->resume, o->threads),
                                  .sources = {.data = o->data,
                                              .start = o->start,
                                              .mapper = o->mapper,
                                              .reading = idem_training_on_reading,
                                              .encoding = idem_training_on_encoding,
                                              .bad = idem_training_on_left_out},
                                  .on_step = on_step,
                                  .on_note = idem_training_on_note};
    idem_gan_recipe saved;
    if (!idem_world_rank(a->training.world) && idem_run_folder_look(o->run, o->resume))
        return -1;
    const int found = o->resume ? idem_gan_saved_recipe(o->run, &saved) : 0;
    if (found < 0 || (found && idem_fields_merge(&idem_gan_fields, &a->recipe, &saved, a->given)))
        return -1;
    return !check_given(&a->recipe, a->given) && !compare_networks(a) &&
                   (a->trainer = idem_gan_trainer_new(&a->recipe, &setup))
               ? 0
               : -1;
}

static void tell_start(work *a) {
    const idem_run *run = idem_gan_trainer_about(a->trainer);
    idem_training_start(&a->training, run,
                        &(idem_train_start){.done = run->state->shown,
                                            .all = a->recipe.pictures,
                                            .activation_mb = (double)idem_gan_trainer_bytes(a->trainer) * 1e-6});
}

static int train(work *a) {
    if (idem_training_join(&a->training))
        return -1;
    const idem_team before = idem_team_enter(a->o->threads);
    int status = open_trainer(a);
    if (!status) {
        tell_start(a);
        status = idem_gan_trainer_run(a->trainer);
        if (!status)
            idem_training_finish(&a->training, idem_gan_trainer_about(a->trainer)->state->shown >= a->recipe.pictures,
                                 a->o->run);
    }
    idem_gan_trainer_free(a->trainer);
    idem_team_leave(&before);
    return status;
}

int idem_train_generator(const idem_train_generator_options *o, idem_train_result *result) {
    work a = {.o = o};
    if (idem_struct_check(CALL, o, sizeof *o))
        return -1;
    if (!o->run || !o->data)
        return idem_fail("%s: no %s; set options.%s to a folder", CALL, o->data ? "run" : "data",
                         o->data ? "run" : "data");
    if (idem_training_begin(&a.training, CALL, o->watch, result) ||
        idem_settings_take(CALL, o->settings, &idem_gan_fields, &a.recipe, a.given))
        return -1;
    return idem_training_end(&a.training, train(&a));
}
