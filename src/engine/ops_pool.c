/* Maximum and average pooling, and their gradients. */
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "engine/strided.h"

typedef struct {
    idem_window win;
    bool count_pad; /* average only */
} pool_attr;

/* x [n, c, h, w] in NHWC, y [n, c, oh, ow] */
typedef struct {
    int64_t n, c, h, w, oh, ow;
} pool_dims;

static pool_dims dims(const idem_shape *x, const idem_shape *y) {
    return (pool_dims){x->d[0], x->d[1], x->d[2], x->d[3], y->d[2], y->d[3]};
}

/* Elements from..to-1 of a row or column are in output position o's window. */
typedef struct {
    int64_t from, to;
} span;

static inline span window_span(int64_t o, int kernel, int stride, int pad, int64_t size) {
    int64_t from = o * stride - pad, to = from + kernel;
    return (span){from > 0 ? from : 0, to < size ? to : size};
}

/* Fills in the result's height and width. Every window must touch the picture. */
static int pooled_shape(const char *what, const idem_node *x, const idem_window *win, idem_shape *shape) {
    char text[64];
    if (x->shape.rank != 4)
        return idem_fail("%s of '%s' %s: expected rank 4", what, x->name, idem_shape_text(&x->shape, text));
    if (win->dilation[0] != 1 || win->dilation[1] != 1 || win->groups != 1)
        return idem_fail("%s of '%s': dilation %d x %d and %d groups; expected 1", what, x->name, win->dilation[0],
                         win->dilation[1], win->groups);
    *shape = x->shape;
    for (int i = 0; i < 2; i++) {
        int k = win->kernel[i], s = win->stride[i], p = win->pad[i], q = win->pad[i + 2];
        if (k < 1 || s < 1 || p < 0 || q < 0 || p >= k)
            return idem_fail("%s of '%s': window %d, stride %d, padding %d and %d; expected padding below the window",
                             what, x->name, k, s, p, q);
        if (x->shape.d[i + 2] > INT32_MAX)
            return idem_fail("%s of '%s' %s: sides are limited to 2^31 - 1", what, x->name,
                             idem_shape_text(&x->shape, text));
        int64_t span = x->shape.d[i + 2] + p + q - k;
        shape->d[i + 2] = span < 0 ? 0 : span / s + 1;
        if (span < 0 || (shape->d[i + 2] - 1) * s - p >= x->shape.d[i + 2])
            return idem_fail("%s of '%s' %s: a window of %d with padding %d and %d does not fit", what, x->name,
                             idem_shape_text(&x->shape, text), k, p, q);
    }
    return 0;
}

/* ---- maxpool ---- */

IDEM_MULTIVERSION static void max_row(const pool_dims *d, const idem_window *win, const float *restrict x,
                                      float *restrict y, int64_t oy) {
    span sy = window_span(oy, win->kernel[0], win->stride[0], win->pad[0], d->h);
    for (int64_t ox = 0; ox < d->ow; ox++) {
        span sx = window_span(ox, win->kernel[1], win->stride[1], win->pad[1], d->w);
        float *restrict out = y + ox * d->c;
        memcpy(out, x + (sy.from * d->w + sx.from) * d->c, (size_t)d->c * sizeof *out);
        for (int64_t iy = sy.from; iy < sy.to; iy++)
            for (int64_t ix = sx.from; ix < sx.to; ix++) {
                const float *restrict in = x + (iy * d->w + ix) * d->c;
                for (int64_t c = 0; c < d->c; c++)
                    out[c] = in[c] > out[c] ? in[c] : out[c];
            }
    }
}

static void maxpool_forward(const idem_step *s) {
    const pool_attr *a = s->node->attr;
    pool_dims d = dims(&s->node->in[0]->shape, &s->node->shape);
    int threads = d.n * d.c * d.h * d.w < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < d.n * d.oh; r++)
        max_row(&d, &a->win, s->in[0] + r / d.oh * d.h * d.w * d.c, s->out + r * d.ow * d.c, r % d.oh);
}

