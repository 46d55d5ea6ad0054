#include "engine/conv_taps.h"

#include <stdlib.h>
#include <string.h>

#include "engine/dnn.h"
#include "engine/op.h"

enum { LANES = 16 }; /* a thread's channels are a multiple of this */

/* One position that a tap reaches: pixel indices of the input and of the output, counted over all pictures. */
typedef struct {
    int64_t x, y;
} pair;

struct idem_conv_taps {
    idem_conv_dims d;
    int64_t edge_h, edge_w; /* of a data gradient: only rows and columns from here on are computed; 0: all */
    int taps, threads;
    int64_t most;   /* most pairs of a tap */
    int64_t *first; /* taps + 1: where a tap's pairs start */
    pair *pairs;
};

bool idem_conv_taps_fits(const idem_conv_dims *d) {
    return d->win.groups == 1;
}

bool idem_conv_taps_pays(const idem_conv_dims *d, bool frozen) {
    int64_t one = d->oh * d->ow, all = d->n * one;
    bool stride = d->win.stride[0] > 1 || d->win.stride[1] > 1;
    if (!idem_conv_taps_fits(d) || d->win.kernel[0] * d->win.kernel[1] == 1 || d->i * d->o < 128 * 128 || all > 1024)
        return false;
    /* For 2x2 pictures and strides the direct kernels spend most time on padding. The other kernels reorder or
     * transform weights that are not frozen, which does not pay for a few small pictures. */
    return one <= 4 || stride || (!frozen && one <= 16 && all <= 128);
}

static bool on_edge(const idem_conv_taps *c, int64_t h, int64_t w) {
    return h >= c->edge_h || w >= c->edge_w;
}

static int64_t list_pairs(const idem_conv_taps *c, int tap, pair *out) {
    const idem_conv_dims *d = &c->d;
    const idem_window *win = &d->win;
    int64_t count = 0;
    for (int64_t p = 0; p < d->n * d->oh * d->ow; p++) {
        int64_t n = p / (d->oh * d->ow), oh = p / d->ow % d->oh, ow = p % d->ow;
        int64_t h = oh * win->stride[0] + tap / win->kernel[1] * win->dilation[0] - win->pad[0];
        int64_t w = ow * win->stride[1] + tap % win->kernel[1] * win->dilation[1] - win->pad[1];
        if (h >= 0 && h < d->h && w >= 0 && w < d->w && on_edge(c, h, w))
            out[count++] = (pair){(n * d->h + h) * d->w + w, p};
    }
    return count;
}

idem_conv_taps *idem_conv_taps_new(const idem_conv_dims *d) {
    return idem_conv_taps_new_edge(d, 0, 0);
}

idem_conv_taps *idem_conv_taps_new_edge(const idem_conv_dims *d, int64_t h, int64_t w) {
    idem_conv_taps *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    c->d = *d;
    c->edge_h = h;
    c->edge_w = w;
    c->taps = d->win.kernel[0] * d->win.kernel[1];
    c->threads = idem_threads();
    c->first = calloc((size_t)c->taps + 1, sizeof *c->first);
    c->pairs = calloc((size_t)(c->taps * d->n * d->oh * d->ow), sizeof *c->pairs);
    if (!c->first || !c->pairs) {
        idem_conv_taps_free(c);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    }
    for (int t = 0; t < c->taps; t++) {
        int64_t count = list_pairs(c, t, c->pairs + c->first[t]);
        c->first[t + 1] = c->first[t] + count;
        c->most = count > c->most ? count : c->most;
    }
    return c;
}

void idem_conv_taps_free(idem_conv_taps *c) {
    if (!c)
        return;
    free(c->first);
    free(c->pairs);
    free(c);
}

static size_t own_scratch(const idem_conv_taps *c) {
    return (size_t)(c->most * (c->d.i + c->d.o)) * sizeof(float);
}

size_t idem_conv_taps_scratch(const idem_conv_taps *c) {
    return (size_t)c->threads * own_scratch(c);
}

/* factors: of every picture of `pixels` pixels and channel; NULL: none */
IDEM_MULTIVERSION
static void gather(float *rows, const float *values, const float *factors, int64_t pixels, const pair *pairs,
                   int64_t count, bool output, int64_t width) {
    for (int64_t r = 0; r < count; r++, rows += width) {
        const int64_t pixel = output ? pairs[r].y : pairs[r].x;
        memcpy(rows, values + pixel * width, (size_t)width * sizeof *rows);
        for (int64_t i = 0; factors && i < width; i++)
            rows[i] *= factors[pixel / pixels * width + i];
    }
}

