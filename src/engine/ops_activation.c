/* prelu, styled (the end of a StyleGAN layer in one pass) and softmax. */
#include <float.h>
#include <math.h>

#include "engine/exp.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/ops_gradient.h"
#include "engine/strided.h"

/* ---- prelu ---- */

/* The axis of channels; -1 if there is none. */
static int channel_axis(const idem_shape *s) {
    return s->rank == 4 || s->rank == 2 ? 1 : -1;
}

/* [C] if channels are the last axis, [C, 1, 1] before height and width: the shape that broadcasts. */
static idem_shape channel_shape(const idem_shape *s) {
    return s->rank == 4 ? IDEM_SHAPE(s->d[1], 1, 1) : IDEM_SHAPE(s->d[1]);
}

/* p[1] is multiplied, the sign of p[2] decides, p[3] are the slopes; channels are contiguous unless there is only one.
 */
IDEM_MULTIVERSION static void prelu_kernel(const void *context, int64_t rows, int64_t cols, float *const *p,
                                           const idem_walk_stride *s) {
    (void)context;
    for (int64_t r = 0; r < rows; r++) {
        float *out = p[0] + r * s[0].row;
        const float *a = p[1] + r * s[1].row, *x = p[2] + r * s[2].row, *slope = p[3] + r * s[3].row;
        if (s[3].col == 1) {
            _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) {
                float k = slope[i]; /* unconditional: a conditional read is slow */
                out[i] = a[i] * (x[i] > 0 ? 1 : k);
            }
        } else {
            float one = slope[0];
            _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) out[i] = a[i] * (x[i] > 0 ? 1 : one);
        }
    }
}

static void prelu_run(const idem_step *s, float *a, float *x, float *slope) {
    const idem_shape *shape = &s->node->shape;
    idem_shape channels = channel_shape(shape);
    idem_walk w;
    idem_walk_make(&w, shape, 4, (const idem_shape *const[]){shape, shape, shape, &channels});
    idem_walk_run(&w, (float *const[]){s->out, a, x, slope}, prelu_kernel, NULL, IDEM_PARALLEL_ELEMENTS);
}

static void prelu_forward(const idem_step *s) {
    prelu_run(s, s->in[0], s->in[0], s->in[1]);
}

static void prelu_grad_forward(const idem_step *s) {
    prelu_run(s, s->in[0], s->in[1], s->in[2]);
}

/* dy * (x > 0 ? 1 : slope) */
const idem_op idem_op_prelu_grad = {.name = "prelu_grad", .in_place = true, .forward = prelu_grad_forward};

static int prelu_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    idem_node *x = n->in[0], *slope = n->in[1];
    if (want[0]) {
        dx[0] = idem_node_new(&idem_op_prelu_grad, x->shape, (idem_node *[]){dy, x, slope}, 3, NULL, 0);
        if (!dx[0])
            return -1;
    }
    if (want[1]) {
        idem_node *negative = idem_unary(x, IDEM_UNARY_CLAMP, -FLT_MAX, 0);
        dx[1] = idem_reshape(idem_dot(dy, negative, channel_shape(&x->shape)), slope->shape);
        if (!dx[1])
            return -1;
    }
    return 0;
}

const idem_op idem_op_prelu = {.name = "prelu", .in_place = true, .forward = prelu_forward, .gradient = prelu_gradient};

idem_node *idem_prelu(idem_node *x, idem_node *slope) {
    if (!x || !slope)
        return NULL;
    char a[64], b[64];
    int axis = channel_axis(&x->shape);
    if (axis < 0)
        return idem_fail_null("prelu of '%s' %s: expected rank 4 or 2", x->name, idem_shape_text(&x->shape, a));
    int64_t channels = x->shape.d[axis];
    idem_shape flat = IDEM_SHAPE(channels), high = IDEM_SHAPE(channels, 1, 1);
    if (!idem_shape_equal(&slope->shape, &flat) && !idem_shape_equal(&slope->shape, &high))
        return idem_fail_null("prelu of '%s' %s: slope '%s' is %s, expected one value per channel", x->name,
                              idem_shape_text(&x->shape, a), slope->name, idem_shape_text(&slope->shape, b));
    return idem_node_new(&idem_op_prelu, x->shape, (idem_node *[]){x, slope}, 2, NULL, 0);
}

/* ---- styled ---- */

typedef struct {
    float slope, gain;
    int scale, plane, bias; /* their positions among the inputs; 0: absent */
} styled_attr;

