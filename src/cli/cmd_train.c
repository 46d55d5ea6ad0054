/* idem train: the mapper of a frozen generator. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/field_options.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/train_progress.h"
#include "cli/train_report.h"
#include "cli/train_summary.h"
#include "idem.h"

typedef struct {
    idem_train_view view; /* first: the watch's `user` is both */
    idem_train_mapper_options o;
    const char *recipe_name;
    bool resume, dry_run, trap_nan, adapt;
    const char *attr_net; /* a name, or a file */
    idem_shared shared;
    idem_field_options fields;
    idem_training_report report;
    idem_train_result result;
    double smooth; /* identity loss */
} train;

static void parse(train *a, int argc, char **argv) {
    const idem_option fixed[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &a->o.generator, .required = true,
         .help = "StyleGAN2 weights, frozen"},
        {IDEM_OPT_TEXT, "output", 'o', "RUN", &a->o.run,
         .help = "folder for checkpoints, mapper.safetensors, metrics.jsonl, training.png, events and samples"},
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &a->o.data,
         .help = "pictures and codes made by `idem sample`; without it pairs are drawn on the fly"},
        {IDEM_OPT_TEXT, "photographs", 0, "DIR", &a->o.photographs,
         .help = "folder tree of photographs or aligned faces; the largest face of each is used; --photograph-share is "
                 "their share of the pictures. Also needed with --resume. Some are held out and measured. Ignored by "
                 "--dry-run"},
        {IDEM_OPT_FLAG, "resume", 'r', NULL, &a->resume,
         .help = "continue the run in RUN bit for bit, with the run's options; start it if there is none"},
        {IDEM_OPT_FLAG, "dry-run", 'n', NULL, &a->dry_run,
         .help = "time a few iterations, print memory, rate and hours of the whole schedule, write nothing"},
        IDEM_TIME_LIMIT(&a->view.time_limit),
        {IDEM_OPT_TEXT, "mapper", 'm', "FILE", &a->o.mapper,
         .help = "start from this mapper instead of random weights"},
        {IDEM_OPT_FLAG, "adapt", 0, NULL, &a->adapt,
         .help = "the mapper of -m may be another generator's; --attr-side: the side of that generator's pictures"},
        {IDEM_OPT_TEXT, "attr-net", 0, "NAME|FILE", &a->attr_net,
         .help = "E_attr: resnet18, resnet50, inception3, or a file as with --attr-start; resnet18 if not given"},
        {IDEM_OPT_TEXT, "attr-start", 0, "FILE", &a->o.attribute_start,
         .help = "start E_attr from a ResNet or InceptionV3 trained on ImageNet (torchvision's file) instead of random "
                 "weights"},
        {IDEM_OPT_TEXT, "attr-norm", 0, "KIND", &a->o.attribute_norm, .choices = "frozen|running",
         .help =
             "statistics of E_attr's batch norms: frozen as stored, or the batch's with running averages; frozen for "
             "an InceptionV3 from a file, else running, if not given"},
        {IDEM_OPT_INT, "attr-side", 0, "S", &a->o.attribute_side, .min = 0, .max = 4096,
         .help = "pictures are averaged to S x S for E_attr; S must divide their side; 0: unchanged, or as in the "
                 "mapper of -m"},
        {IDEM_OPT_TEXT, "identity-net", 0, "FILE", &a->o.identity_net,
         .help = "recogniser for E_id: InceptionResnetV1 (facenet-pytorch's file) or ONNX; fr_feature if not given. "
                 "Its name is stored in the mapper"},
        {IDEM_OPT_TEXT, "identity-preprocess", 0, "NAME", &a->o.identity_preprocess,
         .choices = "fr_feature|insightface|facenet|vggface2", .help = "its preprocessing; required for ONNX"},
        {IDEM_OPT_TEXT, "models", 0, "DIR", &a->o.models, .help = "folder of the downloaded networks"},
        {IDEM_OPT_FLAG, "trap-nan", 0, NULL, &a->trap_nan,
         .help = "stop at the first node with a number that is not finite"},
        {IDEM_OPT_HEADER, .help = "The recipe"},
        {IDEM_OPT_TEXT, "recipe", 0, "NAME", &a->recipe_name, .choices = "paper|summary",
         .help =
             "paper: identity, landmark, reconstruction and adversarial losses, three Adams; summary: the pseudo code "
             "of a summary of the paper, for comparison, with other options: `idem train --recipe summary --help`"},
    };
    idem_option options[sizeof fixed / sizeof fixed[0] + IDEM_SETTINGS_MOST + 1] = {0};
    memcpy(options, fixed, sizeof fixed);
    idem_field_options_add(&a->fields, "paper", options, sizeof fixed / sizeof fixed[0]);
    const idem_command_line line = {
        .about = "Trains the attribute encoder and the mapper of a frozen generator: identity from one picture, "
                 "everything else from another. Every weight and rate of the recipe is an option with the published "
                 "default; all are stored in the checkpoints. Ctrl-C saves a checkpoint; --resume continues with the "
                 "same results as an uninterrupted run.",
        .examples =
            "  idem train -g models/generator-128.safetensors -o out/run --batch 16 --rate 5e-4 --truncation 0.9 \\\n"
            "      --iterations 4000 --mean-bias\n"
            "  idem train -g models/generator-128.safetensors -o out/run --resume\n"
            "  idem train -g models/generator-128.safetensors --dry-run --batch 16",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

/* ---- reports ---- */

static void words(void *command, const idem_train_progress *p, char *text, size_t size) {
    train *a = command;
    if (!p->skipped)
        idem_train_smooth(&a->smooth, idem_train_number(p->figure, p->figures, "l_id"));
    snprintf(text, size, "identity loss %.5f", a->smooth);
}

static void started(void *user, const idem_train_start *s) {
    train *a = user;
    const idem_settings *r = s->settings;
    char seed[IDEM_SETTING_TEXT] = "";
    a->report.batch = idem_setting_number(r, "batch");
    a->report.all = s->all;
    if (a->dry_run)
        return;
    if (a->resume && !s->resumed && !a->shared.quiet)
        idem_cli_say("%s holds no checkpoint: the run begins, with the options of this command", a->o.run);
    if (!a->shared.quiet && !idem_settings_get(r, "seed", seed))
        idem_cli_say("seed %s, batch %.0f, rate %g, %" PRId64 " iterations, %.0f MB of activations, %d threads", seed,
                     a->report.batch, idem_setting_number(r, "rate"), s->all, s->activation_mb, s->threads);
    if (s->photographs && !a->shared.quiet)
        idem_cli_say("%" PRId64 " photographs, %g of the pictures; %" PRId64 " pairs more are held out", s->photographs,
                     idem_setting_number(r, "photograph-share"), s->held_out);
    idem_train_view_start(&a->view, s);
}

static void say_scores(const char *start, const idem_train_evaluation *e, const char *of) {
    char judge[64] = "", nme[32] = "-";
    const double judge_kept = idem_train_score(e, of, "judge_id_kept");
    if (!isnan(judge_kept))
        snprintf(judge, sizeof judge, " (judge %.3f, %.3f)", judge_kept, idem_train_score(e, of, "judge_attr_leak"));
    if (!isnan(idem_train_score(e, of, "nme")))
        snprintf(nme, sizeof nme, "%.4f", idem_train_score(e, of, "nme"));
    idem_cli_say("%s  id_kept, attr_leak %.3f, %.3f%s  NME %s  PSNR of the same face %.2f dB", start,
                 idem_train_score(e, of, "id_kept"), idem_train_score(e, of, "attr_leak"), judge, nme,
                 idem_train_score(e, of, "psnr_same_face"));
}

static void evaluated(void *user, const idem_train_evaluation *e) {
    train *a = user;
    idem_training_report_keep(&a->report, e);
    if (a->shared.quiet)
        return;
    char start[32];
    snprintf(start, sizeof start, "%7" PRId64, e->iteration);
    say_scores(start, e, "");
    if (!isnan(idem_train_score(e, "photo_", "pairs")))
        say_scores(" photos", e, "photo_");
}

/* ---- running ---- */

static int print_measured(const train *a, const idem_train_result *r) {
    const double each = r->stepping / (double)r->iterations, hours = each * (double)a->report.all / 3600;
    if (a->shared.json)
        return idem_train_print(json_pack("{s:f, s:f, s:f, s:f, s:I, s:f}", "plan_mb", r->activation_mb, "state_mb",
                                          r->state_mb, "seconds_per_iteration", each, "pictures_per_second",
                                          a->report.batch / each, "iterations", (json_int_t)a->report.all, "hours",
                                          hours));
    printf("activations     %8.1f MB (one planned buffer)\n"
           "weights, moments%8.1f MB\n"
           "an iteration    %8.3f s (%" PRId64 " measured)\n"
           "pictures        %8.2f per second\n"
           "the schedule    %8.2f hours for %" PRId64 " iterations, evaluations apart\n",
           r->activation_mb, r->state_mb, each, r->iterations, a->report.batch / each, hours, a->report.all);
    return 0;
}

static int train_it(void *command) {
    train *a = command;
    a->result.struct_size = sizeof a->result;
    a->view.quiet = a->shared.quiet;
    a->view.unit = "it";
    a->view.left_out = "left out";
    a->view.words = words;
    idem_train_view_begin(&a->view);
    a->view.watch.started = started;
    a->view.watch.evaluated = evaluated;
    a->o.watch = &a->view.watch;
    a->o.settings = a->fields.settings;
    a->o.resume = a->resume;
    a->o.measure = a->dry_run;
    a->o.trap_nan = a->trap_nan;
    a->o.adapt = a->adapt;
    a->o.threads = a->shared.threads;
    return idem_train_mapper(&a->o, &a->result);
}

static int report(void *command) {
    const train *a = command;
    if (a->dry_run)
        return print_measured(a, &a->result);
    idem_progress_finish();
    return a->shared.json ? idem_train_print(idem_training_report_json(&a->report, &a->result)) : 0;
}

/* --attr-net is a name, or a file as with --attr-start. 2 with an explanation for wrong usage. */
static int choose_attributes(train *a) {
    static const char *const names[] = {"resnet18", "resnet50", "inception3"};
    bool known = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        known = known || (a->attr_net && !strcmp(a->attr_net, names[i]));
    if (a->attr_net && !known) {
        if (a->o.attribute_start)
            return idem_cli_usage("--attr-net: \"%s\" is none of resnet18|resnet50|inception3; name a file only once, "
                                  "with --attr-net or --attr-start",
                                  a->attr_net);
        a->o.attribute_start = a->attr_net;
    }
    a->o.attribute_net = known ? a->attr_net : NULL;
    if (a->adapt && !a->o.mapper)
        return idem_cli_usage("--adapt needs the mapper to adapt: name it with --mapper");
    return a->o.mapper && a->o.attribute_start
               ? idem_cli_usage("--mapper contains E_attr: leave out --attr-start or the file of --attr-net")
               : 0;
}

/* The recipe decides which options exist, so it is found before they are parsed. */
static bool wants_summary(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--recipe=summary") ||
            (!strcmp(argv[i], "--recipe") && i + 1 < argc && !strcmp(argv[i + 1], "summary")))
            return true;
    return false;
}

static int checked_run(train *a) {
    if (!a->o.run && !a->dry_run)
        return idem_cli_usage("--output is missing: name a folder for the run, or ask for --dry-run");
    if (a->o.identity_preprocess && !a->o.identity_net)
        return idem_cli_usage("--identity-preprocess needs --identity-net");
    if (choose_attributes(a) ||
        (a->o.mapper && !a->dry_run &&
         idem_overwrite_folder(a->o.run, &a->o.mapper, 1, "@(mapper|mapper-start|checkpoint-*).safetensors")))
        return 2;
    return idem_train_as_rank(a, train_it, report);
}

int idem_cmd_train(int argc, char **argv) {
    if (wants_summary(argc, argv))
        return idem_cmd_train_summary(argc, argv);
    train a = {.shared = IDEM_SHARED_DEFAULTS, .recipe_name = "paper"};
    idem_train_mapper_options_default(&a.o);
    parse(&a, argc, argv);
    const int code = idem_field_options_apply(&a.fields) ? idem_cli_failed() : checked_run(&a);
    idem_field_options_free(&a.fields);
    return code;
}
