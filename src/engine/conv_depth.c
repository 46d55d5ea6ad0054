#include "engine/conv_depth.h"

#include <stdlib.h>
#include <string.h>

#include "engine/op.h"
#include "engine/strided.h"

/* The pixels that a tile of outputs reads in three rows: pixel j of row i is at row[i] + j * channels; the first and
 * the last, the only ones that may be outside the picture, have separate pointers. */
typedef struct {
    const float *row[3], *first[3], *last[3];
} depth_pixels;

#define TEMPLATE "engine/conv_depth_simd.h"
#include "engine/simd_sets.h"
#undef TEMPLATE

typedef struct {
    const char *name;
    void (*run)(const depth_pixels *x, const float *weight, int64_t channels, const idem_conv_end *end, float *y,
                int stride, int n);
} kernels;

static const kernels plain = {"depth:plain", depth_plain};
#if defined(__x86_64__)
static const kernels avx2 = {"depth:avx2", depth_avx2}, avx512 = {"depth:avx512", depth_avx512};
#endif

enum { MOST_PIXELS = 9 /* of a tile and row */ };

struct idem_conv_depth {
    const kernels *kernels;
    int64_t n, channels, h, w, oh, ow, top, left;
    int stride, tile, threads;
    bool turned;     /* data gradient: filters are turned by 180 degrees */
    idem_pack *pack; /* a frozen weight in arranged order; NULL: arranged at every run */
};

bool idem_conv_depth_fits(const idem_conv_dims *d) {
    const idem_window *win = &d->win;
    if (d->way == IDEM_CONV_WEIGHT || win->groups != d->i || d->o != d->i || d->i < 8 ||
        win->stride[0] != win->stride[1] || win->stride[0] > 2 || (d->way == IDEM_CONV_DATA && win->stride[0] != 1))
        return false;
    for (int a = 0; a < 2; a++)
        if (win->kernel[a] != 3 || win->dilation[a] != 1 || win->pad[a] > 1 || win->pad[a + 2] > 1 ||
            (d->way == IDEM_CONV_DATA && (win->pad[a] != 1 || win->pad[a + 2] != 1)))
            return false;
    return true;
}

/* Weights tap by tap, then zeros for the pixels outside. */
static size_t arranged_bytes(const idem_conv_depth *c) {
    return (size_t)((9 + MOST_PIXELS) * c->channels) * sizeof(float);
}

static void arrange(const idem_conv_depth *c, const float *weight, float *to) {
    for (int64_t i = 0; i < c->channels; i++)
        for (int tap = 0; tap < 9; tap++)
            to[tap * c->channels + i] = weight[i * 9 + (c->turned ? 8 - tap : tap)];
    memset(to + 9 * c->channels, 0, (size_t)(MOST_PIXELS * c->channels) * sizeof *to);
}

typedef struct {
    const idem_conv_depth *c;
    const float *weight;
} fill_order;

static int fill(void *order, void *values) {
    const fill_order *f = order;
    arrange(f->c, f->weight, values);
    return 0;
}

idem_conv_depth *idem_conv_depth_new(const idem_conv_dims *d, idem_frozen weight, int width) {
    idem_conv_depth *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a convolution");
    *c = (idem_conv_depth){.n = d->n,
                           .channels = d->i,
                           .h = d->h,
                           .w = d->w,
                           .oh = d->oh,
                           .ow = d->ow,
                           .top = d->win.pad[0],
                           .left = d->win.pad[1],
                           .stride = d->win.stride[0],
                           .tile = d->win.stride[0] == 1 ? 6 : 4,
                           .turned =
                               d->way == IDEM_CONV_DATA}; /* of stride 1 and pad 1: both sides have the same size */
    c->threads = 4 * d->n * d->oh * d->ow * d->o < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads(); /* nine taps each */
    width = d->i < width ? (int)d->i : width;
    c->kernels = SIMD_CHOOSE(width, &plain, &avx2, &avx512);
    if (!weight.values)
        return c;
    fill_order order = {c, weight.values};
    const struct {
        const char *name;
        int64_t way;
    } key = {"depth", d->way};
    if ((c->pack = idem_pack_get(weight, &key, sizeof key, arranged_bytes(c), fill, &order)))
        return c;
    idem_conv_depth_free(c);
    return NULL;
}

void idem_conv_depth_free(idem_conv_depth *c) {
    if (!c)
        return;
    idem_pack_release(c->pack);
    free(c);
}

const char *idem_conv_depth_kernel(const idem_conv_depth *c) {
    return c->kernels->name;
}

size_t idem_conv_depth_scratch(const idem_conv_depth *c) {
    return c->pack ? 0 : arranged_bytes(c);
}

bool idem_conv_depth_reads_weight(const idem_conv_depth *c) {
    return !c->pack;
}

static void row(const idem_conv_depth *c, const float *x, const float *weight, const float *zeros, int64_t r,
                const idem_conv_end *end, float *out) {
    int64_t n = r / c->oh, top = r % c->oh * c->stride - c->top;
    for (int64_t o = 0; o < c->ow; o += c->tile) {
        int64_t tile = c->ow - o < c->tile ? c->ow - o : c->tile;
        int64_t left = o * c->stride - c->left, right = left + (tile - 1) * c->stride + 2;
        depth_pixels p;
        for (int i = 0; i < 3; i++) {
            bool inside = top + i >= 0 && top + i < c->h;
            p.row[i] = inside ? x + ((n * c->h + top + i) * c->w + left) * c->channels : zeros;
            p.first[i] = inside && left >= 0 ? p.row[i] : zeros;
            p.last[i] = inside && right < c->w ? p.row[i] + (right - left) * c->channels : zeros;
        }
        int64_t element = (r * c->ow + o) * c->channels;
        idem_conv_end here = idem_conv_end_at(end, 0, element);
        c->kernels->run(&p, weight, c->channels, &here, out + element, c->stride, (int)tile);
    }
}

void idem_conv_depth_run(const idem_conv_depth *c, const float *x, const float *weight, const idem_conv_end *end,
                         float *out, void *scratch) {
    if (!c->pack)
        arrange(c, weight, scratch);
    const float *taps = c->pack ? idem_pack_values(c->pack) : scratch, *zeros = taps + 9 * c->channels;
    int threads = c->threads;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < c->n * c->oh; r++)
        row(c, x, taps, zeros, r, end, out);
}
