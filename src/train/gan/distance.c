#define _POSIX_C_SOURCE 200809L
#include "train/gan/distance.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "measure/features.h"
#include "measure/frechet.h"
#include "train/world_share.h"

enum { BATCH = 8, SOME = 64, SEED = 0 };

struct idem_gan_distance {
    const idem_gan_data *data;
    const idem_run *run;
    char *file; /* the stored features, in the run's folder; NULL: not stored, as on ranks above 0 */
    idem_measure_share share;
    idem_features *features;
    size_t n, picture;  /* pictures; floats per picture */
    float *real, *made; /* features [n, width]; real is NULL until first used */
    double halves;
};

idem_gan_distance *idem_gan_distance_new(const idem_gan_data *data, const idem_run *run, size_t most,
                                         const idem_plan_options *options) {
    const size_t count = idem_gan_data_count(data);
    if (count < 4)
        return idem_fail_null("%zu training pictures are too few for a distance: give settings.distance-every=0",
                              count);
    idem_gan_distance *d = calloc(1, sizeof *d);
    if (!d)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for distances");
    const int side = idem_gan_data_side(data);
    *d = (idem_gan_distance){.data = data,
                             .run = run,
                             .file = run->path ? idem_path_join(run->path, "pictures.features") : NULL,
                             .share = idem_world_share(run->world),
                             .n = count < most ? count : most,
                             .picture = (size_t)side * (size_t)side * 3};
    d->features = idem_features_new(NULL, NULL, side, BATCH, options);
    if (!d->features) {
        char why[512];
        snprintf(why, sizeof why, "%s", idem_error());
        idem_fail_more("%s; or do without distances: settings.distance-every=0", why);
    } else {
        d->made = malloc(d->n * idem_features_width(d->features) * sizeof *d->made);
        if (!d->made || (run->path && !d->file))
            idem_fail_as(IDEM_MEMORY, "out of memory for the features of %zu pictures", d->n);
    }
    if (!d->made || (run->path && !d->file)) {
        idem_gan_distance_free(d);
        return NULL;
    }
    return d;
}

void idem_gan_distance_free(idem_gan_distance *d) {
    if (!d)
        return;
    idem_features_free(d->features);
    free(d->file);
    free(d->real);
    free(d->made);
    free(d);
}

/* Features of n pictures in [-1, 1]; overwrites x. */
static int measure(const idem_gan_distance *d, size_t n, float *x, float *rows) {
    const volatile sig_atomic_t *stop = idem_run_stop(d->run);
    if (stop && *stop)
        return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    for (size_t i = 0; i < n * d->picture; i++)
        x[i] = (x[i] + 1) / 2;
    return idem_features_run(d->features, n, x, rows);
}

/* ---- the training pictures ---- */

/* 1: read, 0: no stored features of these pictures by this network. */
static int read_rows(const idem_gan_distance *d, float *rows) {
    idem_weights *w;
    if (!d->file || !idem_path_exists(d->file) || idem_weights_load(&w, d->file))
        return 0;
    const char *features = idem_weights_meta(w, "features"), *data = idem_weights_meta(w, "data");
    const idem_weight *t = idem_weights_find(w, "rows");
    const size_t count = d->n * idem_features_width(d->features);
    const int found = features && data && t && !strcmp(features, idem_features_name(d->features)) &&
                      !strcmp(data, idem_gan_data_hash(d->data)) && (size_t)idem_shape_count(&t->shape) == count;
    if (found)
        memcpy(rows, t->data, count * sizeof *rows);
    idem_weights_free(w);
    return found;
}

static int write_rows(const idem_gan_distance *d, const float *rows) {
    idem_weights *w = idem_weights_new();
    const size_t width = idem_features_width(d->features);
    idem_weight *t = w ? idem_weights_add(w, "rows", IDEM_SHAPE((int64_t)d->n, (int64_t)width)) : NULL;
    if (t)
        memcpy(t->data, rows, d->n * width * sizeof *rows);
    const int status = !t || idem_weights_set_meta(w, "features", idem_features_name(d->features)) ||
                               idem_weights_set_meta(w, "data", idem_gan_data_hash(d->data)) ||
                               idem_weights_save(w, d->file, IDEM_DTYPE_F32)
                           ? -1
                           : 0;
    idem_weights_free(w);
    return status;
}

