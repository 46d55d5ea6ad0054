/* idem train-generator: a StyleGAN2 from a folder of pictures. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/field_options.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "engine/op.h"
#include "train/gan/trainer.h"
#include "train/run_folder.h"
#include "media/format.h"

enum { MAX_OPTIONS = 48 };

typedef struct {
    const char *data, *output, *start;
    bool resume;
    idem_shared shared;
    idem_gan_recipe recipe;
    bool given[MAX_OPTIONS];     /* by field of the recipe */
    double d_loss, g_loss, sign; /* smoothed */
    int bad;                     /* pictures */
} train;

static void parse(train *a, int argc, char **argv) {
    const idem_option fixed[] = {
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &a->data, .required = true,
         .help =
             "folder tree of pictures (" IDEM_FORMATS "); their middle squares are used, those that cannot be read are "
             "named and left out"},
        {IDEM_OPT_TEXT, "output", 'o', "RUN", &a->output, .required = true,
         .help =
             "folder for checkpoints, generator.safetensors, metrics.jsonl, events, samples and the cache of the data"},
        {IDEM_OPT_FLAG, "resume", 'r', NULL, &a->resume,
         .help = "continue the run in RUN bit for bit, with its own options; start it if there is none"},
        {IDEM_OPT_TEXT, "start", 0, "FILE", &a->start,
         .help = "take the generator's weights from this one, of the same or a lower resolution, with as many channels "
                 "or fewer; from a checkpoint of another run, the discriminator's too. What is new has no effect at "
                 "first"},
        {IDEM_OPT_HEADER, .help = "The recipe"},
    };
    idem_option options[MAX_OPTIONS] = {0};
    memcpy(options, fixed, sizeof fixed);
    idem_field_options(options, sizeof fixed / sizeof fixed[0], &idem_gan_fields, &a->recipe, a->given);
    const idem_command_line line = {
        .about =
            "Trains a StyleGAN2 generator: style mixing, residual discriminator, non-saturating loss, lazy R1, a "
            "moving "
            "average of the weights, augmentation that adapts to the data. All options are stored in the checkpoints. "
            "Ctrl-C saves a checkpoint; --resume continues as if nothing had happened.",
        .examples = "  idem train-generator -d portraits -o out/gen --size 64\n"
                    "  idem train-generator -d portraits -o out/gen --resume\n"
                    "  idem train-generator -d portraits -o out/gen128 --size 128 \\\n"
                    "      --start out/gen/checkpoint-0000062500.safetensors",
        .options = options,
        .shared = IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

static void smooth(double *mean, double value) {
    if (isfinite(value))
        *mean = *mean == 0 ? value : 0.95 * *mean + 0.05 * value;
}

static void on_step(void *user, const idem_gan_report *r) {
    train *a = user;
    smooth(&a->d_loss, r->d_loss);
    smooth(&a->g_loss, r->g_loss);
    smooth(&a->sign, r->sign);
    idem_progress_update((uint64_t)r->pictures, "D %.3f, G %.3f, sign rate %.2f, augmentation %.2f", a->d_loss,
                         a->g_loss, a->sign, r->strength);
}

static void on_cache(void *user, size_t done, size_t count) {
    const train *a = user;
    if (done == 1)
        idem_progress_start("reading", "pictures", count, 0, a->shared.quiet);
    idem_progress_update(done, NULL);
    if (done == count)
        idem_progress_finish();
}

static void on_bad(void *user, const char *why) {
    train *a = user;
    idem_cli_say("idem: passed over: %s", why);
    a->bad++;
}

static void on_note(void *user, const char *line) {
    const train *a = user;
    if (!a->shared.quiet)
        idem_cli_say("%s", line);
}

static int run(train *a) {
    idem_gan_recipe saved;
    if (idem_run_folder_look(a->output, a->resume))
        return idem_cli_failed();
    const int found = a->resume ? idem_gan_saved_recipe(a->output, &saved) : 0;
    if (found < 0 || (found && idem_fields_merge(&idem_gan_fields, &a->recipe, &saved, a->given)))
        return idem_cli_failed();
    if (a->resume && !found && !a->shared.quiet)
        idem_cli_say("%s holds no checkpoint: the run begins, with the options of this command", a->output);
    const idem_gan_setup setup = {.run = a->output,
                                  .data = a->data,
                                  .start = a->start,
                                  .resume = a->resume,
                                  .threads = a->shared.threads,
                                  .stop = &idem_cli_stop,
                                  .on_cache = on_cache,
                                  .on_bad = on_bad,
                                  .on_step = on_step,
                                  .on_note = on_note,
                                  .user = a};
    idem_gan_trainer *t = idem_gan_trainer_new(&a->recipe, &setup);
    if (!t)
        return idem_cli_failed();
    if (!a->shared.quiet)
        idem_cli_say("seed %" PRIu64 ", %zu pictures of %" PRId64 " px, batch %" PRId64 ", rate %g, %.0f MB of "
                     "activations, %d threads",
                     a->recipe.seed, idem_gan_trainer_count(t), a->recipe.size, a->recipe.batch, a->recipe.rate,
                     (double)idem_gan_trainer_bytes(t) * 1e-6, idem_threads());
    idem_progress_start("training", "pictures", (uint64_t)a->recipe.pictures, (uint64_t)idem_gan_trainer_shown(t),
                        a->shared.quiet);
    int status = idem_gan_trainer_run(t);
    if (!status)
        idem_progress_finish();
    if (!status && a->bad)
        status =
            idem_fail("%d pictures of %s could not be read; the generator is trained on the others", a->bad, a->data);
    const int code = status ? idem_cli_failed() : 0;
    idem_gan_trainer_free(t);
    return code;
}

int idem_cmd_train_generator(int argc, char **argv) {
    train a = {.shared = IDEM_SHARED_DEFAULTS};
    idem_gan_defaults(&a.recipe);
    parse(&a, argc, argv);
    if (a.start && idem_overwrite_folder(a.output, &a.start, 1, "@(generator|checkpoint-*).safetensors"))
        return 2;
    return run(&a);
}
