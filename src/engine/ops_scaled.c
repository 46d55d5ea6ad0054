/* Both gradients of a product of pictures and one factor per picture and channel, in one pass over memory: the main
 * cost of modulated convolutions beside the convolutions. The node's value is one vector: d * scale in memory order,
 * then the sums of d * x; `head` is a view of its first part. */
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "engine/ops_gradient.h"
#include "engine/strided.h"

/* ---- head: the first bytes of a value under another shape, memory order kept ---- */

static int head_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (!want[0])
        return 0;
    idem_node *flat = idem_head(dy, IDEM_SHAPE(idem_shape_count(&n->shape)));
    flat = idem_embed(flat, 0, 0, idem_shape_count(&n->in[0]->shape), 1);
    dx[0] = idem_head(flat, n->in[0]->shape);
    return dx[0] ? 0 : -1;
}

const idem_op idem_op_head = {.name = "head", .view = true, .gradient = head_gradient};

idem_node *idem_head(idem_node *x, idem_shape shape) {
    if (!x || idem_shape_equal(&x->shape, &shape))
        return x;
    return idem_node_new(&idem_op_head, shape, &x, 1, NULL, 0);
}

/* ---- scale_grad ---- */

enum {
    TILE = 256,      /* channels worked on at once */
    BLOCK = 16,      /* rows added in float before going to double */
    PART = 1 << 14,  /* elements below which a picture's sums are not cut; cuts depend on the shape only */
    MAX_PARTS = 128, /* of all pictures together */
};

typedef struct {
    float above, below; /* with a fourth input y: d = dy * (y > 0 ? above : below), else d = dy */
} scale_attr;

/* in: dy, x [N, C, H, W], scale [N, C, 1, 1], optionally y */
typedef struct {
    int64_t pictures, channels, pixels, parts;
} scale_dims;

static scale_dims dims(const idem_node *n) {
    const int64_t *d = n->in[1]->shape.d;
    scale_dims s = {.pictures = d[0], .channels = d[1], .pixels = d[2] * d[3]};
    s.parts = (s.pixels * s.channels + PART - 1) / PART;
    int64_t most = MAX_PARTS / s.pictures > 1 ? MAX_PARTS / s.pictures : 1;
    s.parts = s.parts < most ? s.parts : most;
    s.parts = s.parts < s.pixels ? s.parts : s.pixels;
    return s;
}

/* sums = sum of d * x over the rows; out may be dy */
IDEM_MULTIVERSION static void scale_rows(const scale_attr *a, int64_t rows, int64_t channels, const float *dy,
                                         const float *restrict x, const float *restrict scale, const float *restrict y,
                                         float *out, double *restrict sums) {
    memset(sums, 0, (size_t)channels * sizeof *sums);
    float above = a->above, below = a->below, part[TILE];
    for (int64_t c0 = 0; c0 < channels; c0 += TILE) {
        int64_t cols = channels - c0 < TILE ? channels - c0 : TILE;
        const float *restrict s = scale + c0;
        for (int64_t r = 0; r < rows;) {
            memset(part, 0, (size_t)cols * sizeof *part);
            for (int64_t end = r + BLOCK < rows ? r + BLOCK : rows; r < end; r++) {
                const float *g = dy + r * channels + c0, *restrict v = x + r * channels + c0;
                float *to = out + r * channels + c0;
                if (y) {
                    const float *restrict sign = y + r * channels + c0;
                    _Pragma("omp simd") for (int64_t c = 0; c < cols; c++) {
                        float d = g[c] * (sign[c] > 0 ? above : below);
                        to[c] = d * s[c];
                        part[c] += d * v[c];
                    }
                } else {
                    _Pragma("omp simd") for (int64_t c = 0; c < cols; c++) {
                        float d = g[c];
                        to[c] = d * s[c];
                        part[c] += d * v[c];
                    }
                }
            }
            for (int64_t c = 0; c < cols; c++)
                sums[c0 + c] += (double)part[c];
        }
    }
}

static int scale_grad_prepare(idem_step *s) {
    scale_dims d = dims(s->node);
    s->scratch_bytes = (size_t)(d.pictures * d.parts * d.channels) * sizeof(double);
    return 0;
}

