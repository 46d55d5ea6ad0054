/* idem train: the mapper of a frozen generator, from random or resumed. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/field_options.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/train_summary.h"
#include "engine/op.h"
#include "measure/figures.h"
#include "measure/witness.h"
#include "face/recogniser.h"
#include "train/curves.h"
#include "train/run_folder.h"
#include "train/mapper/trainer.h"

enum { WITNESS_BATCH = 8, MAX_OPTIONS = 56, CYCLES = 2 };

typedef struct {
    const char *generator, *data, *photographs, *output, *mapper, *models, *recipe_name, *identity_net, *preprocess;
    bool resume, dry_run, trap_nan, adapt;
    const char *attr_net; /* a name, or a file */
    idem_attr_choice attr;
    idem_shared shared;
    idem_recipe recipe;
    int saved_threads;       /* of the run that is resumed; 0: none is */
    bool given[MAX_OPTIONS]; /* by field of the recipe */
    idem_held_out_scores scores, of_photographs;
    int left_out;          /* photographs */
    int64_t evaluated;     /* iteration of the scores; 0: none yet */
    double smooth;         /* loss */
    double started, mark;  /* on the clock: of the run, and of the iteration under way */
    double stepping;       /* seconds in iterations and checkpoints, evaluations apart */
    int64_t stepped;       /* iterations of this process */
    idem_witness *witness; /* NULL: its files are not there */
} train;

