/* add, sub, mul, div with numpy broadcasting. */
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/ops_gradient.h"
#include "engine/strided.h"

/* Rows shorter than a vector or two (such as three channels) are processed many at a time, after writing out repeated
 * operands. */
enum { SHORT = 16, TILE = 512 };

static bool is_packed(idem_walk_stride s, int64_t cols) {
    return s.col == 1 && s.row == cols;
}

static void write_out(float *tile, const float *p, int64_t rows, int64_t cols, idem_walk_stride s) {
    for (int64_t r = 0; r < rows; r++, p += s.row, tile += cols)
        for (int64_t c = 0; c < cols; c++)
            tile[c] = p[c * s.col];
}

/* Inner loops for each form of an operand's row: contiguous or one value. */
#define BINARY_KERNEL(NAME, EXPRESSION)                                                                                \
    static inline                                                                                                      \
        __attribute__((always_inline)) void NAME##_packed(const float *pa, const float *pb, float *out, int64_t n) {   \
        _Pragma("omp simd") for (int64_t i = 0; i < n; i++) {                                                          \
            float a = pa[i], b = pb[i];                                                                                \
            out[i] = EXPRESSION;                                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    IDEM_MULTIVERSION static void NAME##_short(int64_t rows, int64_t cols, float *const *p,                            \
                                               const idem_walk_stride *s) {                                            \
        float tile_a[TILE], tile_b[TILE];                                                                              \
        bool pack_a = is_packed(s[1], cols), pack_b = is_packed(s[2], cols);                                           \
        int64_t block = TILE / cols;                                                                                   \
        for (int64_t r = 0; r < rows; r += block) {                                                                    \
            int64_t k = rows - r < block ? rows - r : block;                                                           \
            if (!pack_a && (r == 0 || s[1].row))                                                                       \
                write_out(tile_a, p[1] + r * s[1].row, k, cols, s[1]);                                                 \
            if (!pack_b && (r == 0 || s[2].row))                                                                       \
                write_out(tile_b, p[2] + r * s[2].row, k, cols, s[2]);                                                 \
            NAME##_packed(pack_a ? p[1] + r *cols : tile_a, pack_b ? p[2] + r *cols : tile_b, p[0] + r * cols,         \
                          k * cols);                                                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    IDEM_MULTIVERSION static void NAME##_rows(int64_t rows, int64_t cols, float *const *p,                             \
                                              const idem_walk_stride *s) {                                             \
        int64_t ca = s[1].col, cb = s[2].col;                                                                          \
        for (int64_t r = 0; r < rows; r++) {                                                                           \
            float *out = p[0] + r * s[0].row;                                                                          \
            const float *pa = p[1] + r * s[1].row, *pb = p[2] + r * s[2].row;                                          \
            if (ca == 1 && cb == 1) {                                                                                  \
                NAME##_packed(pa, pb, out, cols);                                                                      \
            } else if (ca == 1 && cb == 0) {                                                                           \
                float b = pb[0];                                                                                       \
                _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) {                                               \
                    float a = pa[i];                                                                                   \
                    out[i] = EXPRESSION;                                                                               \
                }                                                                                                      \
            } else if (ca == 0 && cb == 1) {                                                                           \
                float a = pa[0];                                                                                       \
                _Pragma("omp simd") for (int64_t i = 0; i < cols; i++) {                                               \
                    float b = pb[i];                                                                                   \
                    out[i] = EXPRESSION;                                                                               \
                }                                                                                                      \
            } else {                                                                                                   \
                for (int64_t i = 0; i < cols; i++) {                                                                   \
                    float a = pa[i * ca], b = pb[i * cb];                                                              \
                    out[i] = EXPRESSION;                                                                               \
                }                                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME(const void *context, int64_t rows, int64_t cols, float *const *p, const idem_walk_stride *s) {    \
        (void)context;                                                                                                 \
        (rows > 4 && cols < SHORT && is_packed(s[0], cols) ? NAME##_short : NAME##_rows)(rows, cols, p, s);            \
    }

BINARY_KERNEL(add_kernel, a + b)
BINARY_KERNEL(sub_kernel, a - b)
BINARY_KERNEL(mul_kernel, a *b)
BINARY_KERNEL(div_kernel, a / b)

static void run(const idem_step *s, idem_walk_kernel *kernel) {
    const idem_node *n = s->node;
    idem_walk w;
    idem_walk_make(&w, &n->shape, 3, (const idem_shape *const[]){&n->shape, &n->in[0]->shape, &n->in[1]->shape});
    idem_walk_run(&w, (float *const[]){s->out, s->in[0], s->in[1]}, kernel, NULL, IDEM_PARALLEL_ELEMENTS);
}

static void add_forward(const idem_step *s) {
    run(s, add_kernel);
}

static void sub_forward(const idem_step *s) {
    run(s, sub_kernel);
}

static void mul_forward(const idem_step *s) {
    run(s, mul_kernel);
}

static void div_forward(const idem_step *s) {
    run(s, div_kernel);
}

static void one_flop_cost(const idem_node *n, double *flops, double *bytes) {
    double out = (double)idem_shape_count(&n->shape);
    *flops = out;
    *bytes = 4 * (out + (double)idem_shape_count(&n->in[0]->shape) + (double)idem_shape_count(&n->in[1]->shape));
}

static int add_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    for (int i = 0; i < 2; i++)
        if (want[i] && !(dx[i] = idem_reduce_sum(dy, n->in[i]->shape, 1)))
            return -1;
    return 0;
}

static int sub_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    for (int i = 0; i < 2; i++)
        if (want[i] && !(dx[i] = idem_reduce_sum(dy, n->in[i]->shape, i ? -1 : 1)))
            return -1;
    return 0;
}

static int mul_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    for (int i = 0; want[0] && want[1] && i < 2; i++)
        if (idem_scale_gradients_fit(n->in[i], n->in[1 - i]))
            return idem_scale_gradients(dy, NULL, 0, 0, n->in[i], n->in[1 - i], &dx[i], &dx[1 - i]);
    for (int i = 0; i < 2; i++)
        if (want[i] && !(dx[i] = idem_product_sum(n->in[1 - i], dy, &n->in[i]->shape)))
            return -1;
    return 0;
}

