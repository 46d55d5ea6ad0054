/* Functions of one number, and `mask`: the gradient of the piecewise linear ones. */
#include <math.h>

#include "engine/exp.h"
#include "engine/fuse.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/ops_gradient.h"
#include "engine/strided.h"

typedef struct {
    idem_unary_kind kind;
    float a, b;
} unary_attr;

#define UNARY_LOOP(EXPRESSION)                                                                                         \
    do {                                                                                                               \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) {                                                          \
            float x = in[i];                                                                                           \
            out[i] = EXPRESSION;                                                                                       \
        }                                                                                                              \
    } while (0)

static float softplus(float x) {
    return (x > 0 ? x : 0) + log1pf(expf(-fabsf(x)));
}

static float sigmoid(float x) {
    float e = expf(-fabsf(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

/* Kinds that the compiler can vectorise. */
IDEM_MULTIVERSION static void plain_loop(unary_attr u, int64_t n, const float *in, float *out) {
    float a = u.a, b = u.b;
    switch (u.kind) {
    case IDEM_UNARY_AFFINE:
        UNARY_LOOP(a * x + b);
        break;
    case IDEM_UNARY_RELU:
        UNARY_LOOP(x < 0 ? 0 : x); /* NaN stays */
        break;
    case IDEM_UNARY_LEAKY_RELU:
        UNARY_LOOP(b * (x > 0 ? x : a * x));
        break;
    case IDEM_UNARY_SQRT:
        UNARY_LOOP(sqrtf(x));
        break;
    case IDEM_UNARY_RSQRT:
        UNARY_LOOP(1 / sqrtf(x));
        break;
    case IDEM_UNARY_SQUARE:
        UNARY_LOOP(x * x);
        break;
    case IDEM_UNARY_ABS:
        UNARY_LOOP(fabsf(x));
        break;
    case IDEM_UNARY_SIGN:
        UNARY_LOOP((x > 0 ? 1.0f : 0.0f) - (x < 0 ? 1.0f : 0.0f));
        break;
    case IDEM_UNARY_STEP:
        UNARY_LOOP(x > 0 ? a : b);
        break;
    case IDEM_UNARY_CLAMP:
        UNARY_LOOP(x < a ? a : x > b ? b : x);
        break;
    case IDEM_UNARY_EXP:
        UNARY_LOOP(idem_exp(x));
        break;
    default:
        break;
    }
}

/* Kinds that call the mathematics library. */
static void library_loop(unary_attr u, int64_t n, const float *in, float *out) {
    for (int64_t i = 0; i < n; i++) {
        float x = in[i];
        switch (u.kind) {
        case IDEM_UNARY_LOG:
            out[i] = logf(x);
            break;
        case IDEM_UNARY_SIGMOID:
            out[i] = sigmoid(x);
            break;
        case IDEM_UNARY_SOFTPLUS:
            out[i] = softplus(x);
            break;
        case IDEM_UNARY_TANH:
            out[i] = tanhf(x);
            break;
        case IDEM_UNARY_POW:
            out[i] = powf(x, u.a);
            break;
        case IDEM_UNARY_ONE_MINUS_POW:
            out[i] = x >= 1 ? 1 : -expm1f(u.a * log1pf(-x));
            break;
        default:
            break;
        }
    }
}

static bool is_plain(idem_unary_kind kind) {
    return kind != IDEM_UNARY_LOG && kind != IDEM_UNARY_SIGMOID && kind != IDEM_UNARY_SOFTPLUS &&
           kind != IDEM_UNARY_TANH && kind != IDEM_UNARY_POW && kind != IDEM_UNARY_ONE_MINUS_POW;
}

/* All operands are contiguous, so a walk has one row. */
static void unary_kernel(const void *context, int64_t rows, int64_t cols, float *const *p, const idem_walk_stride *s) {
    (void)s;
    const unary_attr *u = context;
    (is_plain(u->kind) ? plain_loop : library_loop)(*u, rows * cols, p[1], p[0]);
}

static void unary_forward(const idem_step *s) {
    const unary_attr *u = s->node->attr;
    const idem_shape *shape = &s->node->shape;
    idem_walk w;
    idem_walk_make(&w, shape, 2, (const idem_shape *const[]){shape, shape});
    idem_walk_run(&w, (float *const[]){s->out, s->in[0]}, unary_kernel, u,
                  is_plain(u->kind) ? IDEM_PARALLEL_ELEMENTS : IDEM_PARALLEL_ELEMENTS / 16);
}

/* ---- mask: dy times a piecewise constant function of x ---- */

#define MASK_ROWS(EXPRESSION)                                                                                          \
    for (int64_t r = 0; r < rows; r++) {                                                                               \
        float *out = p[0] + r * s[0].row;                                                                              \
        const float *pd = p[1] + r * s[1].row, *px = p[2] + r * s[2].row;                                              \
        if (s[1].col == 1) {                                                                                           \
            _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) {                                                   \
                float d = pd[i], x = px[i];                                                                            \
                out[i] = EXPRESSION;                                                                                   \
            }                                                                                                          \
        } else {                                                                                                       \
            for (int64_t i = 0; i < cols; i++) {                                                                       \
                float d = pd[i * s[1].col], x = px[i];                                                                 \
                out[i] = EXPRESSION;                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }

IDEM_MULTIVERSION static void mask_kernel(const void *context, int64_t rows, int64_t cols, float *const *p,
                                          const idem_walk_stride *s) {
    const unary_attr *u = context;
    float a = u->a, b = u->b;
    if (u->kind == IDEM_UNARY_STEP) {
        MASK_ROWS(d * (x > 0 ? a : b));
    } else if (u->kind == IDEM_UNARY_SIGN) {
        MASK_ROWS(d * ((x > 0 ? 1.0f : 0.0f) - (x < 0 ? 1.0f : 0.0f)));
    } else {
        MASK_ROWS(x >= a && x <= b ? d : 0);
    }
}

static void mask_forward(const idem_step *s) {
    const idem_node *n = s->node;
    idem_walk w;
    idem_walk_make(&w, &n->shape, 3, (const idem_shape *const[]){&n->shape, &n->in[0]->shape, &n->in[1]->shape});
    idem_walk_run(&w, (float *const[]){s->out, s->in[0], s->in[1]}, mask_kernel, n->attr, IDEM_PARALLEL_ELEMENTS);
}

static idem_node *mask(idem_node *dy, idem_node *x, unary_attr u);

/* a (1 - x)^(a - 1), 0 where x >= 1: there the power itself may be infinite. */
static idem_node *one_minus_pow_slope(idem_node *x, float a) {
    const float tiny = 1e-20f;
    idem_node *rest = idem_affine(x, -1, 1);
    idem_node *power = idem_unary(idem_unary(rest, IDEM_UNARY_CLAMP, tiny, 1e20f), IDEM_UNARY_POW, a - 1, 0);
    return idem_scale(idem_mul(power, idem_unary(rest, IDEM_UNARY_STEP, 1, 0)), a);
}

static int mask_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    /* The second input only selects. */
    if (want[0] && !(dx[0] = idem_reduce_sum(mask(dy, n->in[1], *(const unary_attr *)n->attr), n->in[0]->shape, 1)))
        return -1;
    return 0;
}

const idem_op idem_op_mask = {.name = "mask", .in_place = true, .forward = mask_forward, .gradient = mask_gradient};

/* x has the result's shape; dy may be a repeated smaller value, which need not be stored at full size. */
static idem_node *mask(idem_node *dy, idem_node *x, unary_attr u) {
    if (!dy || !x)
        return NULL;
    return idem_node_new(&idem_op_mask, x->shape, (idem_node *[]){idem_unrepeated(dy, x), x}, 2, &u, sizeof u);
}

idem_node *idem_step_mask(idem_node *dy, idem_node *x, float above, float below) {
    return mask(dy, x, (unary_attr){IDEM_UNARY_STEP, above, below});
}

/* ---- gradients ---- */

static int unary_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (!want[0])
        return 0;
    const unary_attr *u = n->attr;
    idem_node *x = n->in[0], *small = idem_unrepeated(dy, x), *d = NULL;
    /* With positive slopes the result has the sign of x, so x need not be kept. */
    idem_node *sign = u->a > 0 && u->b > 0 ? n : x;
    switch (u->kind) {
    case IDEM_UNARY_AFFINE:
        d = idem_scale(dy, u->a);
        break;
    case IDEM_UNARY_RELU:
        d = idem_step_mask(dy, n, 1, 0);
        break;
    case IDEM_UNARY_LEAKY_RELU:
        d = idem_step_mask(dy, sign, u->b, u->a * u->b);
        break;
    case IDEM_UNARY_EXP:
        d = idem_mul(small, n);
        break;
    case IDEM_UNARY_LOG:
        d = idem_div(small, x);
        break;
    case IDEM_UNARY_SQRT:
        d = idem_div(idem_scale(small, 0.5f), n);
        break;
    case IDEM_UNARY_RSQRT:
        d = idem_mul(idem_scale(small, -0.5f), idem_mul(n, idem_square(n)));
        break;
    case IDEM_UNARY_SQUARE:
        d = idem_mul(idem_scale(small, 2), x);
        break;
    case IDEM_UNARY_ABS:
        d = mask(dy, x, (unary_attr){IDEM_UNARY_SIGN, 0, 0});
        break;
    case IDEM_UNARY_SIGN:
    case IDEM_UNARY_STEP:
        return 0;
    case IDEM_UNARY_SIGMOID:
        d = idem_mul(small, idem_sub(n, idem_square(n)));
        break;
    case IDEM_UNARY_SOFTPLUS:
        d = idem_mul(small, idem_unary(x, IDEM_UNARY_SIGMOID, 0, 0));
        break;
    case IDEM_UNARY_TANH:
        d = idem_mul(small, idem_affine(idem_square(n), -1, 1));
        break;
    case IDEM_UNARY_POW:
        d = u->a == 1   ? dy
            : u->a == 2 ? idem_mul(idem_scale(small, 2), x)
                        : idem_mul(idem_scale(small, u->a), idem_unary(x, IDEM_UNARY_POW, u->a - 1, 0));
        break;
    case IDEM_UNARY_CLAMP:
        d = mask(dy, x, (unary_attr){IDEM_UNARY_CLAMP, u->a, u->b});
        break;
    case IDEM_UNARY_ONE_MINUS_POW:
        d = idem_mul(small, one_minus_pow_slope(x, u->a));
        break;
    }
    dx[0] = d;
    return d ? 0 : -1;
}

const idem_op idem_op_unary = {.name = "unary", .in_place = true, .forward = unary_forward, .gradient = unary_gradient};

idem_node *idem_unary(idem_node *x, idem_unary_kind kind, float a, float b) {
    if (!x)
        return NULL;
    if ((int)kind < IDEM_UNARY_AFFINE || kind > IDEM_UNARY_ONE_MINUS_POW)
        return idem_fail_null("unary of '%s': kind %d is none of idem_unary_kind", x->name, (int)kind);
    if (kind == IDEM_UNARY_AFFINE && a == 1 && b == 0)
        return x;
    unary_attr u = {kind, a, b};
    return idem_node_new(&idem_op_unary, x->shape, &x, 1, &u, sizeof u);
}

bool idem_unary_is_leaky(const idem_node *n, float *slope) {
    const unary_attr *u = n->attr;
    if (n->op != &idem_op_unary || (u->kind != IDEM_UNARY_RELU && (u->kind != IDEM_UNARY_LEAKY_RELU || u->b != 1)))
        return false;
    *slope = u->kind == IDEM_UNARY_RELU ? 0 : u->a;
    return true;
}
