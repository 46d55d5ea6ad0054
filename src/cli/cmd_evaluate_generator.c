/* idem evaluate-generator: does a generator make many people, and new ones? */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/measuring.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "idem.h"

typedef struct {
    const char *generator, *data, *output;
    const char *invert, *apart; /* folders; invert NULL: no inversion */
    int count, held_out, steps;
    uint64_t data_seed;
    bool held_out_given, data_seed_given;
    double truncation;
    idem_shared shared;
    idem_cli_measuring measuring;
} settings;

static double number(const json_t *j, const char *key) {
    return json_number_value(json_object_get(j, key));
}

/* ---- novelty ---- */

static void print_row(const json_t *report, const char *label, const char *key, int digits, double scale,
                      const char *unit) {
    printf("%-26s", label);
    idem_report_figure(json_object_get(report, "samples"), key, 9, digits, scale, unit, true);
    idem_report_figure(json_object_get(report, "portraits"), key, 9, digits, scale, unit, true);
}

static void print_verdict(const json_t *report, const char *key, const char *yes, const char *no) {
    const json_t *verdict = json_object_get(report, key);
    printf("  %s\n", json_is_true(verdict) ? yes : json_is_false(verdict) ? no : "-");
}

/* All figures by the pose and the expression network that the report has. */
static void print_variety(const json_t *report) {
    const char *key;
    const json_t *figure;
    json_object_foreach(json_object_get(report, "portraits"), key, figure) {
        const bool share = !strncmp(key, "expression_", 11) || !strcmp(key, "faces");
        char label[64];
        if (!share && !strstr(key, "_deviation"))
            continue;
        snprintf(label, sizeof label, "%s%s", key, share ? "" : ", degrees");
        for (char *c = label; *c; c++)
            *c = *c == '_' ? ' ' : *c;
        print_row(report, label, key, 1, share ? 100 : 1, share ? " %" : "");
        putchar('\n');
    }
}

static void print_novelty(const settings *s, const json_t *report) {
    (void)s;
    char above[64];
    snprintf(above, sizeof above, "pairs above %.3f", number(report, "threshold"));
    printf("%-26s  %9s %-9s  %9s\n", "", "samples", "", "portraits");
    print_row(report, "n", "n", 0, 1, "");
    putchar('\n');
    print_row(report, above, "share_above", 2, 100, " %");
    print_verdict(report, "varied", "at most twice", "MORE THAN TWICE");
    print_row(report, "S of the nearest picture", "nearest_S", 3, 1, "");
    print_verdict(report, "new", "no nearer", "NEARER: it memorises");
    print_row(report, "  the largest", "nearest_S_most", 3, 1, "");
    putchar('\n');
    print_variety(report);
    for (int i = 0; i < 2; i++)
        idem_report_needs(json_object_get(report, i ? "portraits" : "samples"));
    idem_report_needs(report);
}

/* ---- inversion ---- */

static void print_found(const json_t *report, const char *label, const char *key, int digits, double scale,
                        const char *unit) {
    printf("  %-28s", label);
    idem_report_figure(report, key, 9, digits, scale, unit, true);
    putchar('\n');
}

static void print_inversion(const settings *s, const json_t *report) {
    char above[64];
    snprintf(above, sizeof above, "above %.3f: the same person", number(report, "threshold"));
    idem_cli_print("%.0f pictures of %s at %.0f px, %d steps each, %.2f s a picture", number(report, "n"), s->invert,
                   number(report, "size"), s->steps, number(report, "seconds_a_picture"));
    print_found(report, "PSNR", "psnr", 2, 1, " dB");
    print_found(report, "S by the judge", "S", 3, 1, "");
    print_found(report, above, "share_above", 1, 100, " %");
}

/* ---- command ---- */

/* Frees the JSON. */
static int report(const settings *s, char *json, int bad, const char *of,
                  void print(const settings *s, const json_t *report)) {
    json_t *root = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    if (s->shared.json)
        puts(json);
    else if (root)
        print(s, root);
    idem_measure_free(json);
    json_decref(root);
    if (!root)
        return idem_cli_fail("the report cannot be read");
    return bad ? idem_cli_fail("%d pictures of %s%s%s could not be read; the others are measured", bad, of,
                               s->apart ? " and " : "", s->apart ? s->apart : "")
               : 0;
}

