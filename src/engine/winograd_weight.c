#include "engine/winograd_weight.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op.h"
#include "engine/winograd_private.h"

enum {
    PATCH = WINOGRAD_PATCH,
    BLOCK_BYTES = 3 << 20 /* transformed values of a block: they stay in the last-level cache */
};

/* With x's patches V[point][patch][i] and the gradient's Y[point][patch][o], the sums S[point] = Y' V over all patches
 * are the filters' gradient in transformed form. */
struct idem_winograd_weight {
    const idem_winograd_kernels *kernels;
    int64_t n, i, h, w, o, oh, ow, top, left;
    int64_t rows, columns, patches;
    int64_t block;    /* patches */
    int64_t panels;   /* of nr input channels */
    int64_t v_stride; /* floats between points of one panel of V, [patch][nr] */
    int64_t y_stride, s_stride;
    int64_t v_floats, y_floats, s_floats;
    int threads;
    float *zeros;
};

bool idem_winograd_weight_fits(const idem_conv_dims *d) {
    const idem_window *win = &d->win;
    for (int a = 0; a < 2; a++)
        if (win->kernel[a] != 3 || win->stride[a] != 1 || win->dilation[a] != 1)
            return false;
    return d->way == IDEM_CONV_WEIGHT && win->groups == 1 && d->i % 8 == 0 && d->o % 8 == 0;
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

bool idem_winograd_weight_pays(const idem_conv_dims *d) {
    if (!idem_winograd_weight_fits(d))
        return false;
    int64_t one = ceil_div(d->oh, PATCH) * ceil_div(d->ow, PATCH), patches = d->n * one;
    enum { WIDEST = 16 };
    /* half-empty panels and patches reduce the gain */
    return d->i >= 16 && d->i >= idem_winograd_kernels_between(d->i, d->o, WIDEST)->nr &&
           2 * d->oh * d->ow >= one * PATCH * PATCH && patches >= 8;
}

idem_winograd_weight *idem_winograd_weight_new(const idem_conv_dims *d, int width) {
    idem_winograd_weight *w = calloc(1, sizeof *w);
    if (!w)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    *w = (idem_winograd_weight){.kernels = idem_winograd_kernels_between(d->i, d->o, width),
                                .n = d->n,
                                .i = d->i,
                                .h = d->h,
                                .w = d->w,
                                .o = d->o,
                                .oh = d->oh,
                                .ow = d->ow,
                                .top = d->win.pad[0],
                                .left = d->win.pad[1],
                                .rows = ceil_div(d->oh, PATCH),
                                .columns = ceil_div(d->ow, PATCH),
                                .threads = idem_threads()};
    int64_t nr = w->kernels->nr;
    w->patches = w->n * w->rows * w->columns;
    w->panels = ceil_div(w->i, nr);
    int64_t most = BLOCK_BYTES / (WINOGRAD_POINTS * (w->panels * nr + w->o) * (int64_t)sizeof(float));
    w->block = ceil_div(w->patches, ceil_div(w->patches, most < 8 ? 8 : most));
    /* An odd multiple of a cache line keeps the 36 points in different cache sets. */
    w->v_stride = w->block * nr + 16;
    w->y_stride = w->block * w->o + 16;
    w->s_stride = w->o * w->panels * nr + 16;
    w->v_floats = w->panels * WINOGRAD_POINTS * w->v_stride;
    w->y_floats = WINOGRAD_POINTS * w->y_stride;
    w->s_floats = WINOGRAD_POINTS * w->s_stride;
    w->zeros = calloc((size_t)(w->i > w->o ? w->i : w->o) + (size_t)nr, sizeof *w->zeros);
    if (!w->zeros) {
        free(w);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    }
    return w;
}

void idem_winograd_weight_free(idem_winograd_weight *w) {
    if (!w)
        return;
    free(w->zeros);
    free(w);
}

const char *idem_winograd_weight_kernel(const idem_winograd_weight *w) {
    return w->kernels->floats.name;
}

size_t idem_winograd_weight_scratch(const idem_winograd_weight *w) {
    return (size_t)(w->v_floats + w->y_floats + w->s_floats) * sizeof(float);
}

/* Patch t, at index `at` of the block. */
static void transform_patch(const idem_winograd_weight *w, const float *x, const float *dy, int64_t t, int64_t at,
                            float *v, float *y) {
    const idem_winograd_kernels *k = w->kernels;
    int64_t n = t / (w->rows * w->columns), r = t / w->columns % w->rows * PATCH, c = t % w->columns * PATCH;
    const float *pixel[WINOGRAD_POINTS];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            int64_t a = r + i - w->top, b = c + j - w->left;
            bool inside = a >= 0 && a < w->h && b >= 0 && b < w->w;
            pixel[6 * i + j] = inside ? x + ((n * w->h + a) * w->w + b) * w->i : w->zeros;
        }
    for (int64_t p = 0; p < w->panels; p++) {
        int64_t left = w->i - p * k->nr, channels = left < k->nr ? left : k->nr;
        float *to = v + p * WINOGRAD_POINTS * w->v_stride + at * k->nr;
        k->floats.input[WINOGRAD_SAME](pixel, NULL, channels, to, w->v_stride);
        for (int point = 0; point < WINOGRAD_POINTS; point++) {
            pixel[point] += channels;
            for (int64_t z = channels; z < k->nr; z++) /* columns beyond the last channel: finite, unused */
                to[point * w->v_stride + z] = 0;
        }
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            bool inside = r + i < w->oh && c + j < w->ow;
            pixel[4 * i + j] = inside ? dy + ((n * w->oh + r + i) * w->ow + c + j) * w->o : w->zeros;
        }
    k->expand(pixel, w->o, y + at * w->o, w->y_stride);
}

void idem_winograd_weight_run(const idem_winograd_weight *w, const float *x, const float *dy, float *dw,
                              void *scratch) {
    const idem_winograd_kernels *k = w->kernels;
    float *v = scratch, *y = v + w->v_floats, *s = y + w->y_floats;
    int64_t lds = w->panels * k->nr;
#pragma omp parallel num_threads(w->threads)
    for (int64_t first = 0; first < w->patches; first += w->block) {
        int64_t count = w->patches - first < w->block ? w->patches - first : w->block;
#pragma omp for schedule(static)
        for (int64_t t = 0; t < count; t++)
            transform_patch(w, x, dy, first + t, t, v, y);
#pragma omp for schedule(static)
        for (int point = 0; point < WINOGRAD_POINTS; point++) {
            float *sums = s + point * w->s_stride;
            if (first == 0)
                memset(sums, 0, (size_t)(w->o * lds) * sizeof *sums);
            for (int64_t p = 0; p < w->panels; p++)
                k->product_add(y + point * w->y_stride, w->o, v + (p * WINOGRAD_POINTS + point) * w->v_stride, count,
                               sums + p * k->nr, lds, w->o);
        }
    }
#pragma omp parallel for num_threads(w->threads) schedule(static)
    for (int64_t o = 0; o < w->o; o++)
        k->filter(s + o * lds, w->s_stride, w->i, dw + o * 9 * w->i, w->i);
}
