/* idem evaluate: the figures of a model. */
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/measuring.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "cli/shares.h"
#include "idem.h"

typedef struct {
    idem_measure_mapper_options o;
    idem_model_files files;
    bool baselines, truncation_given;
    idem_cli_measuring measuring;
    idem_shared shared;
    idem_shares shares;
} settings;

static int print_report(const settings *s, const char *json) {
    json_t *report = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    if (!report)
        return idem_cli_fail("the report cannot be read");
    const double unreadable = json_number_value(json_object_get(report, "unreadable"));
    const json_t *psi = json_object_get(report, "truncation"), *steps = json_object_get(report, "refine");
    if (!s->shared.quiet && psi)
        idem_cli_say("seed %llu; truncation %g", (unsigned long long)s->o.seed, json_number_value(psi));
    else if (!s->shared.quiet && steps)
        idem_cli_say("seed %llu; %.0f steps of refining", (unsigned long long)s->o.seed, json_number_value(steps));
    if (s->shared.json)
        puts(json);
    else
        idem_report_print(report);
    json_decref(report);
    return idem_cli_unreadable_pairs(unreadable);
}

/* *broke: the report is not made. */
static int run(settings *s, bool *broke) {
    idem_cli_model model;
    char *json;
    idem_measure_mapper_options *o = &s->o;
    s->measuring.quiet = s->shared.quiet || s->shares.rank;
    idem_cli_mute(s->shares.rank); /* all ranks see the same files */
    o->watch = idem_cli_watch(&s->measuring);
    o->identity_net = s->files.identity_net;
    if (s->files.mapper && !*s->files.mapper)
        return idem_cli_fail("there is no mapper to evaluate; name one with --mapper");
    if (idem_cli_find_model(&model, &s->files))
        return -1;
    o->generator = model.generator;
    o->mapper = model.mapper;
    o->seed = s->shared.seed;
    o->threads = s->shared.threads;
    o->baselines = s->baselines;
    if (!s->truncation_given)
        o->truncation = -1;
    if (idem_measure_mapper(o, &json))
        return -1;
    idem_progress_finish();
    *broke = false;
    const int status = s->shares.rank ? 0 : print_report(s, json);
    idem_measure_free(json);
    return status;
}

/* 2 with an explanation if an output is one of the photographs. */
static int look_at_photographs(const settings *s) {
    const char *const outputs[] = {s->o.output, s->o.sheet};
    int status = 0;
    idem_file_list *list = s->o.photographs ? idem_new_file_list() : NULL;
    if (list)
        idem_list_files_below(list, s->o.photographs); /* an unreadable folder is reported when it is read */
    for (int i = 0; i < 2 * idem_count_files(list) && !status; i++)
        status = outputs[i % 2] ? idem_overwrite_file(outputs[i % 2], idem_file_paths(list)[i / 2]) : 0;
    idem_free_file_list(list);
    return status;
}

int idem_cmd_evaluate(int argc, char **argv) {
    settings s = {.shared = IDEM_SHARED_DEFAULTS, .shares = IDEM_SHARES_ALONE};
    idem_measure_mapper_options_default(&s.o);
    s.o.batch = 10;
    s.o.truncation = 0.9;
    const idem_option options[] = {
        IDEM_MODEL_ROWS(s.files),
        {IDEM_OPT_HEADER, .help = "Pairs"},
        {IDEM_OPT_INT, "pairs", 'n', "N", &s.o.pairs, .min = 2, .max = 100000,
         .help = "cross pairs drawn from the generator, or of photographs"},
        {IDEM_OPT_REAL, "truncation", 0, "PSI", &s.o.truncation, .min = 0, .max = 1, .was_given = &s.truncation_given,
         .help = "of drawn pairs; the mapper's if not given"},
        {IDEM_OPT_TEXT, "identity", 0, "DIR", &s.o.identity, .help = "use these pictures (aligned) instead of drawing"},
        {IDEM_OPT_TEXT, "attributes", 0, "DIR", &s.o.attributes,
         .help = "with --identity: partners with the same file names"},
        {IDEM_OPT_TEXT, "photographs", 0, "DIR", &s.o.photographs,
         .help = "use pairs of photographs of different persons instead of drawing, and measure realism too; names "
                 "identify the persons: NAME_NUMBER, or a folder per person below DIR"},
        {IDEM_OPT_INT, "refine", 0, "K", &s.o.refine, .min = IDEM_REFINE_BY_DEFAULT, .max = IDEM_REFINE_LIMIT,
         .help = "refinement steps per pair; 0: the mapper's answer; -1: 25 for photographs, else 0"},
        {IDEM_OPT_HEADER, .help = "Report"},
        {IDEM_OPT_FLAG, "baselines", 0, NULL, &s.baselines,
         .help = "also measure copying and style mixing at every crossover"},
        {IDEM_OPT_INT, "baseline-pairs", 0, "N", &s.o.baseline_pairs, .min = 2, .max = 100000,
         .help = "pairs for the baselines"},
        {IDEM_OPT_INT, "batch", 0, "N", &s.o.batch, .min = 1, .max = 256,
         .help = "pictures per batch; another batch size rounds differently"},
        {IDEM_OPT_TEXT, "sheet", 0, "FILE", &s.o.sheet,
         .help = "with --photographs: write the first 48 pairs as a PNG, unselected: identity, attributes, output"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE", &s.o.output, .help = "also write the report as JSON to this file"},
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
    idem_parse(&line, argc, argv, &s.shared, NULL);
    if (!s.o.identity != !s.o.attributes)
        return idem_cli_usage("--identity and --attributes go together");
    if (s.o.photographs && (s.o.identity || s.baselines || s.truncation_given))
        return idem_cli_usage(
            "--photographs cannot be combined with --identity, --attributes, --truncation and --baselines");
    if (s.o.sheet && !s.o.photographs)
        return idem_cli_usage("--sheet needs --photographs");
    const char *const inputs[] = {s.files.generator, s.files.mapper, s.files.identity_net,
                                  s.o.identity,      s.o.attributes, s.o.photographs};
    const char *const outputs[] = {s.o.output, s.o.sheet};
    for (size_t i = 0; i < 2 * sizeof inputs / sizeof *inputs; i++)
        if (outputs[i % 2] && idem_overwrite_file(outputs[i % 2], inputs[i / 2]))
            return 2;
    if ((s.o.output || s.o.sheet) && look_at_photographs(&s))
        return 2;
    bool broke = true;
    const int status = idem_shares_join(&s.shares, argc, argv, NULL, 0) ? -1 : run(&s, &broke);
    return idem_shares_leave(&s.shares, status ? idem_cli_failed() : 0, broke);
}
