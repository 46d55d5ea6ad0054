/* idem distance: the Frechet distance of two sets of pictures, or their power spectra. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/spectrum_report.h"
#include "measure/features.h"
#include "measure/frechet.h"
#include "data/picture_source.h"

enum { BATCH = 8, SIDE = 256 }; /* SIDE: of two folders */

typedef struct {
    const char *path;
    idem_picture_source *source;
    size_t n;
    float *rows;               /* [n, D] */
    idem_spectrum *spectra[2]; /* of every other picture; with --spectrum */
} set;

typedef struct {
    set a, b;
    int count, size;
    double truncation;
    const char *inception;
    bool spectrum; /* instead of the distance */
    idem_shared shared;
    int bad; /* pictures that cannot be read */
    idem_features *features;
    double distance, halves;
    idem_spectrum_report of_sets, of_halves;
} distance;

static int check_count(const set *s, const char *kind) {
    return s->n >= 4 ? 0 : idem_fail("%s: %zu %spictures, expected at least 4", s->path, s->n, kind);
}

static int open_set(const distance *d, set *s, const idem_plan_options *options) {
    if (!(s->source = idem_picture_source_open(s->path, (float)d->truncation, d->shared.seed, options)))
        return -1;
    const size_t all = idem_picture_source_count(s->source);
    s->n = all < (size_t)d->count ? all : (size_t)d->count;
    return check_count(s, "");
}

/* The smaller generator's, so that both are seen as what the smaller one can make. */
static int common_size(const distance *d) {
    const int a = idem_picture_source_side(d->a.source), b = idem_picture_source_side(d->b.source);
    return d->size ? d->size : a && b ? (a < b ? a : b) : a ? a : b ? b : SIDE;
}

static void on_bad(void *user, const char *why) {
    distance *d = user;
    idem_cli_say("idem: passed over: %s", why);
    d->bad++;
}

static int make_room(const distance *d, set *s) {
    for (int i = 0; i < 2 && d->spectrum; i++)
        if (!(s->spectra[i] = idem_spectrum_new(d->size)))
            return -1;
    if (d->spectrum || (s->rows = malloc(s->n * idem_features_width(d->features) * sizeof *s->rows)))
        return 0;
    return idem_fail_as(IDEM_MEMORY, "out of memory for the features of %zu pictures", s->n);
}

/* x: pictures from `done` on. */
static int take(const distance *d, const set *s, size_t done, size_t n, const float *x) {
    if (!d->spectrum)
        return idem_features_run(d->features, n, x, s->rows + done * idem_features_width(d->features));
    for (size_t i = 0; i < n; i++)
        idem_spectrum_add(s->spectra[(done + i) % 2], x + i * (size_t)d->size * (size_t)d->size * 3);
    return 0;
}

static int measure(distance *d, set *s, size_t before) {
    float *x = malloc(BATCH * (size_t)d->size * (size_t)d->size * 3 * sizeof *x);
    int status = x ? make_room(d, s) : idem_fail_as(IDEM_MEMORY, "out of memory for pictures"), got = 1;
    size_t done = 0;
    while (done < s->n && got > 0 && !status) {
        const size_t some = s->n - done < BATCH ? s->n - done : BATCH;
        if (idem_cli_stop)
            status = idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        else if ((got = idem_picture_source_next(s->source, some, d->size, x, on_bad, d)) < 0)
            status = -1;
        else if (got)
            status = take(d, s, done, (size_t)got, x);
        done += got > 0 ? (size_t)got : 0;
        idem_progress_update(before + done, NULL);
    }
    free(x);
    s->n = done;
    return status ? -1 : check_count(s, "readable ");
}

static int compare(distance *d) {
    if (d->spectrum) {
        idem_spectrum_join(d->a.spectra[0], d->a.spectra[1]);
        return idem_spectrum_report_make(&d->of_sets, &d->of_halves, d->a.spectra[0], d->b.spectra);
    }
    const size_t width = idem_features_width(d->features);
    return idem_frechet(&d->distance, d->a.rows, d->a.n, d->b.rows, d->b.n, width) ||
                   idem_frechet_halves(&d->halves, d->b.rows, d->b.n, width, d->shared.seed)
               ? -1
               : 0;
}

static int run(distance *d) {
    const idem_plan_options options = {.threads = d->shared.threads, .stop = &idem_cli_stop};
    if (open_set(d, &d->a, &options) || open_set(d, &d->b, &options))
        return -1;
    d->size = common_size(d);
    if (!d->spectrum && !(d->features = idem_features_new(NULL, d->inception, d->size, BATCH, &options)))
        return -1;
    idem_progress_start("measuring", "pictures", d->a.n + d->b.n, 0, d->shared.quiet);
    if (measure(d, &d->a, 0) || measure(d, &d->b, d->a.n))
        return -1;
    idem_progress_finish();
    return compare(d);
}

static void print_set(const char *name, const set *s) {
    idem_cli_print("  %s: n = %zu %s %s", name, s->n,
                   idem_picture_source_side(s->source) ? "samples of" : "pictures of", s->path);
}