/* Operands: out, x, scale, plane, bias. */
IDEM_MULTIVERSION static void styled_kernel(const void *context, int64_t rows, int64_t cols, float *const *p,
                                            const idem_walk_stride *s) {
    const styled_attr *a = context;
    float up = a->gain, down = a->gain * a->slope;
    for (int64_t r = 0; r < rows; r++) {
        float *out = p[0] + r * s[0].row;
        const float *x = p[1] + r * s[1].row, *scale = p[2] + r * s[2].row, *plane = p[3] + r * s[3].row;
        const float *bias = p[4] + r * s[4].row;
        if (s[3].col == 0 && s[2].col == 1 && s[4].col == 1) {
            float shift = plane[0];
            _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) {
                float t = x[i] * scale[i] + (shift + bias[i]);
                out[i] = t * (t > 0 ? up : down);
            }
        } else if (s[3].col == 0 && s[2].col == 0 && s[4].col == 1) {
            float factor = scale[0], shift = plane[0];
            _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) {
                float t = x[i] * factor + (shift + bias[i]);
                out[i] = t * (t > 0 ? up : down);
            }
        } else {
            for (int64_t i = 0; i < cols; i++) {
                float t = x[i] * scale[i * s[2].col] + (plane[i * s[3].col] + bias[i * s[4].col]);
                out[i] = t * (t > 0 ? up : down);
            }
        }
    }
}

static void styled_forward(const idem_step *s) {
    const styled_attr *a = s->node->attr;
    const idem_shape *shape = &s->node->shape;
    static const float one = 1, zero = 0;
    idem_shape none = IDEM_SCALAR;
    idem_shape scale = a->scale ? IDEM_SHAPE(shape->d[0], shape->d[1], 1, 1) : none;
    idem_shape plane = a->plane ? s->node->in[a->plane]->shape : none;
    idem_shape bias = a->bias ? IDEM_SHAPE(shape->d[1], 1, 1) : none;
    float *operands[] = {s->out, s->in[0], a->scale ? s->in[a->scale] : (float *)&one,
                         a->plane ? s->in[a->plane] : (float *)&zero, a->bias ? s->in[a->bias] : (float *)&zero};
    idem_walk w;
    idem_walk_make(&w, shape, 5, (const idem_shape *const[]){shape, shape, &scale, &plane, &bias});
    idem_walk_run(&w, operands, styled_kernel, a, IDEM_PARALLEL_ELEMENTS);
}

static int styled_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const styled_attr *a = n->attr;
    const idem_shape *shape = &n->shape;
    idem_node *x = n->in[0];
    float up = a->gain, down = a->gain * a->slope;
    idem_node *scale = a->scale ? idem_reshape(n->in[a->scale], IDEM_SHAPE(shape->d[0], shape->d[1], 1, 1)) : NULL;
    bool fused = scale && want[0] && want[a->scale] && idem_scale_gradients_fit(x, scale);
    bool sums = (a->plane && want[a->plane]) || (a->bias && want[a->bias]);
    /* Gradient before the activation; the result has the sign of the input. */
    idem_node *d = fused && !sums ? dy : a->slope == 1 ? idem_scale(dy, up) : idem_step_mask(dy, n, up, down);
    if (fused) {
        idem_node *sign = sums ? NULL : n, *dscale;
        if (idem_scale_gradients(d, sign, up, down, x, scale, &dx[0], &dscale))
            return -1;
        dx[a->scale] = idem_reshape(dscale, n->in[a->scale]->shape);
        if (!dx[a->scale])
            return -1;
    } else if (want[0]) {
        dx[0] = d;
        if (a->scale)
            dx[0] = idem_mul(d, scale);
        if (!dx[0])
            return -1;
    }
    if (!fused && a->scale && want[a->scale]) {
        idem_node *sum = idem_dot(d, x, IDEM_SHAPE(shape->d[0], shape->d[1], 1, 1));
        if (!(dx[a->scale] = idem_reshape(sum, n->in[a->scale]->shape)))
            return -1;
    }
    if (a->plane && want[a->plane] && !(dx[a->plane] = idem_reduce_sum(d, n->in[a->plane]->shape, 1)))
        return -1;
    if (a->bias && want[a->bias]) {
        idem_node *sum = idem_reduce_sum(d, IDEM_SHAPE(shape->d[1], 1, 1), 1);
        if (!(dx[a->bias] = idem_reshape(sum, n->in[a->bias]->shape)))
            return -1;
    }
    return 0;
}

static void styled_cost(const idem_node *n, double *flops, double *bytes) {
    double count = (double)idem_shape_count(&n->shape);
    *flops = 5 * count;
    *bytes = 8 * count;
}

const idem_op idem_op_styled = {
    .name = "styled", .in_place = true, .forward = styled_forward, .gradient = styled_gradient, .cost = styled_cost};

