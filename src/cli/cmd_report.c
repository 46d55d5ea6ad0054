/* idem report: the paper's tables. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/measuring.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "idem.h"

enum { REFINE_MAX = 8, STEPS_MOST = 1000, WITNESSES_MOST = 6 };

typedef struct {
    idem_measure_report_options o;
    idem_model_files files;
    const char *refine_text;
    idem_texts compare, witnesses;
    int refine[REFINE_MAX];
    bool truncation_given;
    idem_cli_measuring measuring;
    idem_shared shared;
} settings;

static int parse_refine(settings *s) {
    for (const char *text = s->refine_text; text && *text;) {
        char *end;
        const long steps = strtol(text, &end, 10);
        if (end == text || steps < 1 || steps > STEPS_MOST || (*end && *end != ',') || s->o.refines == REFINE_MAX)
            return idem_cli_usage("--refine \"%s\": expected up to %d numbers of steps from 1 to %d, between commas",
                                  s->refine_text, REFINE_MAX, STEPS_MOST);
        s->refine[s->o.refines++] = (int)steps;
        text = *end ? end + 1 : end;
    }
    return 0;
}

static int check(settings *s) {
    if (!s->o.identity != !s->o.attributes)
        return idem_cli_usage("--identity and --attributes go together");
    if (s->o.identity && s->o.photographs)
        return idem_cli_usage("--photographs chooses its pairs; leave out --identity and --attributes");
    const int code = parse_refine(s);
    return code ? code : idem_output_folder(s->o.output);
}

static int run(settings *s) {
    idem_cli_model model;
    char *json = NULL;
    idem_measure_report_options *o = &s->o;
    s->measuring.quiet = s->shared.quiet;
    o->watch = idem_cli_watch(&s->measuring);
    o->identity_net = s->files.identity_net;
    if (s->files.mapper && !*s->files.mapper)
        return idem_cli_fail("there is no mapper to report on; name one with --mapper");
    if (idem_cli_find_model(&model, &s->files))
        return -1;
    o->generator = model.generator;
    o->mapper = model.mapper;
    o->seed = s->shared.seed;
    o->threads = s->shared.threads;
    o->refine = s->refine;
    o->compare = s->compare.at;
    o->compares = s->compare.n;
    o->witness = s->witnesses.at;
    o->witnesses = s->witnesses.n;
    if (!s->truncation_given)
        o->truncation = -1;
    if (idem_measure_report(o, &json))
        return -1;
    idem_progress_finish();
    json_t *report = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    const double unreadable = json_number_value(json_object_get(report, "unreadable"));
    json_decref(report);
    if (s->shared.json)
        puts(json);
    idem_measure_free(json);
    if (!s->shared.quiet)
        idem_cli_say("seed %llu; report.html, report.md, report.tex, report.json, pairs.csv are in %s",
                     (unsigned long long)o->seed, o->output);
    return idem_cli_unreadable_pairs(unreadable);
}

int idem_cmd_report(int argc, char **argv) {
    settings s = {.shared = IDEM_SHARED_DEFAULTS};
    idem_measure_report_options_default(&s.o);
    s.o.batch = 10;
    s.o.truncation = 0.9;
    const idem_option options[] = {
        IDEM_MODEL_ROWS(s.files),
        {IDEM_OPT_HEADER, .help = "Pairs"},
        {IDEM_OPT_INT, "pairs", 'n', "N", &s.o.pairs, .min = 2, .max = 100000,
         .help = "cross pairs drawn from the generator, or of persons with --photographs"},
        {IDEM_OPT_REAL, "truncation", 0, "PSI", &s.o.truncation, .min = 0, .max = 1, .was_given = &s.truncation_given,
         .help = "of drawn pairs; the mapper's if not given"},
        {IDEM_OPT_TEXT, "identity", 0, "DIR", &s.o.identity, .help = "use these pictures (aligned) instead of drawing"},
        {IDEM_OPT_TEXT, "attributes", 0, "DIR", &s.o.attributes,
         .help = "with --identity: partners with the same file names; groups.csv in either folder (name,column,...) "
                 "assigns pairs to groups"},
        {IDEM_OPT_TEXT, "photographs", 0, "DIR", &s.o.photographs, .help = "pairs of the persons in these photographs"},
        {IDEM_OPT_HEADER, .help = "Rows beside the mapper, the two copied pictures, and style mixing at its best"},
        {IDEM_OPT_TEXT, "refine", 0, "K[,K...]", &s.refine_text,
         .help = "refinement steps, one row per number; a step costs about two pictures"},
        {IDEM_OPT_TEXTS, "compare", 0, "MAPPER...", &s.compare, .help = "other mappers of the same generator"},
        {IDEM_OPT_HEADER, .help = "Networks"},
        {IDEM_OPT_TEXTS, "witness", 0, "FILE...", &s.witnesses, .max = WITNESSES_MOST,
         .help = "further recognisers; FILE:KIND for an ONNX network, with KIND "
                 "fr_feature|insightface|facenet|vggface2"},
        {IDEM_OPT_TEXT, "fid-net", 0, "FILE", &s.o.fid_net,
         .help = "weights of InceptionV3 as the published FID uses it (pt_inception-2015-12-05), instead of "
                 "MobileNetV2 (idem model fetch pictures)"},
        {IDEM_OPT_INT, "batch", 0, "N", &s.o.batch, .min = 1, .max = 256,
         .help = "pictures per batch; another batch size rounds differently"},
        {IDEM_OPT_HEADER, .help = "Report"},
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &s.o.output, .required = true, .help = "folder for the report"},
        {0}};
    const idem_command_line line = {
        .about =
            "All figures that the paper and its followers print of a mapper, with their spread, beside baselines: "
            "identity by several recognisers, retrieval, pose, expression, landmarks, reconstruction, the surroundings "
            "of the face, the outputs as a set, groups of pairs. The folder gets a page (report.html), tables "
            "(report.md, report.tex), all figures (report.json) and those of every pair (pairs.csv).",
        .examples = "  idem report -o report                 the shipped model, 300 pairs\n"
                    "  idem report -o report --refine 12,25 --compare old/mapper.safetensors\n"
                    "  idem report -o report --photographs lfw --witness arcface.onnx:insightface\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &s.shared, NULL);
    const int code = check(&s);
    return code ? code : run(&s) ? idem_cli_failed() : 0;
}
