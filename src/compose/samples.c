#include "compose/samples.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/status.h"

/* w [W] to ws [L, W]: the first cutoff layers truncated. */
static void spread(const idem_model_info *m, const idem_sampler_options *o, float *ws, const float *w) {
    for (int l = 0; l < m->layers; l++)
        for (int k = 0; k < m->w_dim; k++) {
            float mean = m->mean_w[k];
            bool pulled = o->cutoff < 0 || l < o->cutoff;
            ws[l * m->w_dim + k] = pulled ? mean + (float)o->truncation * (w[k] - mean) : w[k];
        }
}

int idem_samples(idem_studio *s, const idem_sampler_options *o, uint64_t first, int n, float *ws, float *y) {
    idem_pipe *mapping = idem_studio_pipe(s, IDEM_PIPE_MAPPING, 1);
    idem_pipe *layers = mapping && y ? idem_studio_pipe(s, IDEM_PIPE_LAYERS, 1) : NULL;
    if (!mapping || (y && !layers))
        return -1;
    const idem_model_info *m = idem_studio_about(s);
    const size_t z_dim = (size_t)m->z_dim, w_dim = (size_t)m->w_dim;
    float *z = malloc((size_t)n * (z_dim + w_dim) * sizeof *z), *w = z ? z + (size_t)n * z_dim : NULL;
    if (!z)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n);
    idem_rng r = idem_rng_make(o->seed, "sample");
    r.counter = first * 2 * (uint64_t)z_dim;
    idem_rng_fill_normal(&r, z, (size_t)n * z_dim);
    int status = idem_pipe_run(mapping, (size_t)n, (const float *const[]){z, NULL}, (float *const[]){w, NULL});
    for (int i = 0; i < n && !status; i++)
        spread(m, o, ws + (size_t)i * (size_t)m->layers * w_dim, w + (size_t)i * w_dim);
    free(z);
    if (status || !y)
        return status;
    return idem_pipe_run(layers, (size_t)n, (const float *const[]){ws, NULL}, (float *const[]){y, NULL});
}