static int div_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    idem_node *a = n->in[0], *b = n->in[1];
    if (want[0]) {
        if (!(dx[0] = idem_reduce_sum(idem_div(idem_unrepeated(dy, b), b), a->shape, 1)))
            return -1;
    }
    /* d(a/b)/db = -y/b; b is constant where its gradient is summed. */
    if (want[1] && !(dx[1] = idem_scale(idem_div(idem_product_sum(n, dy, &b->shape), b), -1)))
        return -1;
    return 0;
}

const idem_op idem_op_add = {
    .name = "add", .in_place = true, .forward = add_forward, .gradient = add_gradient, .cost = one_flop_cost};
const idem_op idem_op_sub = {
    .name = "sub", .in_place = true, .forward = sub_forward, .gradient = sub_gradient, .cost = one_flop_cost};
const idem_op idem_op_mul = {
    .name = "mul", .in_place = true, .forward = mul_forward, .gradient = mul_gradient, .cost = one_flop_cost};
const idem_op idem_op_div = {
    .name = "div", .in_place = true, .forward = div_forward, .gradient = div_gradient, .cost = one_flop_cost};

bool idem_mul_is_of_channels(const idem_node *n) {
    if (n->op != &idem_op_mul || n->shape.rank != 4 || !idem_shape_equal(&n->shape, &n->in[0]->shape))
        return false;
    const idem_shape factors = IDEM_SHAPE(n->shape.d[0], n->shape.d[1], 1, 1);
    return idem_shape_equal(&n->in[1]->shape, &factors);
}

static idem_node *binary(const idem_op *op, idem_node *a, idem_node *b) {
    if (!a || !b)
        return NULL;
    idem_shape shape;
    if (idem_shape_broadcast(&shape, &a->shape, &b->shape)) {
        char ta[64], tb[64];
        return idem_fail_null("%s of '%s' %s and '%s' %s: the shapes do not broadcast", op->name, a->name,
                              idem_shape_text(&a->shape, ta), b->name, idem_shape_text(&b->shape, tb));
    }
    return idem_node_new(op, shape, (idem_node *[]){a, b}, 2, NULL, 0);
}

idem_node *idem_add(idem_node *a, idem_node *b) {
    return binary(&idem_op_add, a, b);
}

idem_node *idem_sub(idem_node *a, idem_node *b) {
    return binary(&idem_op_sub, a, b);
}

idem_node *idem_mul(idem_node *a, idem_node *b) {
    return binary(&idem_op_mul, a, b);
}

idem_node *idem_div(idem_node *a, idem_node *b) {
    return binary(&idem_op_div, a, b);
}
