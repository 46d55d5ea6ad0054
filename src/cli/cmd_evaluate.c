/* idem evaluate: the figures of a model. */
#define _GNU_SOURCE
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/assets.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/left_out.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "compose/studio.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "data/picture_tree.h"
#include "measure/evaluate.h"
#include "measure/figures.h"
#include "measure/pairs.h"
#include "measure/photographs.h"

typedef struct {
    idem_model_files files;
    const char *identity, *attributes, *photographs, *sheet, *output;
    int pairs, baseline_pairs, batch, refine;
    double truncation;
    bool baselines, truncation_given, quiet;
    int unreadable;    /* pairs with a file that cannot be read */
    const char *doing; /* of photographs */
} settings;

static void on_told(void *user, const char *line) {
    (void)user;
    idem_cli_say("idem: %s", line);
}

static idem_pairs *given_pairs(const settings *s, const idem_model *m) {
    idem_pairs *p = idem_pairs_folders(s->identity, s->attributes, idem_model_about(m)->size, 2, on_told, NULL);
    if (p)
        idem_progress_start("evaluating", "pictures", (s->refine ? 5 : 3) * (uint64_t)idem_pairs_count(p), 0, s->quiet);
    return p;
}

static idem_pairs *drawn_pairs(const settings *s, idem_model *m, double psi, const idem_shared *shared) {
    const idem_plan_options options = {.threads = shared->threads, .stop = &idem_cli_stop};
    int rows = s->baselines ? 2 * (idem_model_about(m)->layers - 1) : 0;
    int pairs = s->baseline_pairs < s->pairs ? s->baseline_pairs : s->pairs;
    if (!s->quiet)
        idem_cli_say("seed %llu; truncation %g", (unsigned long long)shared->seed, psi);
    idem_progress_start("evaluating", "pictures",
                        (s->refine ? 5 : 3) * (uint64_t)s->pairs + (uint64_t)rows * (uint64_t)pairs, 0, s->quiet);
    return idem_pairs_draw(m, s->pairs, (float)psi, shared->seed, s->batch, &options);
}

static void on_measured(void *user, int pictures) {
    uint64_t *done = user;
    *done += (uint64_t)pictures;
    idem_progress_update(*done, NULL);
}

static int add_baselines(json_t *root, idem_evaluator *e, const settings *s) {
    idem_report same;
    json_t *rows = idem_evaluator_baselines(e, s->baseline_pairs, &same);
    if (!rows)
        return -1;
    const idem_figure beats = idem_report_beats(&same, rows);
    if (json_object_set_new(root, "baselines", rows))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    return idem_figure_put_verdict(root, "beats_baselines", &beats);
}

static int add_run(json_t *root, double seconds_per_picture, double start, uint64_t seed) {
    return json_object_set_new(root, "pictures_per_second", json_real(1 / fmax(seconds_per_picture, 1e-9))) ||
                   json_object_set_new(root, "seconds", json_real(idem_clock() - start)) ||
                   json_object_set_new(root, "peak_rss_mb", json_real(idem_peak_rss_mb())) ||
                   json_object_set_new(root, "seed", idem_json_u64(seed))
               ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
               : 0;
}

static json_t *evaluate(idem_evaluator *e, idem_model *m, settings *s, const idem_shared *shared) {
    double start = idem_clock(), psi = s->truncation_given ? s->truncation : idem_pairs_truncation(m, s->truncation);
    uint64_t done = 0;
    idem_evaluator_watch(e, on_measured, &done);
    idem_pairs *pairs = s->identity ? given_pairs(s, m) : drawn_pairs(s, m, psi, shared);
    int status = pairs ? idem_evaluator_pairs(e, pairs, shared->seed) : -1;
    if (pairs) {
        s->unreadable = idem_pairs_bad(pairs);
        idem_left_out_take(idem_pairs_left_out(pairs));
    }
    idem_pairs_free(pairs);
    idem_report r;
    status = status || (s->refine ? idem_evaluator_refined(e, s->refine, &r) : idem_evaluator_mapper(e, &r));
    json_t *root = status ? NULL : idem_report_json(&r);
    if (!root)
        return NULL;
    status = s->baselines ? add_baselines(root, e, s) : 0;
    status = status || add_run(root, r.seconds_per_picture, start, shared->seed);
    if (!status &&
        (s->identity ? json_object_set_new(root, "other_files", json_integer((json_int_t)idem_left_out_files()))
                     : json_object_set_new(root, "truncation", json_real(psi))))
        status = idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    if (!status) {
        idem_progress_finish();
        return root;
    }
    json_decref(root);
    return NULL;
}