static json_t *set_json(const distance *d, const set *s) {
    const int side = idem_picture_source_side(s->source);
    json_t *j = json_pack("{s:o, s:I}", "path", idem_json_name(s->path), "n", (json_int_t)s->n);
    if (side)
        json_object_set_new(j, "truncation", json_real(d->truncation));
    else
        json_object_set_new(j, "other_files", json_integer((json_int_t)idem_picture_source_others(s->source)));
    return j;
}

static int report_spectrum(const distance *d, double seconds) {
    if (d->shared.json) {
        json_t *root = json_pack("{s:i, s:o, s:o, s:o, s:f}", "size", d->size, "a", set_json(d, &d->a), "b",
                                 set_json(d, &d->b), "seed", idem_json_u64(d->shared.seed), "seconds", seconds);
        json_object_update_new(root,
                               idem_spectrum_report_json(&d->of_sets, &d->of_halves, d->a.spectra[0], d->b.spectra[0]));
        return idem_json_print(root, 6);
    }
    printf("Power spectra at %d px, of luminance in 255ths\n", d->size);
    print_set("A", &d->a);
    print_set("B", &d->b);
    idem_spectrum_report_print(&d->of_sets, &d->of_halves);
    return 0;
}

static int report_distance(const distance *d, double seconds) {
    const size_t width = idem_features_width(d->features), half = d->b.n / 2;
    if (d->shared.json) {
        json_t *root =
            json_pack("{s:f, s:s, s:I, s:i, s:o, s:o, s:{s:f, s:I}, s:o, s:f}", "distance", d->distance, "features",
                      idem_features_name(d->features), "width", (json_int_t)width, "size", d->size, "a",
                      set_json(d, &d->a), "b", set_json(d, &d->b), "halves_of_b", "distance", d->halves, "n",
                      (json_int_t)half, "seed", idem_json_u64(d->shared.seed), "seconds", seconds);
        return idem_json_print(root, 6);
    }
    printf("Frechet distance %.3f, by %zu features of %s, at %d px\n", d->distance, width,
           idem_features_name(d->features), d->size);
    print_set("A", &d->a);
    print_set("B", &d->b);
    printf("two random halves of B: %.3f, n = %zu each\n", d->halves, half);
    if (d->a.n <= width || d->b.n <= width || half <= width)
        printf("fewer pictures than features in one of them: its covariance lacks rank, and distances are too large;\n"
               "they compare with others of the same n only\n");
    return 0;
}

int idem_cmd_distance(int argc, char **argv) {
    distance d = {.count = 5000, .truncation = 1, .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_INT, "count", 'n', "N", &d.count, .min = 4, .max = 1e6,
         .help = "pictures of each at most: random ones of a folder"},
        {IDEM_OPT_INT, "at", 0, "S", &d.size, .min = 0, .max = 1024,
         .help = "resize all pictures to S x S first; 0: to the size of the smaller generator, or to 256 without one"},
        {IDEM_OPT_REAL, "truncation", 't', "PSI", &d.truncation, .min = 0, .max = 1, .help = "of a generator's codes"},
        {IDEM_OPT_TEXT, "inception", 0, "FILE", &d.inception,
         .help =
             "weights of InceptionV3 as the published FID uses it (pt_inception-2015-12-05), instead of MobileNetV2 "
             "(idem model fetch pictures)"},
        {IDEM_OPT_FLAG, "spectrum", 0, NULL, &d.spectrum,
         .help = "the power spectra of both by period instead of the distance: what A has too much or too little of at "
                 "which scale, and the frequency at which it has a lattice or a hatch that B lacks; S is a power of "
                 "two"},
        {0}};
    const idem_command_line line = {
        .args = "A B",
        .about =
            "The Frechet distance of two sets of pictures, each a folder (the middle squares of all pictures below "
            "it) or a generator's file. Beside it, the distance of two random halves of B, which is what is left "
            "between equals. Distances compare only by the same features, size and n.",
        .examples = "  idem distance models/generator-128.safetensors portraits --at 64\n"
                    "  idem distance made real -n 2000 --json\n"
                    "  idem distance models/generator-128.safetensors portraits -n 2000 --spectrum",
        .options = options,
        .min_args = 2,
        .max_args = 2,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    char **args;
    const double start = idem_clock();
    idem_parse(&line, argc, argv, &d.shared, &args);
    d.a.path = args[0];
    d.b.path = args[1];
    int status = run(&d);
    if (status)
        idem_progress_clear();
    else
        status = (d.spectrum ? report_spectrum : report_distance)(&d, idem_clock() - start);
    if (!status && d.bad)
        status = idem_fail("%d of the pictures could not be read; the others are measured", d.bad);
    const int code = status ? idem_cli_failed() : 0;
    idem_features_free(d.features);
    set *const sets[] = {&d.a, &d.b};
    for (int i = 0; i < 2; i++) {
        idem_picture_source_free(sets[i]->source);
        free(sets[i]->rows);
        idem_spectrum_free(sets[i]->spectra[0]);
        idem_spectrum_free(sets[i]->spectra[1]);
    }
    return code;
}