static int measure_inversion(settings *s) {
    idem_measure_inversion_options o;
    char *json;
    int bad;
    idem_measure_inversion_options_default(&o);
    o.watch = idem_cli_watch(&s->measuring);
    o.generator = s->generator;
    o.pictures = s->invert;
    o.output = s->output;
    o.count = s->count;
    o.steps = s->steps;
    o.seed = s->shared.seed;
    o.threads = s->shared.threads;
    return idem_measure_inversion(&o, &json, &bad) ? -1 : report(s, json, bad, s->invert, print_inversion);
}

static int measure_novelty(settings *s) {
    idem_measure_generator_options o;
    char *json;
    int bad;
    idem_measure_generator_options_default(&o);
    o.watch = idem_cli_watch(&s->measuring);
    o.generator = s->generator;
    o.data = s->data;
    o.output = s->output;
    o.count = s->count;
    o.truncation = s->truncation;
    o.held_out = s->held_out_given ? s->held_out : 0;
    o.data_seed = s->data_seed_given ? &s->data_seed : NULL;
    o.apart = s->apart;
    o.seed = s->shared.seed;
    o.threads = s->shared.threads;
    return idem_measure_generator(&o, &json, &bad) ? -1 : report(s, json, bad, s->data, print_novelty);
}

int idem_cmd_evaluate_generator(int argc, char **argv) {
    settings s = {
        .count = 200, .steps = 200, .held_out = 200, .data_seed = 1, .truncation = 1, .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &s.generator, .required = true, .help = "StyleGAN2 weights"},
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &s.data, .help = "its training pictures; not with --invert"},
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &s.output, .required = true,
         .help = "for report.json, nearest.png (samples beside the training pictures nearest to them) and a cache of "
                 "the data; with --invert inversion.json and inverted.png"},
        {IDEM_OPT_INT, "count", 'n', "N", &s.count, .min = 2, .max = 10000, .help = "samples, or pictures to invert"},
        {IDEM_OPT_REAL, "truncation", 't', "PSI", &s.truncation, .min = 0, .max = 1, .help = "of the samples' codes"},
        {IDEM_OPT_INT, "held-out", 0, "N", &s.held_out, .min = 2, .max = 1e6, .was_given = &s.held_out_given,
         .help = "pictures of DIR that its training held out; if not given, as stored in its file"},
        {IDEM_OPT_U64, "data-seed", 0, "N", &s.data_seed, .was_given = &s.data_seed_given,
         .help = "seed of the training, which chose them; if not given, as stored in its file"},
        {IDEM_OPT_TEXT, "apart", 0, "DIR", &s.apart,
         .help = "portraits of the same kind in a folder of their own, which its training never saw: instead of "
                 "--held-out"},
        {IDEM_OPT_TEXT, "invert", 0, "DIR", &s.invert,
         .help = "instead: measure how well it can paint these portraits, which it was not trained on: one code per "
                 "layer is fitted to the pixels of each, in the generator's frame, and the judge decides whether it "
                 "shows the person. Comparable between generators of one size"},
        {IDEM_OPT_INT, "steps", 0, "N", &s.steps, .min = 1, .max = 100000, .help = "fitting steps per portrait"},
        {0}};
    const idem_command_line line = {
        .about =
            "Measures by the judge, a face recogniser never used in training, whether a generator makes many different "
            "people (the share of pairs of samples that match as one person, compared with portraits) and new ones "
            "(similarity of samples to the nearest training picture, compared with portraits held out of training); "
            "by further networks, how much poses and expressions of both vary.",
        .examples = "  idem evaluate-generator -g run/generator.safetensors -d portraits -o proof\n"
                    "  idem evaluate-generator -g run/generator.safetensors --invert held-out -n 500 -o proof\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &s.shared, NULL);
    if (!s.data == !s.invert || (s.apart && s.invert)) {
        idem_cli_fail(s.apart && s.invert ? "--apart belongs to --data: give it without --invert"
                                          : "give either --data or --invert");
        idem_cli_failed();
        return 2;
    }
    if (idem_output_folder(s.output))
        return 2;
    s.measuring = (idem_cli_measuring){.finish = true, .quiet = s.shared.quiet};
    return (s.invert ? measure_inversion(&s) : measure_novelty(&s)) ? idem_cli_failed() : 0;
}
