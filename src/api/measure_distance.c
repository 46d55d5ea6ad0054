/* idem_measure_distance. */
#include <stdlib.h>

#include "api/measuring.h"
#include "base/clock.h"
#include "base/name.h"
#include "base/status.h"
#include "data/picture_source.h"
#include "measure/features.h"
#include "measure/frechet.h"
#include "measure/spectrum_report.h"

enum { BATCH = 8, SIDE = 256, SIDE_MAX = 1024, COUNT_MIN = 4, COUNT_MAX = 1000000, DIGITS = 6 }; /* SIDE: of folders */

static const char call[] = "idem_measure_distance";

void idem_measure_distance_options_init(idem_measure_distance_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->count = 5000;
    options->truncation = 1;
    options->seed = 1;
}

typedef struct {
    const char *path;
    idem_picture_source *source;
    size_t n;
    float *rows;               /* [n, D] */
    idem_spectrum *spectra[2]; /* of every other picture; of spectra */
} set;

typedef struct {
    idem_measuring measuring; /* first: it is the `user` of both */
    const idem_measure_distance_options *o;
    set a, b;
    int size, bad; /* bad: unreadable pictures */
    idem_features *features;
} work;

static int check(const idem_measure_distance_options *o) {
    if (idem_struct_check(call, o, sizeof *o))
        return -1;
    if (!o->a || !o->b)
        return idem_fail("%s: %s is NULL, expected a folder or a generator's file", call, o->a ? "b" : "a");
    if (o->count < COUNT_MIN || o->count > COUNT_MAX)
        return idem_fail("%s: count is %d, expected %d to %d", call, o->count, COUNT_MIN, COUNT_MAX);
    if (o->size < 0 || o->size > SIDE_MAX)
        return idem_fail("%s: size is %d, expected 0 to %d", call, o->size, SIDE_MAX);
    return o->truncation >= 0 && o->truncation <= 1
               ? 0
               : idem_fail("%s: truncation is %g, expected 0 to 1", call, o->truncation);
}

static int check_count(const set *s, const char *kind) {
    return s->n >= COUNT_MIN ? 0
                             : idem_fail("%s: %zu %spictures, expected at least %d", s->path, s->n, kind, COUNT_MIN);
}

static int open_set(const work *d, set *s, const char *path) {
    s->path = path;
    s->source = idem_picture_source_open(path, (float)d->o->truncation, d->o->seed, &d->measuring.plan);
    if (!s->source)
        return -1;
    const size_t all = idem_picture_source_count(s->source), most = (size_t)d->o->count;
    s->n = all < most ? all : most;
    return check_count(s, "");
}

static void close_set(set *s) {
    idem_picture_source_free(s->source);
    free(s->rows);
    idem_spectrum_free(s->spectra[0]);
    idem_spectrum_free(s->spectra[1]);
}

/* The smaller generator's size, so that both are compared at a size that both can make. */
static int common_size(const work *d) {
    const int a = idem_picture_source_side(d->a.source), b = idem_picture_source_side(d->b.source);
    return d->o->size ? d->o->size : a && b ? (a < b ? a : b) : a ? a : b ? b : SIDE;
}

static void on_bad(void *user, const char *why) {
    work *d = user;
    idem_measuring_on_bad(&d->measuring, why);
    d->bad++;
}

static int reserve(const work *d, set *s) {
    for (int i = 0; i < 2 && d->o->spectrum; i++)
        if (!(s->spectra[i] = idem_spectrum_new(d->size)))
            return -1;
    if (d->o->spectrum || (s->rows = malloc(s->n * idem_features_width(d->features) * sizeof *s->rows)))
        return 0;
    return idem_fail_as(IDEM_MEMORY, "out of memory for the features of %zu pictures", s->n);
}

/* x: pictures from `done` on. */
static int take(const work *d, const set *s, size_t done, size_t n, const float *x) {
    if (!d->o->spectrum)
        return idem_features_run(d->features, n, x, s->rows + done * idem_features_width(d->features));
    for (size_t i = 0; i < n; i++)
        idem_spectrum_add(s->spectra[(done + i) % 2], x + i * (size_t)d->size * (size_t)d->size * 3);
    return 0;
}

