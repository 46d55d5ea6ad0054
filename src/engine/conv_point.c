#include "engine/conv_point.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "engine/op.h"

#define TEMPLATE "engine/conv_point_simd.h"
#include "engine/simd_sets.h"
#undef TEMPLATE

typedef void point_kernel(const float *x, int64_t k, const float *b, const float *next, int64_t rows,
                          const idem_conv_end *end, float *y, int64_t y_row);

typedef struct {
    const char *name;
    int width, rows; /* floats in a vector, rows of a tile */
    point_kernel *wide, *narrow;
} kernels;

static const kernels plain = {"point:plain", 4, 6, point_wide_plain, point_narrow_plain};
#if defined(__x86_64__)
static const kernels avx2 = {"point:avx2", 8, 6, point_wide_avx2, point_narrow_avx2};
static const kernels avx512 = {"point:avx512", 16, 12, point_wide_avx512, point_narrow_avx512};
#endif

enum {
    BLOCK_BYTES = 128 << 10, /* of x: stays in a core's second-level cache for all output channels */
    MIN_ROWS = 12,           /* fewer pixels than this are bound by reading the weights */
    FEW = 4,                 /* channels */
    FEW_FROM = 16,           /* fewer input channels than this are not worth a whole vector of results */
    FEW_ROWS = 48            /* whole tiles of pixels computed before the results are written */
};

/* Output channels computed at once. The last panel may overlap the one before; the overlap is computed twice. */
typedef struct {
    int64_t channel, offset; /* of its weights in the pack */
    int vectors;
} panel;

struct idem_conv_point {
    const kernels *kernels;
    int64_t rows, from, to;
    int64_t pixels; /* of a picture; 0: not few */
    bool turned;    /* data gradient: weights are transposed */
    int64_t block, blocks;
    int threads, n_panels;
    panel *panels;
    idem_pack *pack;
};

bool idem_conv_point_fits(const idem_conv_dims *d, bool frozen) {
    const idem_window *win = &d->win;
    if (d->way == IDEM_CONV_WEIGHT || !frozen || win->groups != 1)
        return false;
    for (int a = 0; a < 2; a++)
        if (win->kernel[a] != 1 || win->stride[a] != 1 || win->pad[a] || win->pad[a + 2])
            return false;
    return (d->way == IDEM_CONV_DATA ? d->i : d->o) >= 8 || idem_conv_point_is_few(d);
}

bool idem_conv_point_is_few(const idem_conv_dims *d) {
    return d->way == IDEM_CONV_FORWARD && d->o <= FEW && d->i >= FEW_FROM;
}

bool idem_conv_point_pays(const idem_conv_dims *d, bool frozen) {
    return idem_conv_point_fits(d, frozen) && d->n * d->h * d->w >= MIN_ROWS;
}

typedef struct {
    const idem_conv_point *c;
    const float *weight; /* [O, I] */
} fill_order;

/* weights of a panel: [from][vectors * width] */
static int fill(void *order, void *values) {
    const fill_order *f = order;
    const idem_conv_point *c = f->c;
    for (int p = 0; p < c->n_panels; p++) {
        const panel *at = &c->panels[p];
        int64_t columns = at->vectors * c->kernels->width;
        float *to = (float *)values + at->offset;
        for (int64_t k = 0; k < c->from; k++)
            for (int64_t o = 0; o < columns; o++)
                to[k * columns + o] = at->channel + o >= c->to ? 0
                                      : c->turned              ? f->weight[k * c->to + at->channel + o]
                                                               : f->weight[(at->channel + o) * c->from + k];
    }
    return 0;
}

static int64_t make_panels(idem_conv_point *c) {
    int64_t width = c->kernels->width, floats = 0;
    c->panels = calloc((size_t)(c->to / width + 1), sizeof *c->panels);
    if (c->panels && c->pixels) {
        c->panels[c->n_panels++] = (panel){0, 0, 1};
        return width * c->from;
    }
    for (int64_t at = 0; c->panels && at < c->to;) {
        int vectors = c->to - at > width && c->to >= 2 * width ? 2 : 1;
        int64_t last = c->to - vectors * width;
        c->panels[c->n_panels++] = (panel){at < last ? at : last, floats, vectors};
        at += vectors * width;
        floats += vectors * width * c->from;
    }
    return floats;
}

