#include "engine/conv_narrow.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/dnn.h"
#include "engine/op.h"

enum { BAND_BYTES = 192 << 10 }; /* of products: they stay in a core's second-level cache */

struct idem_conv_narrow {
    idem_conv_dims d;
    int64_t window; /* floats of one position's window */
    int64_t band;   /* rows of dx that one thread computes at a time */
    int64_t most;   /* rows of dy that reach a band */
    int threads;
};

bool idem_conv_narrow_fits(const idem_conv_dims *d) {
    return d->way == IDEM_CONV_DATA && d->win.groups == 1 && d->win.dilation[0] == 1 && d->win.dilation[1] == 1;
}

bool idem_conv_narrow_pays(const idem_conv_dims *d) {
    return idem_conv_narrow_fits(d) && d->i <= 4 && d->o >= 32 && d->win.kernel[0] == 3 && d->win.kernel[1] == 3;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

/* Rows first .. last-1 of dy whose windows reach rows a .. b-1 of dx. */
static void reaching(const idem_conv_dims *d, int64_t a, int64_t b, int64_t *first, int64_t *last) {
    int64_t s = d->win.stride[0], low = a + d->win.pad[0] - d->win.kernel[0] + 1;
    *first = clamp(low > 0 ? (low + s - 1) / s : 0, 0, d->oh);
    *last = clamp((b - 1 + d->win.pad[0]) / s + 1, *first, d->oh);
}

idem_conv_narrow *idem_conv_narrow_new(const idem_conv_dims *d) {
    idem_conv_narrow *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    *c = (idem_conv_narrow){.d = *d, .threads = idem_threads()};
    c->window = (int64_t)d->win.kernel[0] * d->win.kernel[1] * d->i;
    /* Bands that fit the cache, and at least one for every thread. */
    int64_t fit = BAND_BYTES / (c->window * d->ow * (int64_t)sizeof(float)) * d->win.stride[0];
    int64_t share = (d->h * d->n + c->threads - 1) / c->threads;
    c->band = clamp(fit < share ? fit : share, 1, d->h);
    for (int64_t a = 0; a < d->h; a += c->band) {
        int64_t first, last;
        reaching(d, a, clamp(a + c->band, 0, d->h), &first, &last);
        c->most = last - first > c->most ? last - first : c->most;
    }
    return c;
}

void idem_conv_narrow_free(idem_conv_narrow *c) {
    free(c);
}

size_t idem_conv_narrow_scratch(const idem_conv_narrow *c) {
    return (size_t)(c->threads * c->most * c->d.ow * c->window) * sizeof(float);
}

/* Adds the windows of dy's row oh to those of their rows that lie in a .. b-1; x is the picture. */
IDEM_MULTIVERSION
static void add_windows(const idem_conv_dims *d, const float *products, int64_t window, int64_t oh, int64_t a,
                        int64_t b, float *x) {
    int64_t kw = d->win.kernel[1], line = kw * d->i;
    for (int64_t k = 0; k < d->win.kernel[0]; k++) {
        int64_t h = oh * d->win.stride[0] + k - d->win.pad[0];
        if (h < a || h >= b)
            continue;
        for (int64_t ow = 0; ow < d->ow; ow++) {
            const float *from = products + ow * window + k * line;
            int64_t left = ow * d->win.stride[1] - d->win.pad[1], skip = left < 0 ? -left * d->i : 0;
            int64_t over = left + kw > d->w ? (left + kw - d->w) * d->i : 0;
            float *to = x + (h * d->w + left) * d->i;
            for (int64_t j = skip; j < line - over; j++)
                to[j] += from[j];
        }
    }
}

void idem_conv_narrow_run(const idem_conv_narrow *c, const float *dy, const float *weight, float *dx, void *scratch) {
    const idem_conv_dims *d = &c->d;
    int64_t bands = (d->h + c->band - 1) / c->band;
#pragma omp parallel for num_threads(c->threads) schedule(static)
    for (int64_t job = 0; job < d->n * bands; job++) {
        int64_t n = job / bands, a = job % bands * c->band, b = clamp(a + c->band, 0, d->h), first, last;
        float *products = (float *)scratch + omp_get_thread_num() * c->most * d->ow * c->window;
        float *x = dx + n * d->h * d->w * d->i;
        memset(x + a * d->w * d->i, 0, (size_t)((b - a) * d->w * d->i) * sizeof *x);
        reaching(d, a, b, &first, &last);
        if (first == last)
            continue;
        idem_dnn_gemm((last - first) * d->ow, c->window, d->o,
                      (idem_dnn_matrix){dy + (n * d->oh + first) * d->ow * d->o, d->o, false},
                      (idem_dnn_matrix){weight, c->window, false}, 0, products, c->window);
        for (int64_t oh = first; oh < last; oh++)
            add_windows(d, products + (oh - first) * d->ow * c->window, c->window, oh, a, b, x);
    }
}