/* place[...] = the index within its window, row by row, of the first largest element. */
IDEM_MULTIVERSION static void find_row(const pool_dims *d, const idem_window *win, const float *restrict x,
                                       const float *restrict y, int32_t *restrict place, int64_t oy) {
    span sy = window_span(oy, win->kernel[0], win->stride[0], win->pad[0], d->h);
    for (int64_t ox = 0; ox < d->ow; ox++) {
        span sx = window_span(ox, win->kernel[1], win->stride[1], win->pad[1], d->w);
        const float *restrict top = y + ox * d->c;
        int32_t *restrict out = place + ox * d->c;
        for (int64_t c = 0; c < d->c; c++)
            out[c] = 0;
        for (int64_t iy = sy.to - 1; iy >= sy.from; iy--)
            for (int64_t ix = sx.to - 1; ix >= sx.from; ix--) {
                const float *restrict in = x + (iy * d->w + ix) * d->c;
                int32_t at = (int32_t)((iy - sy.from) * win->kernel[1] + ix - sx.from);
                for (int64_t c = 0; c < d->c; c++)
                    out[c] = in[c] == top[c] ? at : out[c];
            }
    }
}

/* Output positions whose windows contain element i. 32 bits, as it divides once per element. */
static inline span covering(int64_t i, int kernel, int stride, int pad, int64_t outputs) {
    uint32_t at = (uint32_t)i + (uint32_t)pad, k = (uint32_t)kernel, s = (uint32_t)stride;
    int64_t last = at / s, first = at < k ? 0 : (at - k) / s + 1;
    return (span){first, last + 1 < outputs ? last + 1 : outputs};
}

IDEM_MULTIVERSION static void collect_row(const pool_dims *d, const idem_window *win, const float *restrict dy,
                                          const int32_t *restrict place, float *restrict dx, int64_t iy) {
    span oy = covering(iy, win->kernel[0], win->stride[0], win->pad[0], d->oh);
    for (int64_t ix = 0; ix < d->w; ix++) {
        span ox = covering(ix, win->kernel[1], win->stride[1], win->pad[1], d->ow);
        float *restrict out = dx + ix * d->c;
        memset(out, 0, (size_t)d->c * sizeof *out);
        for (int64_t y = oy.from; y < oy.to; y++)
            for (int64_t x = ox.from; x < ox.to; x++) {
                const float *restrict in = dy + (y * d->ow + x) * d->c;
                const int32_t *restrict chosen = place + (y * d->ow + x) * d->c;
                int64_t top = window_span(y, win->kernel[0], win->stride[0], win->pad[0], d->h).from;
                int64_t left = window_span(x, win->kernel[1], win->stride[1], win->pad[1], d->w).from;
                int32_t at = (int32_t)((iy - top) * win->kernel[1] + ix - left);
                for (int64_t c = 0; c < d->c; c++) {
                    float g = in[c];
                    out[c] += chosen[c] == at ? g : 0;
                }
            }
    }
}

static int maxpool_grad_prepare(idem_step *s) {
    s->scratch_bytes = (size_t)idem_shape_count(&s->node->in[1]->shape) * sizeof(int32_t);
    return 0;
}

static void maxpool_grad_forward(const idem_step *s) {
    const pool_attr *a = s->node->attr;
    pool_dims d = dims(&s->node->shape, &s->node->in[1]->shape);
    int64_t in = d.h * d.w * d.c, out = d.oh * d.ow * d.c;
    int32_t *place = (int32_t *)(void *)s->scratch;
    int threads = d.n * in < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
#pragma omp for schedule(static)
        for (int64_t r = 0; r < d.n * d.oh; r++)
            find_row(&d, &a->win, s->in[0] + r / d.oh * in, s->in[1] + r * d.ow * d.c, place + r * d.ow * d.c,
                     r % d.oh);
#pragma omp for schedule(static)
        for (int64_t r = 0; r < d.n * d.h; r++)
            collect_row(&d, &a->win, s->in[2] + r / d.h * out, place + r / d.h * out, s->out + r * d.w * d.c, r % d.h);
    }
}

/* dy goes to the first largest element of each window; in: x, y, dy */
const idem_op idem_op_maxpool_grad = {
    .name = "maxpool_grad", .prepare = maxpool_grad_prepare, .forward = maxpool_grad_forward};

static int maxpool_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (!want[0])
        return 0;
    idem_node *in[3] = {n->in[0], n, dy};
    dx[0] = idem_node_new(&idem_op_maxpool_grad, n->in[0]->shape, in, 3, n->attr, sizeof(pool_attr));
    return dx[0] ? 0 : -1;
}

const idem_op idem_op_maxpool = {.name = "maxpool", .forward = maxpool_forward, .gradient = maxpool_gradient};

idem_node *idem_maxpool(idem_node *x, idem_window win) {
    idem_shape shape;
    if (!x || pooled_shape("maxpool", x, &win, &shape))
        return NULL;
    pool_attr a = {.win = win};
    return idem_node_new(&idem_op_maxpool, shape, &x, 1, &a, sizeof a);
}