static int measure(work *d, set *s, size_t before, size_t all) {
    float *x = malloc(BATCH * (size_t)d->size * (size_t)d->size * 3 * sizeof *x);
    int status = x ? reserve(d, s) : idem_fail_as(IDEM_MEMORY, "out of memory for pictures"), got = 1;
    size_t done = 0;
    while (done < s->n && got > 0 && !status) {
        const size_t some = s->n - done < BATCH ? s->n - done : BATCH;
        if (idem_measuring_stopped(&d->measuring))
            status = idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        else if ((got = idem_picture_source_next(s->source, some, d->size, x, on_bad, d)) < 0)
            status = -1;
        else if (got)
            status = take(d, s, done, (size_t)got, x);
        done += got > 0 ? (size_t)got : 0;
        idem_measuring_tell(&d->measuring, "measuring", before + done, all);
    }
    free(x);
    s->n = done;
    return status ? -1 : check_count(s, "readable ");
}

/* ---- results ---- */

static json_t *set_json(const work *d, const set *s) {
    char *name = idem_name_shown(s->path);
    json_t *j = name ? json_pack("{s:s, s:I}", "path", name, "n", (json_int_t)s->n) : NULL;
    free(name);
    if (idem_picture_source_side(s->source))
        json_object_set_new(j, "truncation", json_real(d->o->truncation));
    else
        json_object_set_new(j, "other_files", json_integer((json_int_t)idem_picture_source_others(s->source)));
    return j;
}

static json_t *about(const work *d, double start) {
    return json_pack("{s:i, s:o, s:o, s:i, s:f}", "size", d->size, "a", set_json(d, &d->a), "b", set_json(d, &d->b),
                     "unreadable", d->bad, "seconds", idem_clock() - start);
}

static json_t *spectra(const work *d, double start) {
    idem_spectrum_report sets, halves;
    idem_spectrum_join(d->a.spectra[0], d->a.spectra[1]);
    if (idem_spectrum_report_make(&sets, &halves, d->a.spectra[0], d->b.spectra))
        return NULL;
    json_t *j = about(d, start);
    json_object_update_new(j, idem_spectrum_report_json(&sets, &halves, d->a.spectra[0], d->b.spectra[0]));
    return j;
}

static json_t *distance(const work *d, double start) {
    const size_t width = idem_features_width(d->features), half = d->b.n / 2;
    double distance, halves;
    if (idem_frechet(&distance, d->a.rows, d->a.n, d->b.rows, d->b.n, width) ||
        idem_frechet_halves(&halves, d->b.rows, d->b.n, width, d->o->seed))
        return NULL;
    json_t *j = about(d, start);
    json_object_update_new(j, json_pack("{s:f, s:s, s:I, s:{s:f, s:I}}", "distance", distance, "features",
                                        idem_features_name(d->features), "width", (json_int_t)width, "halves_of_b",
                                        "distance", halves, "n", (json_int_t)half));
    return j;
}

static json_t *run(work *d) {
    const double start = idem_clock();
    if (open_set(d, &d->a, d->o->a) || open_set(d, &d->b, d->o->b))
        return NULL;
    d->size = common_size(d);
    if (!d->o->spectrum &&
        !(d->features = idem_features_new(d->o->models, d->o->fid_net, d->size, BATCH, &d->measuring.plan)))
        return NULL;
    const size_t all = d->a.n + d->b.n, first = d->a.n;
    if (measure(d, &d->a, 0, all) || measure(d, &d->b, first, all))
        return NULL;
    return d->o->spectrum ? spectra(d, start) : distance(d, start);
}

int idem_measure_distance(const idem_measure_distance_options *options, char **json) {
    if (json)
        *json = NULL;
    work d = {.o = options};
    if (check(options) || idem_measuring_begin(&d.measuring, call, &options->watch, options->threads))
        return -1;
    json_t *j = run(&d);
    char *text = j ? idem_measuring_text(j, DIGITS, &options->seed) : NULL;
    idem_features_free(d.features);
    close_set(&d.a);
    close_set(&d.b);
    const int status = text ? 0 : -1;
    idem_measuring_give(text, json);
    return idem_measuring_end(&d.measuring, status);
}