/* width numbers of each row; values' rows are `stride` apart. */
IDEM_MULTIVERSION
static void scatter_add(float *values, int64_t stride, const float *rows, const pair *pairs, int64_t count, bool output,
                        int64_t width) {
    for (int64_t r = 0; r < count; r++) {
        float *to = values + (output ? pairs[r].y : pairs[r].x) * stride;
        for (int64_t i = 0; i < width; i++)
            to[i] += rows[r * width + i];
    }
}

static void start_sums(const idem_conv_taps *c, const float *bias, float *out) {
    const idem_conv_dims *d = &c->d;
    if (d->way == IDEM_CONV_WEIGHT) /* written completely, except taps that reach nothing */
        for (int t = 0; t < c->taps; t++)
            for (int64_t o = 0; c->first[t] == c->first[t + 1] && o < d->o; o++)
                memset(out + (o * c->taps + t) * d->i, 0, (size_t)d->i * sizeof *out);
    else if (d->way == IDEM_CONV_DATA)
        for (int64_t row = 0; row < d->n * d->h; row++) {
            int64_t from = row % d->h >= c->edge_h ? 0 : c->edge_w;
            memset(out + (row * d->w + from) * d->i, 0, (size_t)((d->w - from) * d->i) * sizeof *out);
        }
    else if (!d->bias)
        memset(out, 0, (size_t)(d->n * d->oh * d->ow * d->o) * sizeof *out);
    else
        for (int64_t p = 0; p < d->n * d->oh * d->ow; p++)
            memcpy(out + p * d->o, bias, (size_t)d->o * sizeof *out);
}

/* Channels from..to of the result (of a weight gradient, of its output channels). */
static void run_channels(const idem_conv_taps *c, const float *const *in, const float *factors, float *out, float *x,
                         int64_t from, int64_t to) {
    const idem_conv_dims *d = &c->d;
    float *y = x + c->most * d->i; /* rows that a tap reaches */
    const int64_t stride = c->taps * d->i, width = to - from, x_pixels = d->h * d->w, y_pixels = d->oh * d->ow;
    for (int t = 0; t < c->taps; t++) {
        const pair *pairs = c->pairs + c->first[t];
        int64_t count = c->first[t + 1] - c->first[t], at = t * d->i;
        if (count == 0)
            continue;
        if (d->way == IDEM_CONV_FORWARD) {
            gather(x, in[0], factors, x_pixels, pairs, count, false, d->i);
            idem_dnn_gemm(count, width, d->i, (idem_dnn_matrix){x, d->i, false},
                          (idem_dnn_matrix){in[1] + from * stride + at, stride, true}, 0, y, width);
            scatter_add(out + from, d->o, y, pairs, count, true, width);
        } else if (d->way == IDEM_CONV_DATA) {
            gather(y, in[0], factors, y_pixels, pairs, count, true, d->o);
            idem_dnn_gemm(count, width, d->o, (idem_dnn_matrix){y, d->o, false},
                          (idem_dnn_matrix){in[1] + at + from, stride, false}, 0, x, width);
            scatter_add(out + from, d->i, x, pairs, count, false, width);
        } else {
            gather(x, in[0], NULL, x_pixels, pairs, count, false, d->i);
            gather(y, in[1], NULL, y_pixels, pairs, count, true, d->o);
            idem_dnn_gemm(width, d->i, count, (idem_dnn_matrix){y + from, d->o, true},
                          (idem_dnn_matrix){x, d->i, false}, 0, out + from * stride + at, stride);
        }
    }
}

/* The library's product of few rows uses one thread: each thread takes its part of the channels. */
void idem_conv_taps_run(const idem_conv_taps *c, const float *const *in, const float *factors, float *out,
                        void *scratch) {
    const idem_conv_dims *d = &c->d;
    const int64_t channels = d->way == IDEM_CONV_DATA ? d->i : d->o, parts = c->threads;
    start_sums(c, d->bias ? in[2] : NULL, out);
#pragma omp parallel for num_threads(c->threads) schedule(static) if (c->threads > 1)
    for (int64_t part = 0; part < parts; part++) {
        const int64_t from = part * (channels / LANES) / parts * LANES;
        const int64_t to = part + 1 == parts ? channels : (part + 1) * (channels / LANES) / parts * LANES;
        if (from < to)
            run_channels(c, in, factors, out, (float *)((char *)scratch + (size_t)part * own_scratch(c)), from, to);
    }
}
