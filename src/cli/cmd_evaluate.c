/* idem evaluate: the figures of a model. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/assets.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "eval/evaluate.h"

typedef struct {
    const char *generator, *mapper, *identity, *attributes, *output;
    int pairs, baseline_pairs, batch;
    double truncation;
    bool baselines, truncation_given;
} settings;

/* The truncation the mapper was trained with. */
static double trained_truncation(const idem_model *m, double otherwise) {
    const idem_weights *w = idem_model_trained(m);
    const char *text = w ? idem_weights_meta(w, "option.truncation") : NULL;
    return text ? strtod(text, NULL) : otherwise;
}

/* Pairs from two folders: the same stems. */
static int load_pairs(idem_evaluator *e, const settings *s, int size, uint64_t seed) {
    idem_pictures id, attr;
    if (idem_pictures_load(&id, s->identity, size))
        return -1;
    if (idem_pictures_load(&attr, s->attributes, size)) {
        idem_pictures_free(&id);
        return -1;
    }
    size_t numbers = (size_t)size * (size_t)size * 3;
    int n = 0;
    float *a = malloc((size_t)id.n * numbers * sizeof *a);
    for (int i = 0; a && i < id.n; i++) {
        int j = idem_pictures_find(&attr, id.stems[i]);
        if (j < 0)
            continue;
        memmove(id.x + (size_t)n * numbers, id.x + (size_t)i * numbers, numbers * sizeof(float));
        memcpy(a + (size_t)n++ * numbers, attr.x + (size_t)j * numbers, numbers * sizeof(float));
    }
    int status = !a      ? idem_fail("out of memory for %d pictures", id.n)
                 : n < 2 ? idem_fail("%s and %s have %d pictures of the same name, expected 2 or more", s->identity,
                                     s->attributes, n)
                         : idem_evaluator_pictures(e, n, id.x, a, seed);
    free(a);
    idem_pictures_free(&id);
    idem_pictures_free(&attr);
    return status;
}

static json_t *evaluate(idem_model *m, const settings *s, const idem_shared *shared) {
    idem_plan_options options = {.threads = shared->threads, .stop = &idem_cli_stop};
    idem_evaluator *e = idem_evaluator_new(m, NULL, s->batch, &options);
    if (!e)
        return NULL;
    double start = idem_clock(), psi = s->truncation_given ? s->truncation : trained_truncation(m, s->truncation);
    if (!shared->quiet)
        idem_cli_say("seed %llu; truncation %g; measuring the sources", (unsigned long long)shared->seed, psi);
    int status = s->identity ? load_pairs(e, s, idem_model_about(m)->size, shared->seed)
                             : idem_evaluator_sample(e, s->pairs, (float)psi, shared->seed);
    idem_report r;
    json_t *root = NULL, *rows = NULL;
    if (!status)
        status = idem_evaluator_mapper(e, &r);
    if (!status)
        root = idem_report_json(&r);
    if (root && s->baselines) {
        if (!shared->quiet)
            idem_cli_say("measuring the baselines");
        rows = idem_evaluator_baselines(e, s->baseline_pairs);
        if (!rows || json_object_set_new(root, "baselines", rows) ||
            json_object_set_new(root, "beats_baselines", json_boolean(idem_report_beats(&r, rows)))) {
            json_decref(root);
            root = NULL;
        }
    }
    if (root) {
        json_object_set_new(root, "pictures_per_second", json_real(1 / fmax(r.seconds_per_picture, 1e-9)));
        json_object_set_new(root, "seconds", json_real(idem_clock() - start));
        json_object_set_new(root, "seed", json_integer((json_int_t)shared->seed));
        if (!s->identity)
            json_object_set_new(root, "truncation", json_real(psi));
    }
    idem_evaluator_free(e);
    return root;
}

int idem_cmd_evaluate(int argc, char **argv) {
    settings s = {.pairs = 300, .baseline_pairs = 100, .batch = 10, .truncation = 0.9};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        {IDEM_OPT_HEADER, .help = "Model"},
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &s.generator,
         .help = "StyleGAN2 weights; the shipped one if not given"},
        {IDEM_OPT_TEXT, "mapper", 'm', "FILE", &s.mapper, .help = "what idem train made; the shipped one if not given"},
        {IDEM_OPT_HEADER, .help = "Pairs"},
        {IDEM_OPT_INT, "pairs", 'n', "N", &s.pairs, .min = 2, .max = 100000,
         .help = "cross pairs drawn from the generator"},
        {IDEM_OPT_REAL, "truncation", 0, "PSI", &s.truncation, .min = 0, .max = 1, .was_given = &s.truncation_given,
         .help = "of the pairs drawn; the mapper's own if not given"},
        {IDEM_OPT_TEXT, "identity", 0, "DIR", &s.identity, .help = "use these pictures (aligned) instead of drawing"},
        {IDEM_OPT_TEXT, "attributes", 0, "DIR", &s.attributes,
         .help = "with --identity: partners of the same file names"},
        {IDEM_OPT_HEADER, .help = "Report"},
        {IDEM_OPT_FLAG, "baselines", 0, NULL, &s.baselines,
         .help = "measure also copying and style mixing at every crossover"},
        {IDEM_OPT_INT, "baseline-pairs", 0, "N", &s.baseline_pairs, .min = 2, .max = 100000,
         .help = "pairs for the baselines"},
        {IDEM_OPT_INT, "batch", 0, "N", &s.batch, .min = 1, .max = 256, .help = "pictures at once"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE", &s.output, .help = "write the report as JSON here too"},
        {0}};
    idem_command_line line = {
        .about = "Measures a mapper on cross pairs: how much of the identity is kept, how much of the attribute "
                 "picture's identity leaks, how well pose, landmarks and colours follow the attribute picture; by the "
                 "training recogniser and by a judge never used in training.",
        .examples = "  idem evaluate                         the shipped model\n"
                    "  idem evaluate -m run/mapper.safetensors --baselines --json\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    if (!s.identity != !s.attributes)
        return idem_cli_usage("--identity and --attributes go together");
    idem_model *m = idem_asset_model(s.generator, s.mapper);
    json_t *report = m ? evaluate(m, &s, &shared) : NULL;
    idem_model_free(m);
    char *text = report ? json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : NULL;
    int status = !report ? -1 : !text ? idem_fail("out of memory for a report") : 0;
    if (!status && s.output)
        status = idem_file_write(s.output, text, strlen(text));
    if (!status && shared.json)
        puts(text);
    else if (!status)
        idem_report_print(report);
    free(text);
    json_decref(report);
    return status ? idem_cli_failed() : 0;
}