static int expect(const idem_node *x, const char *what, const idem_node *n, idem_shape shape) {
    if (idem_shape_equal(&n->shape, &shape))
        return 0;
    char a[64], b[64], c[64];
    return idem_fail("styled of '%s' %s: %s '%s' is %s, expected %s", x->name, idem_shape_text(&x->shape, a), what,
                     n->name, idem_shape_text(&n->shape, b), idem_shape_text(&shape, c));
}

idem_node *idem_styled(idem_node *x, idem_node *scale, idem_node *plane, idem_node *bias, float slope, float gain) {
    if (!x)
        return NULL;
    const int64_t *d = x->shape.d;
    if (x->shape.rank != 4) {
        char text[64];
        return idem_fail_null("styled of '%s' %s: expected rank 4", x->name, idem_shape_text(&x->shape, text));
    }
    if (!(gain > 0) || !(slope >= 0))
        return idem_fail_null("styled of '%s': gain %g and slope %g; expected a positive gain and no negative slope",
                              x->name, (double)gain, (double)slope);
    styled_attr a = {.slope = slope, .gain = gain};
    idem_node *in[4] = {x};
    int n = 1;
    if (scale) {
        if (expect(x, "scale", scale, IDEM_SHAPE(d[0], d[1])))
            return NULL;
        in[a.scale = n++] = scale;
    }
    if (plane) {
        const int64_t planes = plane->shape.rank == 4 && plane->shape.d[0] == d[0] ? d[0] : 1;
        if (expect(x, "plane", plane, IDEM_SHAPE(planes, 1, d[2], d[3])))
            return NULL;
        in[a.plane = n++] = plane;
    }
    if (bias) {
        if (expect(x, "bias", bias, IDEM_SHAPE(d[1])))
            return NULL;
        in[a.bias = n++] = bias;
    }
    return idem_node_new(&idem_op_styled, x->shape, in, n, &a, sizeof a);
}

/* ---- softmax ---- */

/* Rows of `size` numbers with a stride of `step`; a slab is `step` interleaved rows. */
IDEM_MULTIVERSION static void softmax_slabs(int64_t slabs, int64_t size, int64_t step, const float *in, float *out) {
    for (int64_t slab = 0; slab < slabs * size * step; slab += size * step)
        for (int64_t i = slab; i < slab + step; i++) {
            float largest = in[i];
            for (int64_t k = 1; k < size; k++)
                largest = in[i + k * step] > largest ? in[i + k * step] : largest;
            for (int64_t k = 0; k < size; k++)
                out[i + k * step] = in[i + k * step] - largest;
        }
#pragma omp simd
    for (int64_t i = 0; i < slabs * size * step; i++)
        out[i] = idem_exp(out[i]);
    for (int64_t slab = 0; slab < slabs * size * step; slab += size * step)
        for (int64_t i = slab; i < slab + step; i++) {
            double sum = 0;
            for (int64_t k = 0; k < size; k++)
                sum += (double)out[i + k * step];
            float scale = (float)(1 / sum);
            for (int64_t k = 0; k < size; k++)
                out[i + k * step] *= scale;
        }
}

static void softmax_forward(const idem_step *s) {
    const idem_shape *shape = &s->node->shape;
    int axis = *(const int *)s->node->attr;
    int64_t stride[IDEM_MAX_RANK];
    idem_shape_strides(shape, stride);
    int64_t size = shape->d[axis], step = stride[axis], slab = size * step, slabs = idem_shape_count(shape) / slab;
    int threads = slabs * slab < IDEM_PARALLEL_ELEMENTS / 4 ? 1 : idem_threads();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int t = 0; t < threads; t++) {
        int64_t from = slabs * t / threads, to = slabs * (t + 1) / threads;
        softmax_slabs(to - from, size, step, s->in[0] + from * slab, s->out + from * slab);
    }
}

static int softmax_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    idem_shape one = n->shape;
    one.d[*(const int *)n->attr] = 1;
    if (want[0] && !(dx[0] = idem_mul(n, idem_sub(dy, idem_dot(dy, n, one)))))
        return -1;
    return 0;
}

const idem_op idem_op_softmax = {
    .name = "softmax", .in_place = true, .forward = softmax_forward, .gradient = softmax_gradient};

idem_node *idem_softmax(idem_node *x, int axis) {
    if (!x)
        return NULL;
    if (axis < 0 || axis >= x->shape.rank)
        return idem_fail_null("softmax of '%s': axis %d of rank %d", x->name, axis, x->shape.rank);
    return idem_node_new(&idem_op_softmax, x->shape, &x, 1, &axis, sizeof axis);
}