/* ---- photographs ---- */

static void on_photographs(void *user, const char *what, uint64_t done, uint64_t count) {
    settings *s = user;
    if (what != s->doing) {
        idem_progress_clear();
        idem_progress_start(what, "pictures", count, done, s->quiet);
        s->doing = what;
    }
    idem_progress_update(done, NULL);
}

static void on_left_out(void *user, const char *why) {
    (void)user;
    idem_cli_say("idem: passed over: %s", why);
}

static int save_sheet(const idem_photo_figures *f, const settings *s, const idem_model *m) {
    enum { FIRST = 48 };
    idem_image page = {0};
    const int status =
        idem_photo_figures_sheet(f, FIRST, &page) || idem_picture_save(s->sheet, &page, IDEM_SOURCE_COMPOSITE, m);
    idem_image_free(&page);
    return status;
}

static json_t *evaluate_photographs(idem_model *m, settings *s, const idem_shared *shared) {
    const double start = idem_clock();
    const idem_photo_options o = {.pairs = s->pairs,
                                  .batch = s->batch,
                                  .refine = idem_refine_steps(s->refine, false, false),
                                  .seed = shared->seed,
                                  .plan = {.threads = shared->threads, .stop = &idem_cli_stop},
                                  .progress = on_photographs,
                                  .bad = on_left_out,
                                  .user = s};
    if (!s->quiet)
        idem_cli_say("seed %llu; %d steps of refining", (unsigned long long)shared->seed, o.refine);
    idem_photo_figures *f = idem_photo_figures_new(m, s->photographs, &o);
    json_t *root = f && !idem_photo_figures_run(f) ? idem_photo_figures_json(f) : NULL;
    if (root && (add_run(root, json_number_value(json_object_get(root, "seconds_per_picture")), start, shared->seed) ||
                 (s->sheet && save_sheet(f, s, m)))) {
        json_decref(root);
        root = NULL;
    }
    idem_photo_figures_free(f);
    if (root)
        idem_progress_finish();
    return root;
}

/* ---- command ---- */

static json_t *evaluate_pairs(idem_model *m, settings *s, const idem_shared *shared) {
    const idem_plan_options options = {.threads = shared->threads, .stop = &idem_cli_stop};
    s->refine = idem_refine_steps(s->refine, true, true);
    idem_evaluator *e = idem_evaluator_new(m, NULL, s->batch, &options);
    json_t *report = e ? evaluate(e, m, s, shared) : NULL;
    idem_evaluator_free(e);
    return report;
}

/* Output that cannot be written is better known before than after minutes of measuring. */
static int run(settings *s, const idem_shared *shared) {
    idem_writer file = {0};
    if (s->output && idem_writer_open(&file, s->output))
        return -1;
    idem_model *m = NULL;
    /* Said first: without the mapper's frame, loading the networks would look for faces in generated pictures. */
    if (s->files.mapper && !*s->files.mapper)
        idem_fail("there is no mapper to evaluate; name one with --mapper");
    else
        m = idem_asset_model(&s->files);
    json_t *report = !m ? NULL : s->photographs ? evaluate_photographs(m, s, shared) : evaluate_pairs(m, s, shared);
    idem_model_free(m);
    char *text = report ? idem_json_text(report, 6) : NULL;
    int status = text ? 0 : -1;
    if (report && !text)
        idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    if (text && s->output) {
        fprintf(file.stream, "%s\n", text);
        status = idem_writer_commit(&file);
    } else {
        idem_writer_abort(&file);
    }
    if (!status && shared->json)
        puts(text);
    else if (!status)
        idem_report_print(report);
    free(text);
    json_decref(report);
    idem_left_out_say(shared->quiet);
    if (!status && s->unreadable)
        status = idem_fail("%d of the pairs given could not be read; the others are measured", s->unreadable);
    return status;
}