/* ---- avgpool ---- */

static inline float share(const pool_attr *a, span sy, span sx) {
    int64_t count = a->count_pad ? (int64_t)a->win.kernel[0] * a->win.kernel[1] : (sy.to - sy.from) * (sx.to - sx.from);
    return 1 / (float)count;
}

/* Adjacent windows without padding, as between the scales of a picture. */
static bool is_tiling(const idem_window *win) {
    return win->kernel[0] == win->stride[0] && win->kernel[1] == win->stride[1] && win->pad[0] == 0 && win->pad[1] == 0;
}

/* 2x2 with three channels: the step between the scales of a picture. */
static inline __attribute__((always_inline)) void halve_row(const pool_dims *d, const float *restrict x,
                                                            float *restrict y) {
    const float *restrict below = x + d->w * 3;
    for (int64_t ox = 0; ox < d->ow; ox++)
        for (int64_t c = 0; c < 3; c++) {
            int64_t at = ox * 6 + c;
            y[ox * 3 + c] = ((x[at] + x[at + 3]) + (below[at] + below[at + 3])) * 0.25f;
        }
}

IDEM_MULTIVERSION static void average_row(const pool_dims *d, const pool_attr *a, const float *restrict x,
                                          float *restrict y, int64_t oy) {
    const idem_window *win = &a->win;
    span sy = window_span(oy, win->kernel[0], win->stride[0], win->pad[0], d->h);
    if (d->c == 3 && is_tiling(win) && win->kernel[0] == 2 && win->kernel[1] == 2 && sy.to - sy.from == 2 &&
        d->ow * 2 <= d->w) {
        halve_row(d, x + sy.from * d->w * 3, y);
        return;
    }
    for (int64_t ox = 0; ox < d->ow; ox++) {
        span sx = window_span(ox, win->kernel[1], win->stride[1], win->pad[1], d->w);
        float *restrict out = y + ox * d->c, scale = share(a, sy, sx);
        memcpy(out, x + (sy.from * d->w + sx.from) * d->c, (size_t)d->c * sizeof *out);
        for (int64_t iy = sy.from; iy < sy.to; iy++)
            for (int64_t ix = sx.from + (iy == sy.from); ix < sx.to; ix++) {
                const float *restrict in = x + (iy * d->w + ix) * d->c;
                for (int64_t c = 0; c < d->c; c++)
                    out[c] += in[c];
            }
        for (int64_t c = 0; c < d->c; c++)
            out[c] *= scale;
    }
}

static void avgpool_forward(const idem_step *s) {
    const pool_attr *a = s->node->attr;
    pool_dims d = dims(&s->node->in[0]->shape, &s->node->shape);
    int threads = d.n * d.c * d.h * d.w < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < d.n * d.oh; r++)
        average_row(&d, a, s->in[0] + r / d.oh * d.h * d.w * d.c, s->out + r * d.ow * d.c, r % d.oh);
}

static int avgpool_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const pool_attr *a = n->attr;
    const int64_t *d = n->in[0]->shape.d;
    if (want[0] && !(dx[0] = idem_avgpool_grad(dy, a->win, a->count_pad, d[2], d[3])))
        return -1;
    return 0;
}

const idem_op idem_op_avgpool = {.name = "avgpool", .forward = avgpool_forward, .gradient = avgpool_gradient};

idem_node *idem_avgpool(idem_node *x, idem_window win, bool count_pad) {
    idem_shape shape;
    if (!x || pooled_shape("avgpool", x, &win, &shape))
        return NULL;
    pool_attr a = {.win = win, .count_pad = count_pad};
    return idem_node_new(&idem_op_avgpool, shape, &x, 1, &a, sizeof a);
}

/* One row of adjacent windows: each value is written to its window's columns, the rest is zero. */
static inline __attribute__((always_inline)) void spread_tiles(const pool_dims *d, int64_t kw, int64_t channels,
                                                               const float *restrict dy, float scale,
                                                               float *restrict dx) {
    int64_t used = d->ow * kw < d->w ? d->ow * kw : d->w;
    for (int64_t ox = 0; ox < d->ow; ox++) {
        const float *restrict in = dy + ox * channels;
        for (int64_t ix = ox * kw; ix < (ox + 1) * kw && ix < used; ix++)
            for (int64_t c = 0; c < channels; c++)
                dx[ix * channels + c] = scale * in[c];
    }
    memset(dx + used * channels, 0, (size_t)((d->w - used) * channels) * sizeof *dx);
}