idem_conv_point *idem_conv_point_new(const idem_conv_dims *d, idem_frozen weight, int width) {
    idem_conv_point *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    c->turned = d->way == IDEM_CONV_DATA;
    c->rows = d->n * d->h * d->w;
    c->from = c->turned ? d->o : d->i;
    c->to = c->turned ? d->i : d->o;
    c->threads = idem_threads();
    if (idem_conv_point_is_few(d))
        c->pixels = d->h * d->w;
    else
        width = c->to < width ? (int)c->to : width;
    c->kernels = SIMD_CHOOSE(width, &plain, &avx2, &avx512);
    int64_t most = BLOCK_BYTES / (c->from * (int64_t)sizeof(float));
    most = most < c->kernels->rows ? c->kernels->rows : most;
    /* The number of blocks is a multiple of the threads; all but the last have the same size. */
    c->blocks = ((c->rows + most - 1) / most + c->threads - 1) / c->threads * c->threads;
    c->block = (c->rows + c->blocks - 1) / c->blocks;
    int64_t floats = make_panels(c);
    fill_order order = {c, weight.values};
    const struct {
        const char *name;
        int64_t way;
    } key = {c->kernels->name, d->way};
    if (!c->panels)
        idem_fail_as(IDEM_MEMORY, "out of memory for a convolution");
    else
        c->pack = idem_pack_get(weight, &key, sizeof key, (size_t)floats * sizeof(float), fill, &order);
    if (c->pack)
        return c;
    idem_conv_point_free(c);
    return NULL;
}

void idem_conv_point_free(idem_conv_point *c) {
    if (!c)
        return;
    idem_pack_release(c->pack);
    free(c->panels);
    free(c);
}

const char *idem_conv_point_kernel(const idem_conv_point *c) {
    return c->kernels->name;
}

/* Floats of a thread: weights times factors, bias, results. */
static int64_t few_floats(const idem_conv_point *c) {
    return (c->from + 1 + FEW_ROWS) * c->kernels->width;
}

size_t idem_conv_point_scratch(const idem_conv_point *c) {
    return c->pixels ? (size_t)(c->threads * few_floats(c)) * sizeof(float) : 0;
}

/* Rows first .. last-1; own: few_floats. */
static void run_few(const idem_conv_point *c, const float *x, const float *factors, const float *bias, int64_t first,
                    int64_t last, float *own, float *out) {
    const int64_t width = c->kernels->width, from = c->from;
    const float *weights = idem_pack_values(c->pack);
    float *given = own + from * width, *y = given + width;
    for (int64_t o = 0; o < width; o++)
        given[o] = bias && o < c->to ? bias[o] : 0;
    const idem_conv_end end = {.bias = given};
    for (int64_t row = first, stop; row < last; row = stop) {
        const int64_t picture = row / c->pixels;
        stop = factors && (picture + 1) * c->pixels < last ? (picture + 1) * c->pixels : last;
        for (int64_t k = 0; factors && k < from; k++)
            for (int64_t o = 0; o < width; o++)
                own[k * width + o] = weights[k * width + o] * factors[picture * from + k];
        const float *used = factors ? own : weights;
        for (int64_t r = row; r < stop; r += FEW_ROWS) {
            const int64_t rows = stop - r < FEW_ROWS ? stop - r : FEW_ROWS;
            c->kernels->narrow(x + r * from, from, used, used, rows, &end, y, width);
            float *to = out + r * c->to;
            int64_t i = 0;
            for (; i < rows - FEW; i++, to += c->to) /* what is too much is written over by the next pixels */
                memcpy(to, y + i * width, FEW * sizeof *to);
            for (; i < rows; i++, to += c->to)
                memcpy(to, y + i * width, (size_t)c->to * sizeof *to);
        }
    }
}

void idem_conv_point_run(const idem_conv_point *c, const float *x, const float *factors, const idem_conv_end *end,
                         float *out, void *scratch) {
    const float *weights = idem_pack_values(c->pack);
    int threads = c->threads;
    if (c->pixels) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
        for (int64_t b = 0; b < c->blocks; b++) {
            const int64_t last = (b + 1) * c->block < c->rows ? (b + 1) * c->block : c->rows;
            run_few(c, x, factors, end->bias, b * c->block, last,
                    (float *)scratch + omp_get_thread_num() * few_floats(c), out);
        }
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t b = 0; b < c->blocks; b++) {
        int64_t first = b * c->block, rows = c->rows - first < c->block ? c->rows - first : c->block;
        for (int p = 0; p < c->n_panels && rows > 0; p++) {
            const panel *at = &c->panels[p], *next = p + 1 < c->n_panels ? at + 1 : c->panels;
            int64_t element = first * c->to + at->channel;
            idem_conv_end here = idem_conv_end_at(end, at->channel, element);
            (at->vectors == 2 ? c->kernels->wide : c->kernels->narrow)(x + first * c->from, c->from,
                                                                       weights + at->offset, weights + next->offset,
                                                                       rows, &here, out + element, c->to);
        }
    }
}
