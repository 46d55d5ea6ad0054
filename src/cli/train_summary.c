#include "cli/train_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/field_options.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "engine/op.h"
#include "face/recogniser.h"
#include "train/curves.h"
#include "train/run_folder.h"
#include "train/summary/trainer.h"

enum { MAX_OPTIONS = 32, MEASURED = 3 };

typedef struct {
    const char *generator, *data, *output, *identity_net, *preprocess, *models, *recipe_name;
    bool resume, dry_run;
    idem_shared shared;
    idem_summary_recipe recipe;
    bool given[MAX_OPTIONS]; /* by field of the recipe */
    idem_summary_report last;
    double smooth; /* loss */
    int bad;       /* pictures that cannot be read */
} train;

static void parse(train *a, int argc, char **argv) {
    const idem_option fixed[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &a->generator, .required = true, .help = "StyleGAN2 weights, frozen"},
        {IDEM_OPT_TEXT, "output", 'o', "RUN", &a->output,
         .help = "folder for checkpoints, mapper.safetensors, metrics.jsonl, training.png, events and samples"},
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &a->data, .required = true,
         .help = "folder tree of pictures, with sub-folders for classes or without"},
        {IDEM_OPT_TEXT, "identity-net", 0, "FILE", &a->identity_net,
         .help = "F: InceptionResnetV1 (facenet-pytorch's file), or an ONNX recogniser; fr_feature if not given"},
        {IDEM_OPT_TEXT, "identity-preprocess", 0, "NAME", &a->preprocess, .choices = IDEM_PREPROCESS_CHOICES,
         .help = "range an ONNX recogniser wants"},
        {IDEM_OPT_FLAG, "resume", 'r', NULL, &a->resume,
         .help = "continue the run in RUN bit for bit, with its own options; start it if there is none"},
        {IDEM_OPT_FLAG, "dry-run", 'n', NULL, &a->dry_run,
         .help = "measure a few iterations, print memory, rate and hours of all of them, write nothing"},
        {IDEM_OPT_TEXT, "models", 0, "DIR", &a->models, .help = "folder of the downloaded networks"},
        {IDEM_OPT_HEADER, .help = "The recipe"},
        {IDEM_OPT_TEXT, "recipe", 0, "NAME", &a->recipe_name, .choices = "paper|summary",
         .help = "this one is summary"},
    };
    idem_option options[MAX_OPTIONS] = {0};
    memcpy(options, fixed, sizeof fixed);
    idem_field_options(options, sizeof fixed / sizeof fixed[0], &idem_summary_fields, &a->recipe, a->given);
    const idem_command_line line = {
        .about =
            "The pseudo code of a summary of the paper, kept for comparison: M makes codes z of whole pictures, which "
            "a "
            "frozen generator paints; losses on pixels and on the features of a recogniser. It separates nothing (see "
            "docs/recipes.md), and its mapper is none for `idem compose`.",
        .examples = "  idem train --recipe summary -g generator.safetensors -d portraits -o out/summary \\\n"
                    "      --identity-net 20180402-114759-vggface2.pt",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

static void on_step(void *user, const idem_summary_report *r) {
    train *a = user;
    a->last = *r;
    if (!r->skipped)
        a->smooth = a->smooth > 0 ? 0.95 * a->smooth + 0.05 * r->loss : r->loss;
    idem_progress_update((uint64_t)r->iteration, "loss %.5f, likeness %.3f", a->smooth, r->likeness);
}

static void on_bad(void *user, const char *why) {
    train *a = user;
    idem_cli_say("idem: passed over: %s", why);
    a->bad++;
}

static int print_json(json_t *root) {
    const int status = root && !json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9))
                           ? 0
                           : idem_fail("cannot print the report");
    putchar('\n');
    json_decref(root);
    return status;
}

