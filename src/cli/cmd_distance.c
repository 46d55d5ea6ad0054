/* idem distance: the Frechet distance of two sets of pictures, or their power spectra. */
#include <jansson.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/measuring.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "idem.h"

typedef struct {
    idem_measure_distance_options o;
    bool spectrum;
    idem_cli_measuring measuring;
    idem_shared shared;
} settings;

/* ---- text ---- */

static double number(const json_t *j, const char *key) {
    return json_number_value(json_object_get(j, key));
}

static void print_set(const char *name, const json_t *s) {
    idem_cli_print("  %s: n = %.0f %s %s", name, number(s, "n"),
                   json_object_get(s, "truncation") ? "samples of" : "pictures of",
                   json_string_value(json_object_get(s, "path")));
}

static void print_sets(const json_t *j) {
    print_set("A", json_object_get(j, "a"));
    print_set("B", json_object_get(j, "b"));
}

static void print_spectrum(const json_t *j) {
    size_t i;
    const json_t *band, *peak = json_object_get(j, "peak");
    printf("Power spectra at %.0f px, of luminance in 255ths\n", number(j, "size"));
    print_sets(j);
    printf("  period, pixels   power of A   power of B   A over B   two halves of B\n");
    json_array_foreach(json_object_get(j, "bands"), i, band) printf(
        "  %5.4g to %-6.4g   %10.4g   %10.4g   %8.3f   %15.3f\n", number(band, "longest"), number(band, "shortest"),
        number(band, "a"), number(band, "b"), number(band, "ratio"), number(band, "halves_of_b"));
    printf(
        "Strongest peak within its ring: period %.2f pixels, %.0f degrees, %.2f times B's (halves of B: %.2f times)\n",
        number(peak, "period"), number(peak, "degrees"), number(peak, "times"),
        number(json_object_get(j, "peak_of_halves_of_b"), "times"));
}

static void print_distance(const json_t *j) {
    const json_t *halves = json_object_get(j, "halves_of_b");
    const double width = number(j, "width");
    printf("Frechet distance %.3f, by %.0f features of %s, at %.0f px\n", number(j, "distance"), width,
           json_string_value(json_object_get(j, "features")), number(j, "size"));
    print_sets(j);
    printf("two random halves of B: %.3f, n = %.0f each\n", number(halves, "distance"), number(halves, "n"));
    if (number(json_object_get(j, "a"), "n") <= width || number(json_object_get(j, "b"), "n") <= width ||
        number(halves, "n") <= width)
        printf("a set has fewer pictures than features: its covariance is singular, and distances are too large;\n"
               "they compare only with others of the same n\n");
}

static int run(settings *s) {
    char *json;
    s->measuring.quiet = s->shared.quiet;
    s->o.watch = idem_cli_watch(&s->measuring);
    s->o.seed = s->shared.seed;
    s->o.threads = s->shared.threads;
    s->o.spectrum = s->spectrum;
    if (idem_measure_distance(&s->o, &json))
        return -1;
    idem_progress_finish();
    json_t *j = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    const double unreadable = number(j, "unreadable");
    if (s->shared.json)
        puts(json);
    else
        (s->spectrum ? print_spectrum : print_distance)(j);
    json_decref(j);
    idem_measure_free(json);
    return unreadable > 0 ? idem_cli_fail("%.0f of the pictures could not be read; the others are measured", unreadable)
                          : 0;
}

int idem_cmd_distance(int argc, char **argv) {
    settings s = {.shared = IDEM_SHARED_DEFAULTS};
    idem_measure_distance_options_default(&s.o);
    const idem_option options[] = {
        {IDEM_OPT_INT, "count", 'n', "N", &s.o.count, .min = 4, .max = 1e6,
         .help = "most pictures of each, chosen at random from a folder"},
        {IDEM_OPT_INT, "at", 0, "S", &s.o.size, .min = 0, .max = 1024,
         .help = "resize all pictures to S x S first; 0: the smaller generator's size, or 256"},
        {IDEM_OPT_REAL, "truncation", 't', "PSI", &s.o.truncation, .min = 0, .max = 1,
         .help = "of a generator's codes"},
        {IDEM_OPT_TEXT, "inception", 0, "FILE", &s.o.fid_net,
         .help =
             "weights of InceptionV3 as the published FID uses it (pt_inception-2015-12-05), instead of MobileNetV2 "
             "(idem model fetch pictures)"},
        {IDEM_OPT_FLAG, "spectrum", 0, NULL, &s.spectrum,
         .help = "the power spectra of both by period instead of the distance: at which scale A has too much or too "
                 "little power, and the frequency of a lattice or hatch that B does not have; S is a power of two"},
        {0}};
    const idem_command_line line = {
        .args = "A B",
        .about = "The Frechet distance of two sets of pictures, each a folder (the central squares of all pictures "
                 "below it) or a generator's file. Also prints the distance between two random halves of B, as the "
                 "value for equal sets. Distances compare only with the same features, size and n.",
        .examples = "  idem distance models/generator-128.safetensors portraits --at 64\n"
                    "  idem distance made real -n 2000 --json\n"
                    "  idem distance models/generator-128.safetensors portraits -n 2000 --spectrum",
        .options = options,
        .min_args = 2,
        .max_args = 2,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    char **args;
    idem_parse(&line, argc, argv, &s.shared, &args);
    s.o.a = args[0];
    s.o.b = args[1];
    const int status = run(&s);
    if (status)
        idem_progress_clear();
    return status ? idem_cli_failed() : 0;
}