/* Whether rank 0 has read them. */
static int agree(const idem_gan_distance *d, bool *found) {
    float any = *found;
    if (idem_share_join(&d->share, &any, 1))
        return -1;
    *found = any > 0;
    return 0;
}

/* rows: 0 */
static int look_at_pictures(const idem_gan_distance *d, float *rows, float *x) {
    const size_t width = idem_features_width(d->features);
    for (size_t first = 0; first < d->n; first += BATCH) {
        const size_t some = d->n - first < BATCH ? d->n - first : BATCH;
        if (!idem_share_has(&d->share, first / BATCH))
            continue;
        idem_gan_data_look(d->data, false, first, some, x);
        if (measure(d, some, x, rows + first * width))
            return -1;
    }
    return idem_share_join(&d->share, rows, d->n * width);
}

static int find_real(idem_gan_distance *d) {
    const size_t width = idem_features_width(d->features);
    float *rows = calloc(d->n * width, sizeof *rows), *x = malloc(BATCH * d->picture * sizeof *x);
    int status = rows && x ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the features of %zu pictures", d->n);
    bool found = !status && read_rows(d, rows);
    status = status || agree(d, &found) ? -1 : 0;
    if (!status && !found)
        status = look_at_pictures(d, rows, x) || (d->file && write_rows(d, rows)) ? -1 : 0;
    free(x);
    if (status || (!d->share.rank && idem_frechet_halves(&d->halves, rows, d->n, width, SEED))) {
        free(rows);
        return -1;
    }
    d->real = rows;
    return 0;
}

/* ---- samples ---- */

static int find_made(idem_gan_distance *d, idem_gan_sampler *s) {
    const size_t z_dim = idem_gan_sampler_z(s), width = idem_features_width(d->features);
    memset(d->made, 0, d->n * width * sizeof *d->made);
    float *z = malloc(SOME * z_dim * sizeof *z), *x = malloc(SOME * d->picture * sizeof *x);
    int status = z && x ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for samples");
    idem_rng rng = idem_rng_make(SEED, "gan.distance");
    for (size_t first = 0; first < d->n && !status; first += SOME) {
        const size_t some = d->n - first < SOME ? d->n - first : SOME;
        idem_rng_fill_normal(&rng, z, SOME * z_dim);
        if (!idem_share_has(&d->share, first / SOME))
            continue;
        status = idem_gan_sampler_run(s, some, z, 1, x) || measure(d, some, x, d->made + first * width) ? -1 : 0;
    }
    free(z);
    free(x);
    return status || idem_share_join(&d->share, d->made, d->n * width) ? -1 : 0;
}

/* Only on rank 0. */
static int log_distance(const idem_gan_distance *d, void (*note)(void *user, const char *line)) {
    const idem_run *run = d->run;
    const char *features = idem_features_name(d->features);
    double distance;
    char line[256];
    if (idem_frechet(&distance, d->made, d->n, d->real, d->n, idem_features_width(d->features)))
        return -1;
    if (!run->log)
        return 0;
    snprintf(line, sizeof line,
             "Frechet distance after %" PRId64 " pictures: %.3f (n = %zu), two halves of the data: %.3f (n = %zu), by "
             "%s",
             run->state->shown, distance, d->n, d->halves, d->n / 2, features);
    if (note)
        note(run->options.user, line);
    const idem_metric rows[] = {{"pictures", (double)run->state->shown},
                                {"frechet_mobilenetv2", distance},
                                {"frechet_mobilenetv2_halves", d->halves},
                                {"n", (double)d->n}};
    return idem_metrics_log_write(run->log, "distance", run->state->iteration, rows, sizeof rows / sizeof *rows);
}

int idem_gan_distance_write(idem_gan_distance *d, idem_gan_sampler *s, void (*note)(void *user, const char *line)) {
    return (!d->real && find_real(d)) || find_made(d, s) || (!d->share.rank && log_distance(d, note)) ? -1 : 0;
}