static int dry_run(train *a, idem_summary_trainer *t) {
    idem_summary_report r;
    double seconds = 0;
    for (int i = -1; i < MEASURED; i++) { /* the first touches fresh memory and does not count */
        const double start = idem_clock();
        if (idem_summary_trainer_step(t, &r))
            return -1;
        seconds += i < 0 ? 0 : idem_clock() - start;
    }
    const double each = seconds / MEASURED, plan = (double)idem_summary_trainer_bytes(t) * 1e-6,
                 hours = each * (double)a->recipe.iterations / 3600;
    if (a->shared.json)
        return print_json(json_pack("{s:f, s:f, s:f, s:I, s:f}", "plan_mb", plan, "seconds_per_iteration", each,
                                    "pictures_per_second", (double)a->recipe.batch / each, "iterations",
                                    (json_int_t)a->recipe.iterations, "hours", hours));
    printf("activations     %8.1f MB (one planned buffer)\n"
           "an iteration    %8.3f s (%d measured)\n"
           "pictures        %8.2f per second\n"
           "all of them     %8.2f hours for %" PRId64 " iterations\n",
           plan, each, MEASURED, (double)a->recipe.batch / each, hours, a->recipe.iterations);
    return 0;
}

static int full_run(train *a, idem_summary_trainer *t) {
    if (!a->shared.quiet)
        idem_cli_say("seed %" PRIu64 ", batch %" PRId64 ", rate %g, %" PRId64 " iterations, %.0f MB of activations, %d "
                     "threads",
                     a->recipe.seed, a->recipe.batch, a->recipe.rate, a->recipe.iterations,
                     (double)idem_summary_trainer_bytes(t) * 1e-6, idem_threads());
    idem_progress_start("training", "it", (uint64_t)a->recipe.iterations, (uint64_t)idem_summary_trainer_iteration(t),
                        a->shared.quiet);
    const int status = idem_summary_trainer_run(t);
    char *png = idem_path_join(a->output, "training.png");
    if (!status && (!png || idem_curves_draw(a->output, png)))
        idem_cli_say("idem: no training.png: %s", idem_error());
    free(png);
    if (status) {
        idem_progress_clear();
        return -1;
    }
    idem_progress_finish();
    const idem_summary_report *r = &a->last;
    return a->shared.json ? print_json(json_pack("{s:I, s:f, s:f, s:f, s:f}", "iteration",
                                                 (json_int_t)idem_summary_trainer_iteration(t), "loss", r->loss, "l_r",
                                                 r->l_r, "l_d", r->l_d, "likeness", r->likeness))
                          : 0;
}

static int run(train *a) {
    idem_model *m = idem_model_open(a->generator);
    idem_summary_trainer *t = NULL;
    idem_summary_recipe saved;
    int status = m ? 0 : -1;
    if (!status && !a->dry_run)
        status = idem_run_folder_look(a->output, a->resume);
    if (!status && a->identity_net)
        status = idem_model_choose_recogniser(m, a->identity_net, a->preprocess);
    if (!status && a->resume && a->output) {
        const int found = idem_summary_saved_recipe(a->output, m, &saved);
        status = found < 0 || (found && idem_fields_merge(&idem_summary_fields, &a->recipe, &saved, a->given)) ? -1 : 0;
        if (!found && !a->shared.quiet)
            idem_cli_say("%s holds no checkpoint: the run begins, with the options of this command", a->output);
    }
    if (!status)
        status = idem_model_load_recogniser(m, a->models);
    if (!status) {
        const idem_summary_setup setup = {.run = a->dry_run ? NULL : a->output,
                                          .data = a->data,
                                          .resume = a->resume,
                                          .threads = a->shared.threads,
                                          .stop = &idem_cli_stop,
                                          .on_step = on_step,
                                          .on_bad = on_bad,
                                          .user = a};
        t = idem_summary_trainer_new(m, &a->recipe, &setup);
        status = !t ? -1 : a->dry_run ? dry_run(a, t) : full_run(a, t);
        if (!status && a->bad)
            status = idem_fail("%d pictures of %s could not be read; the others are trained on", a->bad, a->data);
    }
    const int code = status ? idem_cli_failed() : 0;
    idem_summary_trainer_free(t);
    idem_model_free(m);
    return code;
}

int idem_train_summary(int argc, char **argv) {
    train a = {.shared = IDEM_SHARED_DEFAULTS, .recipe_name = "summary"};
    idem_summary_defaults(&a.recipe);
    parse(&a, argc, argv);
    if (!a.output && !a.dry_run)
        return idem_cli_usage("--output is missing: name a folder for the run, or ask for --dry-run");
    if (a.preprocess && !a.identity_net)
        return idem_cli_usage("--identity-preprocess belongs to --identity-net");
    return run(&a);
}