/* 2 with the explanation when an output is one of the photographs. */
static int look_at_photographs(const settings *s) {
    const char *const outputs[] = {s->output, s->sheet};
    int status = 0;
    idem_picture_tree *t = s->photographs ? idem_picture_tree_open(s->photographs) : NULL;
    for (size_t i = 0; t && i < 2 * idem_picture_tree_count(t) && !status; i++)
        status = outputs[i % 2] ? idem_overwrite_file(outputs[i % 2], idem_picture_tree_path(t, i / 2)) : 0;
    idem_picture_tree_free(t);
    return status; /* a folder that cannot be listed is said so when it is read */
}

int idem_cmd_evaluate(int argc, char **argv) {
    settings s = {.pairs = 300, .baseline_pairs = 100, .batch = 10, .refine = IDEM_REFINE_BY_MARK, .truncation = 0.9};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        IDEM_MODEL_ROWS(s.files),
        {IDEM_OPT_HEADER, .help = "Pairs"},
        {IDEM_OPT_INT, "pairs", 'n', "N", &s.pairs, .min = 2, .max = 100000,
         .help = "cross pairs drawn from the generator, or of photographs"},
        {IDEM_OPT_REAL, "truncation", 0, "PSI", &s.truncation, .min = 0, .max = 1, .was_given = &s.truncation_given,
         .help = "of the pairs drawn; the mapper's own if not given"},
        {IDEM_OPT_TEXT, "identity", 0, "DIR", &s.identity, .help = "use these pictures (aligned) instead of drawing"},
        {IDEM_OPT_TEXT, "attributes", 0, "DIR", &s.attributes,
         .help = "with --identity: partners of the same file names"},
        {IDEM_OPT_TEXT, "photographs", 0, "DIR", &s.photographs,
         .help =
             "use pairs of photographs of different persons instead of drawing, and measure realism too; whose they "
             "are say the names: NAME_NUMBER, or a folder below DIR for each person"},
        {IDEM_OPT_INT, "refine", 0, "K", &s.refine, .min = IDEM_REFINE_BY_MARK, .max = IDEM_REFINE_MOST,
         .help = "steps of refining every pair's code; 0: the mapper's own answer; -1: 25 of photographs, else 0"},
        {IDEM_OPT_HEADER, .help = "Report"},
        {IDEM_OPT_FLAG, "baselines", 0, NULL, &s.baselines,
         .help = "measure also copying and style mixing at every crossover"},
        {IDEM_OPT_INT, "baseline-pairs", 0, "N", &s.baseline_pairs, .min = 2, .max = 100000,
         .help = "pairs for the baselines"},
        {IDEM_OPT_INT, "batch", 0, "N", &s.batch, .min = 1, .max = 256,
         .help = "pictures at once; another number rounds otherwise"},
        {IDEM_OPT_TEXT, "sheet", 0, "FILE", &s.sheet,
         .help = "with --photographs: write the first 48 pairs as a PNG, unselected: identity, attributes, output"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE", &s.output, .help = "write the report as JSON here too"},
        {0}};
    idem_command_line line = {
        .about = "Measures a mapper on cross pairs: how much of the identity is kept, how much of the attribute "
                 "picture's identity leaks, how well pose, landmarks and colours follow the attribute picture; by the "
                 "training recogniser and by a judge never used in training.",
        .examples = "  idem evaluate                         the shipped model\n"
                    "  idem evaluate -m run/mapper.safetensors --baselines --json\n"
                    "  idem evaluate --photographs lfw --sheet pairs.png\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    if (!s.identity != !s.attributes)
        return idem_cli_usage("--identity and --attributes go together");
    if (s.photographs && (s.identity || s.baselines || s.truncation_given))
        return idem_cli_usage("--photographs goes without --identity, --attributes, --truncation and --baselines");
    if (s.sheet && !s.photographs)
        return idem_cli_usage("--sheet goes with --photographs");
    const char *const inputs[] = {s.files.generator, s.files.mapper, s.files.identity_net,
                                  s.identity,        s.attributes,   s.photographs};
    const char *const outputs[] = {s.output, s.sheet};
    for (size_t i = 0; i < 2 * sizeof inputs / sizeof *inputs; i++)
        if (outputs[i % 2] && idem_overwrite_file(outputs[i % 2], inputs[i / 2]))
            return 2;
    if ((s.output || s.sheet) && look_at_photographs(&s))
        return 2;
    s.quiet = shared.quiet;
    return run(&s, &shared) ? idem_cli_failed() : 0;
}
