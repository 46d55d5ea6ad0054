/* Pairs drawn from the generator. A random number is a function of its position in the stream, so pair i is drawn again
 * on each request. */
#include <stdlib.h>

#include "base/rng.h"
#include "base/status.h"
#include "measure/pairs.h"
#include "media/image.h"
#include "model/pipe.h"

enum { NUMBERS_OF_NORMAL = 2 }; /* numbers of the stream per normally distributed number */

typedef struct {
    int n;
    uint64_t seed;
    size_t z_dim, w_dim, picture;
    idem_pipe *sample, *map; /* z to picture; z to w, opened at first use */
    idem_model *model;
    int batch;
    float psi;
    idem_plan_options plan;
    float *z; /* [capacity, Z] */
    int capacity;
} drawn;

/* z of one side of the pairs; all identities come before the attributes in the stream. */
static int fill(drawn *d, const int *which, int n, int side) {
    if (n > d->capacity) {
        float *z = realloc(d->z, (size_t)n * d->z_dim * sizeof *z);
        if (!z)
            return idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n);
        d->z = z;
        d->capacity = n;
    }
    idem_rng r = idem_rng_make(d->seed, "evaluation");
    for (int i = 0; i < n; i++) {
        r.counter = ((uint64_t)side * (uint64_t)d->n + (uint64_t)which[i]) * d->z_dim * NUMBERS_OF_NORMAL;
        idem_rng_fill_normal(&r, d->z + (size_t)i * d->z_dim, d->z_dim);
    }
    return 0;
}

static int draw(void *self, const int *which, int n, float *x_id, float *x_attr) {
    drawn *d = self;
    float *const x[2] = {x_id, x_attr};
    for (int side = 0; side < 2; side++) {
        if (!x[side])
            continue;
        if (fill(d, which, n, side) ||
            idem_pipe_run(d->sample, (size_t)n, (const float *const[]){d->z, NULL}, (float *const[]){NULL, x[side]}))
            return -1;
        idem_image_quantise(x[side], (size_t)n * d->picture);
    }
    return 0;
}

static int codes(void *self, const int *which, int n, float *w_id, float *w_attr) {
    drawn *d = self;
    float *const w[2] = {w_id, w_attr};
    if (!d->map && !(d->map = idem_pipe_new(d->model, IDEM_PIPE_MAPPING, d->batch, d->psi, &d->plan)))
        return -1;
    for (int side = 0; side < 2; side++)
        if (w[side] && (fill(d, which, n, side) || idem_pipe_run(d->map, (size_t)n, (const float *const[]){d->z, NULL},
                                                                 (float *const[]){w[side], NULL})))
            return -1;
    return 0;
}

static void forget(void *self) {
    drawn *d = self;
    idem_pipe_free(d->sample);
    idem_pipe_free(d->map);
    free(d->z);
    free(d);
}

idem_pairs *idem_pairs_draw(idem_model *m, int n, float psi, uint64_t seed, int batch, const idem_plan_options *plan) {
    static const idem_pairs_kind kind = {.read_many = draw, .codes = codes, .free = forget};
    const idem_model_info *info = idem_model_about(m);
    drawn *d = calloc(1, sizeof *d);
    if (!d)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    *d = (drawn){.n = n, .seed = seed, .model = m, .batch = batch, .psi = psi};
    d->z_dim = (size_t)info->z_dim;
    d->w_dim = (size_t)info->w_dim;
    d->picture = (size_t)info->size * (size_t)info->size * 3;
    if (plan)
        d->plan = *plan;
    if (!(d->sample = idem_pipe_new(m, IDEM_PIPE_SAMPLE, batch, psi, &d->plan))) {
        forget(d);
        return NULL;
    }
    return idem_pairs_new(&kind, d, n, info->size);
}

double idem_pairs_truncation(const idem_model *m, double otherwise) {
    const idem_weights *w = idem_model_trained(m);
    const char *text = w ? idem_weights_meta(w, "option.truncation") : NULL;
    const double psi = text ? strtod(text, NULL) : otherwise;
    return psi >= 0 && psi <= 1 ? psi : otherwise;
}