IDEM_MULTIVERSION static void spread_row(const pool_dims *d, const pool_attr *a, const float *restrict dy,
                                         float *restrict dx, int64_t iy) {
    const idem_window *win = &a->win;
    span oy = covering(iy, win->kernel[0], win->stride[0], win->pad[0], d->oh);
    bool whole = d->oh * win->kernel[0] <= d->h && d->ow * win->kernel[1] <= d->w;
    if (is_tiling(win) && (whole || a->count_pad) && oy.from < oy.to) {
        const float *from = dy + oy.from * d->ow * d->c;
        float scale = 1 / (float)(win->kernel[0] * win->kernel[1]);
        if (d->c == 3)
            spread_tiles(d, win->kernel[1], 3, from, scale, dx);
        else
            spread_tiles(d, win->kernel[1], d->c, from, scale, dx);
        return;
    }
    for (int64_t ix = 0; ix < d->w; ix++) {
        span ox = covering(ix, win->kernel[1], win->stride[1], win->pad[1], d->ow);
        float *restrict out = dx + ix * d->c;
        memset(out, 0, (size_t)d->c * sizeof *out);
        for (int64_t y = oy.from; y < oy.to; y++)
            for (int64_t x = ox.from; x < ox.to; x++) {
                const float *restrict in = dy + (y * d->ow + x) * d->c;
                float scale = share(a, window_span(y, win->kernel[0], win->stride[0], win->pad[0], d->h),
                                    window_span(x, win->kernel[1], win->stride[1], win->pad[1], d->w));
                for (int64_t c = 0; c < d->c; c++)
                    out[c] += scale * in[c];
            }
    }
}

static void avgpool_grad_forward(const idem_step *s) {
    const pool_attr *a = s->node->attr;
    pool_dims d = dims(&s->node->shape, &s->node->in[0]->shape);
    int threads = d.n * d.c * d.h * d.w < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t r = 0; r < d.n * d.h; r++)
        spread_row(&d, a, s->in[0] + r / d.h * d.oh * d.ow * d.c, s->out + r * d.w * d.c, r % d.h);
}

static int avgpool_grad_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const pool_attr *a = n->attr;
    if (want[0] && !(dx[0] = idem_avgpool(dy, a->win, a->count_pad)))
        return -1;
    return 0;
}

const idem_op idem_op_avgpool_grad = {
    .name = "avgpool_grad", .forward = avgpool_grad_forward, .gradient = avgpool_grad_gradient};

idem_node *idem_avgpool_grad(idem_node *dy, idem_window win, bool count_pad, int64_t h, int64_t w) {
    if (!dy)
        return NULL;
    char a[64], b[64];
    if (dy->shape.rank != 4 || h < 1 || w < 1)
        return idem_fail_null("avgpool_grad of '%s' %s to %lld x %lld: expected rank 4 and a positive size", dy->name,
                              idem_shape_text(&dy->shape, a), (long long)h, (long long)w);
    idem_node whole = {.name = dy->name, .shape = IDEM_SHAPE(dy->shape.d[0], dy->shape.d[1], h, w)};
    idem_shape pooled;
    if (pooled_shape("avgpool_grad", &whole, &win, &pooled))
        return NULL;
    if (!idem_shape_equal(&pooled, &dy->shape))
        return idem_fail_null("avgpool_grad of '%s' %s: pooling %lld x %lld gives %s", dy->name,
                              idem_shape_text(&dy->shape, a), (long long)h, (long long)w, idem_shape_text(&pooled, b));
    pool_attr attr = {.win = win, .count_pad = count_pad};
    return idem_node_new(&idem_op_avgpool_grad, whole.shape, &dy, 1, &attr, sizeof attr);
}

/* ---- mean over height and width ---- */

idem_node *idem_mean_hw(idem_node *x) {
    if (!x)
        return NULL;
    char text[64];
    if (x->shape.rank != 4)
        return idem_fail_null("mean over height and width of '%s' %s: expected rank 4", x->name,
                              idem_shape_text(&x->shape, text));
    const int64_t *d = x->shape.d;
    idem_node *mean = idem_reduce_sum(x, IDEM_SHAPE(d[0], d[1], 1, 1), (float)(1 / ((double)d[2] * (double)d[3])));
    return idem_reshape(mean, IDEM_SHAPE(d[0], d[1]));
}