static void scale_grad_forward(const idem_step *s) {
    scale_dims d = dims(s->node);
    const float *y = s->node->n_in > 3 ? s->in[3] : NULL;
    double *sums = (double *)(void *)s->scratch;
    int threads = d.pictures * d.pixels * d.channels < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t t = 0; t < d.pictures * d.parts; t++) {
        int64_t n = t / d.parts, part = t % d.parts;
        int64_t from = d.pixels * part / d.parts, to = d.pixels * (part + 1) / d.parts;
        int64_t at = (n * d.pixels + from) * d.channels;
        scale_rows(s->node->attr, to - from, d.channels, s->in[0] + at, s->in[1] + at, s->in[2] + n * d.channels,
                   y ? y + at : NULL, s->out + at, sums + t * d.channels);
    }
    float *out = s->out + d.pictures * d.pixels * d.channels;
    for (int64_t n = 0; n < d.pictures; n++)
        for (int64_t c = 0; c < d.channels; c++) {
            double total = 0;
            for (int64_t part = 0; part < d.parts; part++)
                total += sums[(n * d.parts + part) * d.channels + c];
            out[n * d.channels + c] = (float)total;
        }
}

static idem_node *tail(idem_node *pair, const idem_shape *scale) {
    if (!pair)
        return NULL;
    int64_t size = idem_shape_count(scale);
    return idem_reshape(idem_slice(pair, 0, pair->shape.d[0] - size, size, 1), *scale);
}

static int scale_grad_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const scale_attr *a = n->attr;
    idem_node *d = n->in[0], *x = n->in[1], *scale = n->in[2], *y = n->n_in > 3 ? n->in[3] : NULL;
    idem_node *full = idem_head(dy, x->shape), *sums = tail(dy, &scale->shape);
    if (want[0]) {
        dx[0] = idem_add(idem_mul(full, scale), idem_mul(x, sums));
        if (y)
            dx[0] = idem_step_mask(dx[0], y, a->above, a->below);
        if (!dx[0])
            return -1;
    }
    if (y && (want[1] || want[2]))
        d = idem_step_mask(d, y, a->above, a->below);
    if (want[1] && !(dx[1] = idem_mul(d, sums)))
        return -1;
    if (want[2] && !(dx[2] = idem_dot(full, d, scale->shape)))
        return -1;
    return 0;
}

static void scale_grad_cost(const idem_node *n, double *flops, double *bytes) {
    double count = (double)idem_shape_count(&n->in[1]->shape);
    *flops = 3 * count;
    *bytes = 4 * count * n->n_in; /* scale is small, but the result is not */
}

const idem_op idem_op_scale_grad = {.name = "scale_grad",
                                    .in_place = true,
                                    .longer = true,
                                    .prepare = scale_grad_prepare,
                                    .forward = scale_grad_forward,
                                    .gradient = scale_grad_gradient,
                                    .cost = scale_grad_cost};

bool idem_scale_gradients_fit(const idem_node *x, const idem_node *scale) {
    const int64_t *d = x->shape.d, *s = scale->shape.d;
    return x->shape.rank == 4 && scale->shape.rank == 4 && s[0] == d[0] && s[1] == d[1] && s[2] == 1 && s[3] == 1 &&
           d[1] >= 8 && d[2] * d[3] >= 8;
}

int idem_scale_gradients(idem_node *dy, idem_node *y, float above, float below, idem_node *x, idem_node *scale,
                         idem_node **dx, idem_node **dscale) {
    if (!dy || !x || !scale)
        return -1;
    scale_attr a = {above, below};
    idem_node *in[4] = {dy, x, scale, y};
    idem_shape both = IDEM_SHAPE(idem_shape_count(&x->shape) + idem_shape_count(&scale->shape));
    idem_node *pair = idem_node_new(&idem_op_scale_grad, both, in, y ? 4 : 3, &a, sizeof a);
    *dx = idem_head(pair, x->shape);
    *dscale = tail(pair, &scale->shape);
    return *dx && *dscale ? 0 : -1;
}