static void parse(train *a, int argc, char **argv) {
    const idem_option fixed[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &a->generator, .required = true, .help = "StyleGAN2 weights, frozen"},
        {IDEM_OPT_TEXT, "output", 'o', "RUN", &a->output,
         .help = "folder for checkpoints, mapper.safetensors, metrics.jsonl, training.png, events and samples"},
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &a->data,
         .help = "pictures and codes made by `idem sample`; without it pairs are drawn on the fly"},
        {IDEM_OPT_TEXT, "photographs", 0, "DIR", &a->photographs,
         .help =
             "folder tree of photographs or aligned faces, of which --photograph-share of the pictures are: the "
             "largest face of each; also wanted on resume. Some are held out and measured. --dry-run leaves them out"},
        {IDEM_OPT_FLAG, "resume", 'r', NULL, &a->resume,
         .help = "continue the run in RUN bit for bit, with its own options; start it if there is none"},
        {IDEM_OPT_FLAG, "dry-run", 'n', NULL, &a->dry_run,
         .help = "measure a few iterations, print memory, rate and hours of the whole schedule, write nothing"},
        {IDEM_OPT_TEXT, "mapper", 'm', "FILE", &a->mapper, .help = "start from this mapper instead of random weights"},
        {IDEM_OPT_FLAG, "adapt", 0, NULL, &a->adapt,
         .help = "the mapper of -m may be another generator's; --attr-side: the side of that one's pictures"},
        {IDEM_OPT_TEXT, "attr-net", 0, "NAME|FILE", &a->attr_net,
         .help = "E_attr: resnet18, resnet50, inception3, or a file as with --attr-start; resnet18 if not given"},
        {IDEM_OPT_TEXT, "attr-start", 0, "FILE", &a->attr.start,
         .help =
             "start E_attr from a ResNet or InceptionV3 trained for ImageNet (torchvision's file) instead of random "
             "weights"},
        {IDEM_OPT_TEXT, "attr-norm", 0, "KIND", &a->attr.norm, .choices = IDEM_ATTR_NORMS,
         .help =
             "statistics of E_attr's batch norms: frozen as stored, or the batch's with running averages; frozen for "
             "an InceptionV3 from a file, else running, if not given"},
        {IDEM_OPT_INT, "attr-side", 0, "S", &a->attr.side, .min = 0, .max = 4096,
         .help = "E_attr sees larger pictures averaged to S x S, which must divide their side; 0: as they are, or as "
                 "the mapper of -m has it"},
        {IDEM_OPT_TEXT, "identity-net", 0, "FILE", &a->identity_net,
         .help =
             "recogniser that E_id is: InceptionResnetV1 (facenet-pytorch's file) or ONNX; fr_feature if not given. "
             "It becomes part of the mapper"},
        {IDEM_OPT_TEXT, "identity-preprocess", 0, "NAME", &a->preprocess, .choices = IDEM_PREPROCESS_CHOICES,
         .help = "how it wants its pictures; must be said for ONNX"},
        {IDEM_OPT_TEXT, "models", 0, "DIR", &a->models, .help = "folder of the downloaded networks"},
        {IDEM_OPT_FLAG, "trap-nan", 0, NULL, &a->trap_nan,
         .help = "stop at the first node with a number that is not finite"},
        {IDEM_OPT_HEADER, .help = "The recipe"},
        {IDEM_OPT_TEXT, "recipe", 0, "NAME", &a->recipe_name, .choices = "paper|summary",
         .help =
             "paper: identity, landmark, reconstruction and adversarial losses, three Adams; summary: the pseudo code "
             "of a summary of the paper, for comparison, with other options: `idem train --recipe summary --help`"},
    };
    idem_option options[MAX_OPTIONS] = {0};
    memcpy(options, fixed, sizeof fixed);
    idem_field_options(options, sizeof fixed / sizeof fixed[0], &idem_recipe_fields, &a->recipe, a->given);
    const idem_command_line line = {
        .about =
            "Trains the attribute encoder and the mapper of a frozen generator: identity from one picture, everything "
            "else "
            "from another. Every weight and rate of the recipe is an option with the published default; all are stored "
            "in the checkpoints. Ctrl-C saves a checkpoint; --resume continues as if nothing had happened.",
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

static void on_step(void *user, const idem_train_report *r) {
    train *a = user;
    double clock = idem_clock();
    a->stepping += clock - a->mark;
    a->mark = clock;
    a->stepped++;
    if (!r->skipped)
        a->smooth = a->smooth > 0 ? 0.95 * a->smooth + 0.05 * r->l_id : r->l_id;
    idem_progress_update((uint64_t)r->iteration, "identity loss %.5f", a->smooth);
}

/* A picture of the run so far. The run does not depend on it, so a failure is only told. */
static void draw_curves(const train *a) {
    char *png = idem_path_join(a->output, "training.png");
    if (!png || idem_curves_draw(a->output, png))
        idem_cli_say("idem: no training.png: %s", idem_error());
    free(png);
}

static int describe(void *user, int n, const float *pictures, float *descriptors) {
    return idem_witness_run(user, n, pictures, descriptors, NULL);
}

static void say_scores(const train *a, const char *start, const idem_held_out_scores *s) {
    char judge[64] = "", nme[32] = "-";
    if (a->witness)
        snprintf(judge, sizeof judge, " (judge %.3f, %.3f)", s->judge.id_kept.mean, s->judge.attr_leak.mean);
    if (idem_figure_holds(&s->nme))
        snprintf(nme, sizeof nme, "%.4f", s->nme.mean);
    idem_cli_say("%s  id_kept, attr_leak %.3f, %.3f%s  NME %s  PSNR of the same face %.2f dB", start,
                 s->train.id_kept.mean, s->train.attr_leak.mean, judge, nme, s->psnr_same_face);
}

static void on_evaluation(void *user, int64_t iteration, const idem_held_out_scores *s,
                          const idem_held_out_scores *photographs) {
    train *a = user;
    a->scores = *s;
    if (photographs)
        a->of_photographs = *photographs;
    a->evaluated = iteration;
    draw_curves(a);
    a->mark = idem_clock();
    if (a->shared.quiet)
        return;
    char start[32];
    snprintf(start, sizeof start, "%7" PRId64, iteration);
    say_scores(a, start, s);
    if (photographs)
        say_scores(a, " photos", photographs);
}

static void on_photographs(void *user, size_t done, size_t count) {
    const train *a = user;
    if (done == 1)
        idem_progress_start("looking for faces", "pictures", count, 0, a->shared.quiet);
    idem_progress_update(done, NULL);
    if (done == count)
        idem_progress_finish();
}

static void on_left_out(void *user, const char *why) {
    train *a = user;
    idem_cli_say("idem: left out: %s", why);
    a->left_out++;
}

static int put_likeness(json_t *root, const char *key, const idem_likeness *s) {
    json_t *o = json_pack("{s:f, s:f, s:f}", "cos_id_out", s->cos_id_out, "cos_attr_out", s->cos_attr_out,
                          "cos_id_attr", s->cos_id_attr);
    return json_object_set_new(root, key, o) || idem_figure_put(o, "id_kept", &s->id_kept) ||
           idem_figure_put(o, "attr_leak", &s->attr_leak);
}

static int put_scores(json_t *root, const train *a, const idem_held_out_scores *s) {
    return put_likeness(root, "train", &s->train) || idem_figure_put(root, "nme", &s->nme) ||
           idem_figure_put(root, "landmark_mse160", &s->landmark_mse160) ||
           json_object_set_new(root, "psnr_same_face", json_real(s->psnr_same_face)) ||
           json_object_set_new(root, "pairs", json_integer(s->pairs)) ||
           (a->witness && put_likeness(root, "judge", &s->judge));
}

static int put_photographs(json_t *root, const train *a) {
    json_t *o = json_object();
    return json_object_set_new(root, "photographs", o) || put_scores(o, a, &a->of_photographs) ||
           json_object_set_new(o, "left_out", json_integer(a->left_out));
}

/* What this process did; the scores are those of the last evaluation. NULL with a message. */
static json_t *report_json(const train *a) {
    json_t *root =
        json_pack("{s:I, s:f, s:f, s:f}", "iterations", (json_int_t)a->stepped, "seconds", idem_clock() - a->started,
                  "pictures_per_second", a->stepped ? (double)(a->stepped * a->recipe.batch) / a->stepping : 0.0,
                  "peak_rss_mb", idem_peak_rss_mb());
    int status = root ? 0 : -1;
    if (root && a->evaluated)
        status = json_object_set_new(root, "iteration", json_integer(a->evaluated)) ||
                 put_scores(root, a, &a->scores) || (a->photographs && put_photographs(root, a));
    if (!status)
        return root;
    json_decref(root);
    return idem_fail_null_more("no report of the run: %s", idem_error());
}

static void print_json(json_t *root) {
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
}

/* ---- the two ways to run ---- */

static int dry_run(train *a, idem_trainer *t) {
    int64_t cycle =
        a->recipe.cross_every * a->recipe.adversarial_every; /* all kinds of iterations in their proportions */
    int64_t n = CYCLES * (cycle < 12 ? cycle : 12);
    idem_train_report r;
    double seconds = 0;
    idem_progress_start("measuring", "it", (uint64_t)n, 0, a->shared.quiet);
    for (int64_t i = -1; i < n; i++) { /* the first touches fresh memory and does not count */
        double start = idem_clock();
        if (idem_trainer_step(t, &r)) {
            idem_progress_clear();
            return -1;
        }
        if (i >= 0) {
            seconds += idem_clock() - start;
            idem_progress_update((uint64_t)i + 1, NULL);
        }
    }
    idem_progress_clear();
    double each = seconds / (double)n, hours = each * (double)a->recipe.iterations / 3600;
    double plan = (double)idem_trainer_plan_bytes(t) * 1e-6, state = (double)idem_trainer_state_bytes(t) * 1e-6;
    if (a->shared.json)
        print_json(json_pack("{s:f, s:f, s:f, s:f, s:I, s:f}", "plan_mb", plan, "state_mb", state,
                             "seconds_per_iteration", each, "pictures_per_second", (double)a->recipe.batch / each,
                             "iterations", (json_int_t)a->recipe.iterations, "hours", hours));
    else
        printf("activations     %8.1f MB (one planned buffer)\n"
               "weights, moments%8.1f MB\n"
               "an iteration    %8.3f s (%" PRId64 " measured)\n"
               "pictures        %8.2f per second\n"
               "the schedule    %8.2f hours for %" PRId64 " iterations, evaluations apart\n",
               plan, state, each, n, (double)a->recipe.batch / each, hours, a->recipe.iterations);
    return 0;
}

static int full_run(train *a, idem_trainer *t) {
    if (!a->shared.quiet) {
        char seed[32];
        idem_cli_say("seed %s, batch %" PRId64 ", rate %g, %" PRId64 " iterations, %.0f MB of activations, %d threads",
                     idem_field_get(idem_fields_find(&idem_recipe_fields, "seed"), &a->recipe, seed), a->recipe.batch,
                     a->recipe.rate, a->recipe.iterations, (double)idem_trainer_plan_bytes(t) * 1e-6, idem_threads());
    }
    const idem_photographs *p = idem_trainer_photographs(t);
    if (p && !a->shared.quiet)
        idem_cli_say("%zu photographs, %g of the pictures; %zu pairs more are held out", idem_photographs_count(p),
                     a->recipe.photograph_share, idem_photographs_pairs(p));
    idem_progress_start("training", "it", (uint64_t)a->recipe.iterations, (uint64_t)idem_trainer_iteration(t),
                        a->shared.quiet);
    a->started = a->mark = idem_clock();
    if (idem_trainer_run(t)) {
        idem_progress_clear();
        return -1;
    }
    idem_progress_finish();
    json_t *report = a->shared.json ? report_json(a) : NULL;
    if (report)
        print_json(report);
    return a->shared.json && !report ? -1 : 0;
}

/* What the command line did not say is as the run has it. */
static int take_saved(train *a, idem_model *m) {
    idem_recipe saved;
    int found = idem_trainer_saved_recipe(a->output, m, &saved, &a->saved_threads);
    if (found == 1 && idem_fields_merge(&idem_recipe_fields, &a->recipe, &saved, a->given))
        return -1;
    if (!found && !a->shared.quiet)
        idem_cli_say("%s holds no checkpoint: the run begins, with the options of this command", a->output);
    return found < 0 ? -1 : 0;
}

/* The second recogniser only watches: training goes on without it. */
static void open_witness(train *a, const idem_model *m) {
    const idem_plan_options options = {.threads = a->saved_threads ? a->saved_threads : a->shared.threads,
                                       .stop = &idem_cli_stop};
    a->witness = idem_witness_new(a->models, idem_model_frame(m), idem_model_about(m)->size, WITNESS_BATCH, &options);
    if (!a->witness && !a->shared.quiet)
        idem_cli_say("evaluations go without the second recogniser: %s", idem_error());
}

/* Half, where the command line does not say it; a run that goes on has its own. */
static void choose_share(train *a) {
    const idem_field *share = idem_fields_find(&idem_recipe_fields, "photograph-share");
    if (a->photographs && !a->given[share - idem_recipe_fields.row])
        a->recipe.photograph_share = 0.5;
}

static int run(train *a) {
    idem_model *m = idem_model_open(a->generator);
    idem_trainer *t = NULL;
    int status = m ? 0 : -1;
    if (!status && !a->dry_run)
        status = idem_run_folder_look(a->output, a->resume);
    if (!status && a->identity_net)
        status = idem_model_choose_recogniser(m, a->identity_net, a->preprocess);
    if (!status && a->mapper)
        status = a->adapt ? idem_model_adapt_mapper(m, a->mapper, a->attr.side) : idem_model_load_mapper(m, a->mapper);
    choose_share(a);
    if (!status && a->resume && a->output)
        status = take_saved(a, m);
    if (a->dry_run)
        a->recipe.photograph_share = 0; /* nothing is written, so no faces are kept */
    if (!status)
        status = idem_model_load_frozen(m, a->models);
    if (!status && !a->dry_run)
        open_witness(a, m);
    if (!status) {
        const idem_trainer_setup setup = {.run = a->dry_run ? NULL : a->output,
                                          .data = a->data,
                                          .photographs = a->dry_run ? NULL : a->photographs,
                                          .models = a->models,
                                          .attr = a->attr,
                                          .resume = a->resume,
                                          .threads = a->shared.threads,
                                          .trap_nan = a->trap_nan,
                                          .judge = {a->witness ? describe : NULL, a->witness, IDEM_JUDGE_DIM},
                                          .stop = &idem_cli_stop,
                                          .on_step = on_step,
                                          .on_evaluation = on_evaluation,
                                          .on_photographs = on_photographs,
                                          .on_left_out = on_left_out,
                                          .user = a};
        t = idem_trainer_new(m, &a->recipe, &setup);
        status = !t ? -1 : a->dry_run ? dry_run(a, t) : full_run(a, t);
    }
    int code = status ? idem_cli_failed() : 0;
    idem_trainer_free(t);
    idem_witness_free(a->witness);
    idem_model_free(m);
    return code;
}

/* --attr-net is a name, or one more way to say --attr-start. Wrong usage is explained and gives 2. */
static int choose_attributes(train *a) {
    static const char *const names[] = {"resnet18", "resnet50", "inception3"};
    bool known = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        known = known || (a->attr_net && !strcmp(a->attr_net, names[i]));
    if (a->attr_net && !known) {
        if (a->attr.start)
            return idem_cli_usage("--attr-net: \"%s\" is none of " IDEM_ATTR_NETS "; a file is named once, by "
                                  "--attr-net or --attr-start",
                                  a->attr_net);
        a->attr.start = a->attr_net;
    }
    a->attr.net = known ? a->attr_net : NULL;
    if (a->adapt && !a->mapper)
        return idem_cli_usage("--adapt wants the mapper to be adapted: name it with --mapper");
    return a->mapper && a->attr.start
               ? idem_cli_usage("--mapper brings its own E_attr: leave out --attr-start or the file of --attr-net")
               : 0;
}

/* The recipe decides which options there are, so it is looked for before they are read. */
static bool wants_summary(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--recipe=summary") ||
            (!strcmp(argv[i], "--recipe") && i + 1 < argc && !strcmp(argv[i + 1], "summary")))
            return true;
    return false;
}

int idem_cmd_train(int argc, char **argv) {
    if (wants_summary(argc, argv))
        return idem_train_summary(argc, argv);
    train a = {.shared = IDEM_SHARED_DEFAULTS, .recipe_name = "paper"};
    idem_recipe_defaults(&a.recipe);
    parse(&a, argc, argv);
    if (!a.output && !a.dry_run)
        return idem_cli_usage("--output is missing: name a folder for the run, or ask for --dry-run");
    if (a.preprocess && !a.identity_net)
        return idem_cli_usage("--identity-preprocess belongs to --identity-net");
    if (choose_attributes(&a) ||
        (a.mapper && !a.dry_run &&
         idem_overwrite_folder(a.output, &a.mapper, 1, "@(mapper|mapper-start|checkpoint-*).safetensors")))
        return 2;
    return run(&a);
}
