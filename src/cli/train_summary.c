#include "cli/train_summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/field_options.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/shares.h"
#include "cli/train_progress.h"
#include "cli/train_report.h"
#include "idem.h"

typedef struct {
    idem_train_view view; /* first: the watch's `user` is both */
    idem_train_summary_options o;
    const char *recipe_name;
    bool resume, dry_run;
    idem_shared shared;
    idem_field_options fields;
    double batch;
    int64_t all;
    double loss, l_r, l_d, likeness; /* of the last iteration */
    double smooth;                   /* loss */
} train;

static void parse(train *a, int argc, char **argv) {
    const idem_option fixed[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &a->o.generator, .required = true,
         .help = "StyleGAN2 weights, frozen"},
        {IDEM_OPT_TEXT, "output", 'o', "RUN", &a->o.run,
         .help = "folder for checkpoints, mapper.safetensors, metrics.jsonl, training.png, events and samples"},
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &a->o.data, .required = true,
         .help = "folder tree of pictures, with sub-folders for classes or without"},
        {IDEM_OPT_TEXT, "identity-net", 0, "FILE", &a->o.identity_net,
         .help = "F: InceptionResnetV1 (facenet-pytorch's file), or an ONNX recogniser; fr_feature if not given"},
        {IDEM_OPT_TEXT, "identity-preprocess", 0, "NAME", &a->o.identity_preprocess,
         .choices = "fr_feature|insightface|facenet|vggface2", .help = "preprocessing of an ONNX recogniser"},
        {IDEM_OPT_FLAG, "resume", 'r', NULL, &a->resume,
         .help = "continue the run in RUN bit for bit, with the run's options; start it if there is none"},
        {IDEM_OPT_FLAG, "dry-run", 'n', NULL, &a->dry_run,
         .help = "time a few iterations, print memory, rate and hours of all iterations, write nothing"},
        IDEM_TIME_LIMIT(&a->view.time_limit),
        {IDEM_OPT_TEXT, "models", 0, "DIR", &a->o.models, .help = "folder of the downloaded networks"},
        {IDEM_OPT_HEADER, .help = "The recipe"},
        {IDEM_OPT_TEXT, "recipe", 0, "NAME", &a->recipe_name, .choices = "paper|summary",
         .help = "this one is summary"},
    };
    idem_option options[sizeof fixed / sizeof fixed[0] + IDEM_SETTINGS_MOST + 1] = {0};
    memcpy(options, fixed, sizeof fixed);
    idem_field_options_add(&a->fields, "summary", options, sizeof fixed / sizeof fixed[0]);
    const idem_command_line line = {
        .about = "The pseudo code of a summary of the paper, for comparison: M makes codes z of whole pictures, which "
                 "a frozen generator paints; losses on pixels and on the features of a recogniser. It separates "
                 "nothing (see docs/recipes.md), and `idem compose` cannot use its mapper.",
        .examples = "  idem train --recipe summary -g generator.safetensors -d portraits -o out/summary \\\n"
                    "      --identity-net 20180402-114759-vggface2.pt",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

static void words(void *command, const idem_train_progress *p, char *text, size_t size) {
    train *a = command;
    a->loss = idem_train_number(p->figure, p->figures, "loss");
    a->l_r = idem_train_number(p->figure, p->figures, "l_r");
    a->l_d = idem_train_number(p->figure, p->figures, "l_d");
    a->likeness = idem_train_number(p->figure, p->figures, "likeness");
    if (!p->skipped)
        idem_train_smooth(&a->smooth, a->loss);
    snprintf(text, size, "loss %.5f, likeness %.3f", a->smooth, a->likeness);
}

static void started(void *user, const idem_train_start *s) {
    train *a = user;
    char seed[IDEM_SETTING_TEXT] = "";
    a->batch = idem_setting_number(s->settings, "batch");
    a->all = s->all;
    if (a->dry_run)
        return;
    if (a->resume && !s->resumed && !a->shared.quiet)
        idem_cli_say("%s holds no checkpoint: the run begins, with the options of this command", a->o.run);
    if (!a->shared.quiet && !idem_settings_get(s->settings, "seed", seed))
        idem_cli_say("seed %s, batch %.0f, rate %g, %" PRId64 " iterations, %.0f MB of activations, %d threads", seed,
                     a->batch, idem_setting_number(s->settings, "rate"), s->all, s->activation_mb, s->threads);
    idem_train_view_start(&a->view, s);
}

static int print_measured(const train *a, const idem_train_result *r) {
    const double each = r->stepping / (double)r->iterations, hours = each * (double)a->all / 3600;
    if (a->shared.json)
        return idem_train_print(json_pack("{s:f, s:f, s:f, s:I, s:f}", "plan_mb", r->activation_mb,
                                          "seconds_per_iteration", each, "pictures_per_second", a->batch / each,
                                          "iterations", (json_int_t)a->all, "hours", hours));
    printf("activations     %8.1f MB (one planned buffer)\n"
           "an iteration    %8.3f s (%" PRId64 " measured)\n"
           "pictures        %8.2f per second\n"
           "all of them     %8.2f hours for %" PRId64 " iterations\n",
           r->activation_mb, each, r->iterations, a->batch / each, hours, a->all);
    return 0;
}

static int run(train *a) {
    int refused;
    if (!idem_shares_alone("the recipe summary is trained by one process", &refused))
        return refused;
    idem_train_result result = {.struct_size = sizeof result};
    a->view.quiet = a->shared.quiet;
    a->view.unit = "it";
    a->view.left_out = "passed over";
    a->view.words = words;
    idem_train_view_begin(&a->view);
    a->view.watch.started = started;
    a->o.watch = &a->view.watch;
    a->o.settings = a->fields.settings;
    a->o.resume = a->resume;
    a->o.measure = a->dry_run;
    a->o.threads = a->shared.threads;
    if (idem_train_summary(&a->o, &result))
        return idem_cli_failed();
    if (!a->dry_run)
        idem_progress_finish();
    const int code = a->dry_run ? print_measured(a, &result)
                     : a->shared.json
                         ? idem_train_print(json_pack("{s:b, s:I, s:f, s:f, s:f, s:f}", "finished", result.finished,
                                                      "iteration", (json_int_t)result.iteration, "loss", a->loss, "l_r",
                                                      a->l_r, "l_d", a->l_d, "likeness", a->likeness))
                         : 0;
    if (code || !result.left_out)
        return code;
    idem_cli_say("idem: %" PRId64 " picture%s of %s could not be read; the others are trained on", result.left_out,
                 result.left_out == 1 ? "" : "s", a->o.data);
    return 1;
}

int idem_cmd_train_summary(int argc, char **argv) {
    train a = {.shared = IDEM_SHARED_DEFAULTS, .recipe_name = "summary"};
    idem_train_summary_options_default(&a.o);
    parse(&a, argc, argv);
    int code;
    if (idem_field_options_apply(&a.fields))
        code = idem_cli_failed();
    else if (!a.o.run && !a.dry_run)
        code = idem_cli_usage("--output is missing: name a folder for the run, or ask for --dry-run");
    else if (a.o.identity_preprocess && !a.o.identity_net)
        code = idem_cli_usage("--identity-preprocess needs --identity-net");
    else
        code = run(&a);
    idem_field_options_free(&a.fields);
    return code;
}
