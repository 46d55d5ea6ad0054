/* One entry per thing an operator can be asked: shapes, axes, windows, kinds. */
#include "support/ops_cases.h"

#define S IDEM_SHAPE
#define BUILD(NAME, EXPRESSION)                                                                                        \
    static idem_node *build_##NAME(idem_node *const *in, const gc_param *p) {                                          \
        (void)p;                                                                                                       \
        return EXPRESSION;                                                                                             \
    }                                                                                                                  \
    static ref_tensor reference_##NAME(const ref_tensor *in, const gc_param *p)
#define WITH(NAME) .build = build_##NAME, .reference = reference_##NAME

/* ---- what is built, and the same by reference ---- */

BUILD(stop, idem_stop_gradient(in[0])) {
    (void)p;
    return in[0];
}

BUILD(add, idem_add(in[0], in[1])) {
    (void)p;
    return ref_binary(in[0], in[1], '+');
}

BUILD(sub, idem_sub(in[0], in[1])) {
    (void)p;
    return ref_binary(in[0], in[1], '-');
}

BUILD(mul, idem_mul(in[0], in[1])) {
    (void)p;
    return ref_binary(in[0], in[1], '*');
}

BUILD(div, idem_div(in[0], in[1])) {
    (void)p;
    return ref_binary(in[0], in[1], '/');
}

/* The same node on both sides. */
BUILD(self_mul, idem_mul(in[0], in[0])) {
    (void)p;
    return ref_binary(in[0], in[0], '*');
}

BUILD(unary, idem_unary(in[0], (idem_unary_kind)p->i[0], p->f[0], p->f[1])) {
    return ref_unary(in[0], (idem_unary_kind)p->i[0], (double)p->f[0], (double)p->f[1]);
}

/* A mean, whose gradient is a repeated scalar, of a function of one number. */
BUILD(unary_mean, idem_mean_all(build_unary(in, p))) {
    return ref_reduce_sum(reference_unary(in, p), IDEM_SCALAR, 1 / (double)ref_count(&in[0].shape));
}

/* Below 1, where it has a kink. */
BUILD(one_minus, idem_unary(idem_affine(in[0], p->f[1], 0), IDEM_UNARY_ONE_MINUS_POW, p->f[0], 0)) {
    return ref_unary(ref_unary(in[0], IDEM_UNARY_AFFINE, (double)p->f[1], 0), IDEM_UNARY_ONE_MINUS_POW, (double)p->f[0],
                     0);
}

BUILD(sum, idem_reduce_sum(in[0], p->shape, p->f[0])) {
    return ref_reduce_sum(in[0], p->shape, (double)p->f[0]);
}

BUILD(mean, idem_mean_all(idem_mul(in[0], in[0]))) {
    (void)p;
    return ref_reduce_sum(ref_binary(in[0], in[0], '*'), IDEM_SCALAR, 1 / (double)ref_count(&in[0].shape));
}

BUILD(sum_all, idem_sum_all(in[0])) {
    (void)p;
    return ref_reduce_sum(in[0], IDEM_SCALAR, 1);
}

BUILD(broadcast, idem_broadcast(in[0], p->shape)) {
    return ref_broadcast(in[0], p->shape);
}

BUILD(dot, idem_dot(in[0], in[1], p->shape)) {
    return ref_reduce_sum(ref_binary(in[0], in[1], '*'), p->shape, 1);
}

BUILD(reshape, idem_reshape(in[0], p->shape)) {
    return ref_reshape(in[0], p->shape);
}

BUILD(permute, idem_permute(in[0], p->i)) {
    return ref_permute(in[0], p->i);
}

BUILD(slice, idem_slice(in[0], p->i[0], p->i[1], p->i[2], p->i[3])) {
    return ref_slice(in[0], p->i[0], p->i[1], p->i[2], p->i[3]);
}

BUILD(embed, idem_embed(in[0], p->i[0], p->i[1], p->i[2], p->i[3])) {
    return ref_embed(in[0], p->i[0], p->i[1], p->i[2], p->i[3]);
}

BUILD(concat, idem_concat(in, p->i[1], p->i[0])) {
    return ref_concat(in, p->i[1], p->i[0]);
}

BUILD(matmul, idem_matmul(in[0], in[1], p->i[0], p->i[1])) {
    return ref_matmul(in[0], in[1], p->i[0], p->i[1]);
}

BUILD(linear, idem_linear(in[0], in[1], in[2])) {
    (void)p;
    return ref_binary(ref_matmul(in[0], in[1], false, true), in[2], '+');
}

BUILD(conv, idem_conv(in[0], in[1], NULL, p->win)) {
    return ref_conv(in[0], in[1], p->win);
}

BUILD(conv_bias, idem_conv(in[0], in[1], in[2], p->win)) {
    return ref_binary(ref_conv(in[0], in[1], p->win), ref_reshape(in[2], S(in[2].shape.d[0], 1, 1)), '+');
}

BUILD(conv_data, idem_conv_data(in[0], in[1], p->win, p->i[0], p->i[1])) {
    return ref_conv_data(in[0], in[1], p->win, p->i[0], p->i[1]);
}

BUILD(conv_weight, idem_conv_weight(in[0], in[1], p->win)) {
    return ref_conv_weight(in[0], in[1], p->win);
}

BUILD(maxpool, idem_maxpool(in[0], p->win)) {
    return ref_maxpool(in[0], p->win);
}

BUILD(avgpool, idem_avgpool(in[0], p->win, p->i[0])) {
    return ref_avgpool(in[0], p->win, p->i[0]);
}

BUILD(avgpool_grad, idem_avgpool_grad(in[0], p->win, p->i[0], p->i[1], p->i[2])) {
    return ref_avgpool_grad(in[0], p->win, p->i[0], p->i[1], p->i[2]);
}

BUILD(mean_hw, idem_mean_hw(in[0])) {
    (void)p;
    const int64_t *d = in[0].shape.d;
    return ref_reshape(ref_reduce_sum(in[0], S(d[0], d[1], 1, 1), 1 / (double)(d[2] * d[3])), S(d[0], d[1]));
}

/* Not symmetric, so that turning it round matters. */
static const float kernel[12] = {0.1f, 0.4f, 0.3f, -0.2f, 0.5f, 0.25f, -0.15f, 0.6f, 0.05f, 0.2f, -0.3f, 0.35f};

BUILD(filter, idem_filter(in[0], kernel, p->i[0], p->i[1], p->i[2], p->i + 3)) {
    return ref_filter(in[0], kernel, p->i[0], p->i[1], p->i[2], p->i + 3);
}

/* From 3 x 4 to 2 x 3; one target reads nothing, one source is read by nobody. */
static const idem_sparse map = {.rows = 6,
                                .columns = 12,
                                .start = (const int[]){0, 2, 3, 3, 6, 8, 9},
                                .column = (const int[]){0, 11, 5, 5, 6, 9, 10, 1, 3},
                                .value = (const float[]){0.5f, -0.25f, 1, 0.125f, 0.75f, 0.3f, 2, -1, 0.6f}};

BUILD(map, idem_spatial_map(in[0], &map, 2, 3)) {
    (void)p;
    return ref_spatial_map(in[0], &map, 2, 3);
}

/* A turn with a shift that leaves the picture, mixed colours, a box; the picture mirrored; nothing at all. */
static const float augmented[3][IDEM_AUGMENT_NUMBERS] = {
    {0.9f,  -0.3f, 1.3f, 0.4f, 1.1f, -2.2f, 0.8f, 0.1f, -0.2f, 0.3f, 0.9f,
     0.05f, -0.1f, 0.2f, 1.2f, 0.3f, -0.4f, 0.1f, 1,    1,     3,    2},
    {-1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0},
    {1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}};

BUILD(augment, idem_augment(in[0], idem_const(in[0]->graph, "numbers", S(3, IDEM_AUGMENT_NUMBERS), augmented[0]))) {
    (void)p;
    ref_tensor y = ref_new(in[0].shape);
    const int64_t *d = in[0].shape.d;
    for (int64_t n = 0; n < d[0]; n++)
        ref_augment(y.v + n * 3 * d[2] * d[3], in[0].v + n * 3 * d[2] * d[3], d[2], d[3], augmented[n]);
    return y;
}

BUILD(bn_stats, idem_bn_stats(in[0])) {
    (void)p;
    return ref_bn_stats(in[0]);
}

BUILD(bn_own, idem_bn_apply(in[0], idem_bn_stats(in[0]), in[1], in[2], p->f[0])) {
    return ref_bn_apply(in[0], ref_bn_stats(in[0]), in[1], in[2], (double)p->f[0]);
}

/* Statistics from elsewhere: independent inputs. */
BUILD(bn_free, idem_bn_apply(in[0], in[1], in[2], in[3], p->f[0])) {
    return ref_bn_apply(in[0], in[1], in[2], in[3], (double)p->f[0]);
}

BUILD(prelu, idem_prelu(in[0], in[1])) {
    (void)p;
    return ref_prelu(in[0], in[1]);
}

/* Two processes with the same numbers. */
static void twice(void *user, float *x, size_t n) {
    (void)user;
    for (size_t i = 0; i < n; i++)
        x[i] += x[i];
}
static const idem_sharing with_a_twin = {.sum = twice, .parts = 2};

BUILD(shared_sum, idem_shared_sum(in[0], &with_a_twin)) {
    (void)p;
    return ref_binary(in[0], in[0], '+');
}

BUILD(shared_stats, idem_shared_stats(idem_bn_stats(in[0]), &with_a_twin)) {
    return reference_bn_stats(in, p); /* of equal parts they are the part's own */
}

/* i[0..2]: scale, plane, bias are there, in this order among the inputs */
static idem_node *build_styled(idem_node *const *in, const gc_param *p) {
    idem_node *part[3];
    for (int i = 0, k = 1; i < 3; i++)
        part[i] = p->i[i] ? in[k++] : NULL;
    return idem_styled(in[0], part[0], part[1], part[2], p->f[0], p->f[1]);
}

static ref_tensor reference_styled(const ref_tensor *in, const gc_param *p) {
    ref_tensor part[3] = {{.v = NULL}, {.v = NULL}, {.v = NULL}};
    for (int i = 0, k = 1; i < 3; i++)
        if (p->i[i])
            part[i] = in[k++];
    return ref_styled(in[0], part[0], part[1], part[2], (double)p->f[0], (double)p->f[1]);
}

BUILD(softmax, idem_softmax(in[0], p->i[0])) {
    return ref_softmax(in[0], p->i[0]);
}

/* ---- cases ---- */

/* clang-format off */
#define WIN(KH, KW, SH, SW, DH, DW, T, L, B, R, G) {{KH, KW}, {SH, SW}, {DH, DW}, {T, L, B, R}, G, false}
#define POOL(K, ST, T, L, B, R) WIN(K, K, ST, ST, 1, 1, T, L, B, R, 1)
#define S0 {0, {0}}
#define S1(A) {1, {A}}
#define S2(A, B) {2, {A, B}}
#define S3(A, B, C) {3, {A, B, C}}
#define S4(A, B, C, D) {4, {A, B, C, D}}
#define S5(A, B, C, D, E) {5, {A, B, C, D, E}}
#define S6(A, B, C, D, E, F) {6, {A, B, C, D, E, F}}
#define UNARY(KIND, ORDER, FILL, A, B)                                                                                 \
    {"unary", #KIND, ORDER, 1, {S4(2, 3, 3, 5)}, {FILL}, WITH(unary), .p = {.i = {IDEM_UNARY_##KIND}, .f = {A, B}}}
#define PAIR(OP, WHAT, ...) {#OP, WHAT, 2, 2, {__VA_ARGS__}, {GC_NORMAL, GC_POSITIVE}, WITH(OP)}
#define BROADCASTS(OP)                                                                                                 \
    PAIR(OP, "equal", S4(2, 3, 4, 5), S4(2, 3, 4, 5)),                                                                 \
    PAIR(OP, "scalar", S4(2, 3, 4, 5), S0),                                                                            \
    PAIR(OP, "scalar first", S0, S2(3, 5)),                                                                            \
    PAIR(OP, "two scalars", S0, S0),                                                                                   \
    PAIR(OP, "one element of rank 4", S4(1, 1, 1, 1), S4(2, 3, 1, 2)),                                                 \
    PAIR(OP, "channels [C, 1, 1]", S4(2, 9, 3, 2), S3(9, 1, 1)),                                                       \
    PAIR(OP, "channels [1, C, 1, 1]", S4(2, 9, 3, 2), S4(1, 9, 1, 1)),                                                 \
    PAIR(OP, "channels [C] of rank 2", S2(7, 5), S1(5)),                                                               \
    PAIR(OP, "rows [N, 1]", S2(7, 5), S2(7, 1)),                                                                       \
    PAIR(OP, "pictures and channels", S4(2, 11, 3, 2), S4(2, 11, 1, 1)),                                               \
    PAIR(OP, "plane", S4(2, 3, 4, 5), S4(1, 1, 4, 5)),                                                                 \
    PAIR(OP, "plane of rank 2", S4(2, 3, 4, 5), S2(4, 5)),                                                             \
    PAIR(OP, "rank 3 behind", S4(2, 3, 4, 5), S3(3, 4, 5)),                                                            \
    PAIR(OP, "pictures", S4(3, 2, 2, 2), S4(3, 1, 1, 1)),                                                              \
    PAIR(OP, "height", S4(2, 3, 4, 5), S4(1, 1, 4, 1)),                                                                \
    PAIR(OP, "small first", S3(3, 1, 1), S4(2, 3, 4, 5)),                                                              \
    PAIR(OP, "both ways", S2(4, 1), S2(1, 6)),                                                                         \
    PAIR(OP, "both ways of rank 4", S4(2, 1, 3, 1), S4(1, 4, 1, 5)),                                                   \
    PAIR(OP, "rank 6", S6(2, 1, 2, 3, 1, 2), S6(2, 2, 1, 3, 2, 2)),                                                    \
    PAIR(OP, "rank 5", S5(2, 2, 3, 2, 2), S1(2)),                                                                      \
    {#OP, "large", 0, 2, {S4(2, 37, 31, 33), S4(2, 37, 1, 1)}, {GC_NORMAL, GC_POSITIVE}, WITH(OP)},                    \
    {#OP, "large, three channels", 0, 2, {S4(2, 3, 101, 103), S3(3, 1, 1)}, {0, GC_POSITIVE}, WITH(OP)},               \
    {#OP, "large, three channels and a plane", 0, 2, {S2(101, 103), S4(2, 3, 101, 103)}, {0, GC_POSITIVE}, WITH(OP)},  \
    {#OP, "large and equal", 0, 2, {S3(3, 101, 211), S3(3, 101, 211)}, {GC_NORMAL, GC_POSITIVE}, WITH(OP)}

const gc_case ops_cases[] = {
    BROADCASTS(add), BROADCASTS(sub), BROADCASTS(mul), BROADCASTS(div),
    {"mul", "a node by itself", 2, 1, {S2(3, 5)}, {GC_NORMAL}, WITH(self_mul)},

    UNARY(AFFINE, 2, GC_NORMAL, -1.5f, 0.25f), UNARY(RELU, 2, GC_AWAY, 0, 0),
    UNARY(LEAKY_RELU, 2, GC_AWAY, 0.2f, 1.4f), UNARY(LEAKY_RELU, 2, GC_AWAY, -0.2f, 1.4f),
    UNARY(EXP, 2, GC_NORMAL, 0, 0), UNARY(LOG, 2, GC_POSITIVE, 0, 0), UNARY(SQRT, 2, GC_POSITIVE, 0, 0),
    UNARY(RSQRT, 2, GC_POSITIVE, 0, 0), UNARY(SQUARE, 2, GC_NORMAL, 0, 0), UNARY(ABS, 2, GC_AWAY, 0, 0),
    UNARY(SIGN, 2, GC_AWAY, 0, 0), UNARY(STEP, 2, GC_AWAY, 0.7f, -0.3f), UNARY(SIGMOID, 2, GC_NORMAL, 0, 0),
    UNARY(SOFTPLUS, 2, GC_NORMAL, 0, 0), UNARY(TANH, 2, GC_NORMAL, 0, 0), UNARY(POW, 2, GC_POSITIVE, 0.3001f, 0),
    UNARY(POW, 2, GC_POSITIVE, 2, 0), UNARY(POW, 2, GC_POSITIVE, 1, 0), UNARY(CLAMP, 2, GC_AWAY, -0.05f, 0.05f),
    {"unary", "square of a mean's gradient", 2, 1, {S3(3, 4, 5)}, {GC_NORMAL}, WITH(unary_mean),
     .p = {.i = {IDEM_UNARY_SQUARE}}},
    {"unary", "tanh of a mean's gradient", 2, 1, {S3(3, 4, 5)}, {GC_NORMAL}, WITH(unary_mean),
     .p = {.i = {IDEM_UNARY_TANH}}},
    {"mask", "abs of a mean's gradient", 2, 1, {S4(2, 3, 4, 5)}, {GC_AWAY}, WITH(unary_mean),
     .p = {.i = {IDEM_UNARY_ABS}}},
    {"unary", "ONE_MINUS_POW", 2, 1, {S4(2, 3, 3, 5)}, {GC_POSITIVE}, WITH(one_minus), .p = {.f = {0.2856f, 0.45f}}},
    {"unary", "ONE_MINUS_POW of negative numbers", 2, 1, {S2(3, 5)}, {GC_POSITIVE}, WITH(one_minus), .p = {.f = {0.1333f, -1}}},
    {"mask", "relu", 2, 1, {S1(7)}, {GC_AWAY}, WITH(unary), .p = {.i = {IDEM_UNARY_RELU}}},
    {"mask", "clamp", 2, 1, {S1(37)}, {GC_AWAY}, WITH(unary), .p = {.i = {IDEM_UNARY_CLAMP}, .f = {-1, 1}}},
    {"mask", "large", 1, 1, {S4(2, 16, 33, 37)}, {GC_AWAY}, WITH(unary),
     .p = {.i = {IDEM_UNARY_LEAKY_RELU}, .f = {0.2f, 1.4f}}},

    {"reduce_sum", "to a scalar", 2, 1, {S4(2, 3, 4, 5)}, {GC_NORMAL}, WITH(sum), .p = {.f = {0.5f}}},
    {"reduce_sum", "all", 2, 1, {S2(3, 5)}, {GC_NORMAL}, WITH(sum_all)},
    {"reduce_sum", "mean", 2, 1, {S3(3, 5, 2)}, {GC_NORMAL}, WITH(mean)},
    {"reduce_sum", "channels", 2, 1, {S4(3, 5, 4, 3)}, {GC_NORMAL}, WITH(sum), .p = {.f = {1}, .shape = S3(5, 1, 1)}},
    {"reduce_sum", "pictures and channels", 2, 1, {S4(3, 5, 4, 3)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {2}, .shape = S4(3, 5, 1, 1)}},
    {"reduce_sum", "plane", 2, 1, {S4(3, 5, 4, 3)}, {GC_NORMAL}, WITH(sum), .p = {.f = {1}, .shape = S4(1, 1, 4, 3)}},
    {"reduce_sum", "rank 3 behind", 2, 1, {S4(3, 5, 4, 3)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S3(5, 4, 3)}},
    {"reduce_sum", "width", 2, 1, {S4(3, 5, 4, 3)}, {GC_NORMAL}, WITH(sum), .p = {.f = {1}, .shape = S4(3, 5, 4, 1)}},
    {"reduce_sum", "height and pictures", 2, 1, {S4(3, 5, 4, 3)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S4(1, 5, 1, 3)}},
    {"reduce_sum", "alternating axes of rank 6", 2, 1, {S6(2, 3, 2, 2, 2, 3)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {-1}, .shape = S6(1, 3, 1, 2, 1, 3)}},
    {"reduce_sum", "the other axes of rank 6", 2, 1, {S6(2, 3, 2, 2, 2, 3)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {-1}, .shape = S6(2, 1, 2, 1, 2, 1)}},
    {"reduce_sum", "rows", 2, 1, {S2(9, 4)}, {GC_NORMAL}, WITH(sum), .p = {.f = {1}, .shape = S2(9, 1)}},
    {"reduce_sum", "large to a scalar", 0, 1, {S4(3, 17, 61, 67)}, {GC_POSITIVE}, WITH(sum_all)},
    {"reduce_sum", "large to channels", 0, 1, {S4(3, 17, 61, 67)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S3(17, 1, 1)}},
    {"reduce_sum", "large to three channels", 0, 1, {S4(2, 3, 161, 67)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S3(3, 1, 1)}},
    {"reduce_sum", "large to pictures and channels", 0, 1, {S4(3, 17, 61, 67)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S4(3, 17, 1, 1)}},
    {"reduce_sum", "large to a plane", 0, 1, {S4(3, 17, 61, 67)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S2(61, 67)}},
    {"reduce_sum", "large to a larger plane", 0, 1, {S4(2, 5, 71, 67)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S2(71, 67)}},
    {"reduce_sum", "many columns", 0, 1, {S2(65, 1303)}, {GC_NORMAL}, WITH(sum), .p = {.f = {1}, .shape = S1(1303)}},
    {"reduce_sum", "few rows, many columns", 0, 1, {S2(3, 40001)}, {GC_NORMAL}, WITH(sum),
     .p = {.f = {1}, .shape = S1(40001)}},
    {"dot", "to a scalar", 2, 2, {S4(2, 3, 4, 5), S4(2, 3, 4, 5)}, {0}, WITH(dot)},
    {"dot", "to pictures and channels", 2, 2, {S4(2, 9, 4, 3), S4(2, 9, 4, 3)}, {0}, WITH(dot),
     .p = {.shape = S4(2, 9, 1, 1)}},
    {"dot", "to rows", 2, 2, {S2(6, 37), S2(6, 37)}, {0}, WITH(dot), .p = {.shape = S2(6, 1)}},
    {"dot", "large to channels", 0, 2, {S4(3, 19, 61, 67), S4(3, 19, 61, 67)}, {0}, WITH(dot),
     .p = {.shape = S3(19, 1, 1)}},
    {"dot", "large to a scalar", 0, 2, {S2(333, 222), S2(333, 222)}, {GC_POSITIVE, GC_POSITIVE}, WITH(dot)},
    {"broadcast", "scalar", 2, 1, {S0}, {GC_NORMAL}, WITH(broadcast), .p = {.shape = S4(2, 3, 2, 3)}},
    {"broadcast", "channels", 2, 1, {S3(9, 1, 1)}, {GC_NORMAL}, WITH(broadcast), .p = {.shape = S4(2, 9, 2, 3)}},
    {"broadcast", "plane", 2, 1, {S2(2, 3)}, {GC_NORMAL}, WITH(broadcast), .p = {.shape = S4(2, 9, 2, 3)}},
    {"broadcast", "large", 0, 1, {S4(2, 9, 1, 1)}, {GC_NORMAL}, WITH(broadcast), .p = {.shape = S4(2, 9, 61, 63)}},

    {"reshape", "view", 2, 1, {S2(6, 4)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S3(2, 3, 4)}},
    {"reshape", "pictures to rows", 2, 1, {S4(2, 3, 4, 5)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S2(2, 60)}},
    {"reshape", "rows to pictures", 2, 1, {S2(2, 60)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S4(2, 3, 4, 5)}},
    {"reshape", "pictures to pictures", 2, 1, {S4(2, 6, 2, 2)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S4(2, 3, 4, 2)}},
    {"reshape", "height into width", 2, 1, {S4(2, 3, 4, 2)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S4(2, 3, 1, 8)}},
    {"reshape", "one channel", 2, 1, {S4(2, 1, 3, 4)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S2(2, 12)}},
    {"reshape", "vectors as pictures", 2, 1, {S2(2, 7)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S4(2, 7, 1, 1)}},
    {"reshape", "scalar", 2, 1, {S4(1, 1, 1, 1)}, {GC_NORMAL}, WITH(reshape)},
    {"reshape", "large", 0, 1, {S4(2, 33, 35, 31)}, {GC_NORMAL}, WITH(reshape), .p = {.shape = S3(2, 33 * 35, 31)}},
    {"permute", "rank 2", 2, 1, {S2(5, 7)}, {GC_NORMAL}, WITH(permute), .p = {.i = {1, 0}}},
    {"permute", "rank 4", 2, 1, {S4(2, 3, 4, 5)}, {GC_NORMAL}, WITH(permute), .p = {.i = {2, 0, 3, 1}}},
    {"permute", "rank 3", 2, 1, {S3(3, 4, 5)}, {GC_NORMAL}, WITH(permute), .p = {.i = {2, 0, 1}}},
    {"permute", "rank 6", 2, 1, {S6(2, 3, 2, 2, 3, 2)}, {GC_NORMAL}, WITH(permute), .p = {.i = {0, 1, 4, 2, 5, 3}}},
    {"permute", "large", 0, 1, {S2(301, 173)}, {GC_NORMAL}, WITH(permute), .p = {.i = {1, 0}}},
    {"permute", "large of rank 4", 0, 1, {S4(2, 21, 33, 35)}, {GC_NORMAL}, WITH(permute), .p = {.i = {0, 2, 3, 1}}},
    {"slice", "channels", 2, 1, {S4(2, 7, 3, 2)}, {GC_NORMAL}, WITH(slice), .p = {.i = {1, 2, 3, 1}}},
    {"slice", "every other column", 2, 1, {S4(2, 3, 4, 7)}, {GC_NORMAL}, WITH(slice), .p = {.i = {3, 1, 3, 2}}},
    {"slice", "rows", 2, 1, {S2(6, 4)}, {GC_NORMAL}, WITH(slice), .p = {.i = {0, 2, 2, 3}}},
    {"slice", "vector", 2, 1, {S1(9)}, {GC_NORMAL}, WITH(slice), .p = {.i = {0, 8, 1, 5}}},
    {"slice", "large", 0, 1, {S4(2, 20, 61, 63)}, {GC_NORMAL}, WITH(slice), .p = {.i = {2, 3, 50, 1}}},
    {"embed", "padding", 2, 1, {S4(2, 3, 4, 5)}, {GC_NORMAL}, WITH(embed), .p = {.i = {2, 1, 7, 1}}},
    {"embed", "zeros between", 2, 1, {S3(2, 3, 4)}, {GC_NORMAL}, WITH(embed), .p = {.i = {2, 0, 7, 2}}},
    {"embed", "channels", 2, 1, {S4(2, 3, 4, 5)}, {GC_NORMAL}, WITH(embed), .p = {.i = {1, 2, 8, 2}}},
    {"concat", "channels", 2, 3, {S4(2, 3, 2, 3), S4(2, 1, 2, 3), S4(2, 9, 2, 3)}, {0}, WITH(concat), .p = {.i = {1, 3}}},
    {"concat", "rows", 2, 2, {S2(2, 5), S2(3, 5)}, {0}, WITH(concat), .p = {.i = {0, 2}}},
    {"concat", "columns", 2, 2, {S2(3, 2), S2(3, 5)}, {0}, WITH(concat), .p = {.i = {1, 2}}},

    {"matmul", "plain", 2, 2, {S2(3, 5), S2(5, 4)}, {0}, WITH(matmul)},
    {"matmul", "first transposed", 2, 2, {S2(5, 3), S2(5, 4)}, {0}, WITH(matmul), .p = {.i = {1, 0}}},
    {"matmul", "second transposed", 2, 2, {S2(3, 5), S2(4, 5)}, {0}, WITH(matmul), .p = {.i = {0, 1}}},
    {"matmul", "both transposed", 2, 2, {S2(5, 3), S2(4, 5)}, {0}, WITH(matmul), .p = {.i = {1, 1}}},
    {"matmul", "batch", 2, 2, {S3(2, 3, 5), S3(2, 4, 5)}, {0}, WITH(matmul), .p = {.i = {0, 1}}},
    {"matmul", "linear", 2, 3, {S2(3, 5), S2(4, 5), S1(4)}, {0}, WITH(linear)},
    {"conv", "3x3", 2, 2, {S4(2, 3, 5, 4), S4(4, 3, 3, 3)}, {0}, WITH(conv), .p = {.win = POOL(3, 1, 1, 1, 1, 1)}},
    {"conv", "with bias, stride 2", 2, 3, {S4(2, 3, 6, 5), S4(4, 3, 3, 3), S1(4)}, {0}, WITH(conv_bias),
     .p = {.win = POOL(3, 2, 1, 1, 1, 1)}},
    {"conv", "1x1", 2, 2, {S4(2, 9, 3, 2), S4(5, 9, 1, 1)}, {0}, WITH(conv), .p = {.win = POOL(1, 1, 0, 0, 0, 0)}},
    {"conv", "groups, dilation, uneven padding", 2, 2, {S4(1, 4, 7, 6), S4(6, 2, 2, 3)}, {0}, WITH(conv),
     .p = {.win = WIN(2, 3, 1, 2, 2, 1, 1, 0, 2, 1, 2)}},
    {"conv", "depthwise", 2, 2, {S4(2, 5, 4, 4), S4(5, 1, 3, 3)}, {0}, WITH(conv),
     .p = {.win = WIN(3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 5)}},
    {"conv_data", "stride 2", 2, 2, {S4(2, 3, 4, 3), S4(3, 2, 3, 3)}, {0}, WITH(conv_data),
     .p = {.win = POOL(3, 2, 0, 0, 0, 0), .i = {9, 7}}},
    {"conv_data", "stride 2, one row unread", 2, 2, {S4(1, 3, 2, 3), S4(3, 2, 3, 3)}, {0}, WITH(conv_data),
     .p = {.win = POOL(3, 2, 1, 1, 1, 1), .i = {4, 6}}},
    {"conv_weight", "3x3", 2, 2, {S4(2, 3, 5, 4), S4(2, 4, 5, 4)}, {0}, WITH(conv_weight),
     .p = {.win = POOL(3, 1, 1, 1, 1, 1)}},
    {"conv_weight", "stride 2", 2, 2, {S4(2, 2, 5, 5), S4(2, 3, 2, 2)}, {0}, WITH(conv_weight),
     .p = {.win = POOL(3, 2, 0, 0, 0, 0)}},

    {"maxpool", "2x2", 1, 1, {S4(2, 3, 4, 6)}, {GC_DISTINCT}, WITH(maxpool), .p = {.win = POOL(2, 2, 0, 0, 0, 0)}},
    {"maxpool", "3x3 over edges", 1, 1, {S4(2, 19, 5, 6)}, {GC_DISTINCT}, WITH(maxpool),
     .p = {.win = POOL(3, 2, 1, 1, 1, 1)}},
    {"maxpool", "ceil by uneven padding", 1, 1, {S4(1, 3, 6, 5)}, {GC_DISTINCT}, WITH(maxpool),
     .p = {.win = POOL(3, 2, 0, 0, 1, 2)}},
    {"maxpool", "large", 0, 1, {S4(2, 17, 41, 43)}, {GC_NORMAL}, WITH(maxpool), .p = {.win = POOL(3, 2, 1, 1, 1, 1)}},
    {"maxpool_grad", "overlap", 1, 1, {S4(2, 5, 6, 6)}, {GC_DISTINCT}, WITH(maxpool),
     .p = {.win = POOL(3, 1, 1, 1, 1, 1)}},
    {"maxpool_grad", "large", 1, 1, {S4(2, 37, 25, 23)}, {GC_DISTINCT}, WITH(maxpool),
     .p = {.win = POOL(3, 2, 1, 1, 1, 1)}},
    {"avgpool", "2x2", 2, 1, {S4(2, 3, 4, 6)}, {GC_NORMAL}, WITH(avgpool), .p = {.win = POOL(2, 2, 0, 0, 0, 0)}},
    {"avgpool", "padding counts", 2, 1, {S4(2, 3, 5, 6)}, {GC_NORMAL}, WITH(avgpool),
     .p = {.win = POOL(3, 2, 1, 1, 1, 1), .i = {1}}},
    {"avgpool", "padding does not count", 2, 1, {S4(2, 3, 5, 6)}, {GC_NORMAL}, WITH(avgpool),
     .p = {.win = POOL(3, 2, 1, 1, 1, 1), .i = {0}}},
    {"avgpool", "gaps between windows", 2, 1, {S4(1, 9, 8, 7)}, {GC_NORMAL}, WITH(avgpool),
     .p = {.win = POOL(2, 3, 0, 1, 0, 0)}},
    {"avgpool", "odd sides padded to even", 2, 1, {S4(2, 3, 5, 7)}, {GC_NORMAL}, WITH(avgpool),
     .p = {.win = POOL(2, 2, 1, 1, 1, 1), .i = {1}}},
    {"avgpool", "large", 0, 1, {S4(2, 17, 41, 43)}, {GC_NORMAL}, WITH(avgpool), .p = {.win = POOL(3, 1, 1, 1, 1, 1)}},
    {"avgpool_grad", "2x2, one row unread", 2, 1, {S4(2, 3, 2, 3)}, {GC_NORMAL}, WITH(avgpool_grad),
     .p = {.win = POOL(2, 2, 0, 0, 0, 0), .i = {1, 5, 6}}},
    {"avgpool_grad", "overlap", 2, 1, {S4(2, 3, 5, 4)}, {GC_NORMAL}, WITH(avgpool_grad),
     .p = {.win = POOL(3, 1, 1, 1, 1, 1), .i = {0, 5, 4}}},
    {"avgpool_grad", "large", 0, 1, {S4(2, 17, 20, 21)}, {GC_NORMAL}, WITH(avgpool_grad),
     .p = {.win = POOL(2, 2, 0, 0, 0, 0), .i = {1, 41, 43}}},
    {"reduce_sum", "mean over height and width", 2, 1, {S4(2, 5, 3, 4)}, {GC_NORMAL}, WITH(mean_hw)},

    {"filter", "4 taps", 2, 1, {S4(2, 3, 5, 6)}, {GC_NORMAL}, WITH(filter), .p = {.i = {4, 1, 1, 1, 1, 1, 1}}},
    {"filter", "4 taps, up 2", 2, 1, {S4(2, 3, 3, 4)}, {GC_NORMAL}, WITH(filter), .p = {.i = {4, 2, 1, 2, 2, 1, 1}}},
    {"filter", "4 taps, down 2", 2, 1, {S4(2, 9, 6, 8)}, {GC_NORMAL}, WITH(filter), .p = {.i = {4, 1, 2, 1, 1, 1, 1}}},
    {"filter", "uneven padding and a crop", 2, 1, {S4(1, 3, 7, 6)}, {GC_NORMAL}, WITH(filter),
     .p = {.i = {3, 1, 1, 2, -1, -2, 3}}},
    {"filter", "up 3, down 2, crop", 2, 1, {S4(1, 2, 5, 4)}, {GC_NORMAL}, WITH(filter),
     .p = {.i = {5, 3, 2, -2, 1, 3, -1}}},
    {"filter", "up 2, one tap", 2, 1, {S4(1, 2, 3, 4)}, {GC_NORMAL}, WITH(filter), .p = {.i = {1, 2, 1, 1, 0, 0, 1}}},
    {"filter", "down 3 with a rest", 2, 1, {S4(1, 2, 9, 8)}, {GC_NORMAL}, WITH(filter), .p = {.i = {2, 1, 3, 0, 0, 0, 0}}},
    {"filter", "far padding", 2, 1, {S4(1, 2, 3, 3)}, {GC_NORMAL}, WITH(filter), .p = {.i = {2, 1, 1, 5, 4, 3, 2}}},
    {"filter", "11 taps, no padding", 2, 1, {S4(1, 3, 13, 12)}, {GC_NORMAL}, WITH(filter), .p = {.i = {11, 1, 1}}},
    {"filter", "7 taps", 2, 1, {S4(1, 3, 6, 5)}, {GC_NORMAL}, WITH(filter), .p = {.i = {7, 1, 1, 3, 3, 3, 3}}},
    {"filter", "large", 0, 1, {S4(2, 20, 33, 35)}, {GC_NORMAL}, WITH(filter), .p = {.i = {4, 1, 1, 1, 1, 1, 1}}},
    {"filter", "large, up 2", 0, 1, {S4(2, 20, 33, 35)}, {GC_NORMAL}, WITH(filter), .p = {.i = {4, 2, 1, 2, 2, 1, 1}}},
    {"filter", "large, down 2", 0, 1, {S4(2, 20, 63, 65)}, {GC_NORMAL}, WITH(filter), .p = {.i = {4, 1, 2, 1, 1, 1, 1}}},
    {"spatial_map", "five channels", 2, 1, {S4(2, 5, 3, 4)}, {GC_NORMAL}, WITH(map)},
    {"spatial_map", "three channels", 2, 1, {S4(2, 3, 3, 4)}, {GC_NORMAL}, WITH(map)},

    {"bn_stats", "rank 4", 2, 1, {S4(2, 5, 3, 4)}, {GC_NORMAL}, WITH(bn_stats)},
    {"bn_stats", "rank 2", 2, 1, {S2(7, 3)}, {GC_NORMAL}, WITH(bn_stats)},
    {"bn_stats", "far from zero", 0, 1, {S4(2, 5, 33, 34)}, {GC_FAR}, WITH(bn_stats)},
    {"bn_stats", "many channels", 0, 1, {S4(2, 300, 13, 14)}, {GC_NORMAL}, WITH(bn_stats)},
    {"bn_apply", "own statistics", 1, 3, {S4(3, 5, 2, 3), S1(5), S1(5)}, {0}, WITH(bn_own), .p = {.f = {1e-3f}}},
    {"bn_apply", "own statistics, rank 2", 1, 3, {S2(6, 5), S1(5), S1(5)}, {0}, WITH(bn_own), .p = {.f = {1e-3f}}},
    {"bn_apply", "frozen statistics", 1, 4, {S4(3, 5, 2, 3), S2(2, 5), S1(5), S1(5)}, {GC_NORMAL, GC_POSITIVE},
     WITH(bn_free), .p = {.f = {1e-3f}}},
    {"bn_apply", "large", 0, 3, {S4(2, 37, 31, 33), S1(37), S1(37)}, {0}, WITH(bn_own), .p = {.f = {1e-3f}}},
    {"bn_sums", "frozen statistics, rank 2", 1, 4, {S2(6, 5), S2(2, 5), S1(5), S1(5)}, {GC_NORMAL, GC_POSITIVE},
     WITH(bn_free), .p = {.f = {1e-3f}}},
    {"bn_grad", "many rows", 1, 3, {S4(2, 17, 33, 34), S1(17), S1(17)}, {0}, WITH(bn_own), .p = {.f = {1e-3f}}},

    {"augment", "warp, colours, box", 2, 1, {S4(3, 3, 5, 6)}, {GC_NORMAL}, WITH(augment)},
    {"augment_adjoint", "second gradient", 2, 1, {S4(3, 3, 7, 4)}, {GC_NORMAL}, WITH(augment)},

    {"prelu", "rank 4", 1, 2, {S4(2, 5, 3, 4), S1(5)}, {GC_AWAY}, WITH(prelu)},
    {"prelu", "slopes as [C, 1, 1]", 1, 2, {S4(2, 5, 3, 4), S3(5, 1, 1)}, {GC_AWAY}, WITH(prelu)},
    {"prelu", "one channel", 1, 2, {S4(2, 1, 3, 4), S1(1)}, {GC_AWAY}, WITH(prelu)},
    {"prelu_grad", "rank 2", 1, 2, {S2(4, 9), S1(9)}, {GC_AWAY}, WITH(prelu)},
    {"prelu_grad", "large", 1, 2, {S4(2, 19, 33, 34), S1(19)}, {GC_AWAY}, WITH(prelu)},
    {"styled", "planes", 2, 4, {S4(2, 9, 3, 4), S2(2, 9), S4(2, 1, 3, 4), S1(9)}, {GC_NORMAL, GC_POSITIVE},
     WITH(styled), .p = {.i = {1, 1, 1}, .f = {0.2f, 1.4f}}},
    {"styled", "all parts", 2, 4, {S4(2, 9, 3, 4), S2(2, 9), S4(1, 1, 3, 4), S1(9)}, {GC_NORMAL, GC_POSITIVE},
     WITH(styled), .p = {.i = {1, 1, 1}, .f = {0.2f, 1.4f}}},
    {"scale_grad", "product", 2, 2, {S4(2, 9, 4, 3), S4(2, 9, 1, 1)}, {0}, WITH(mul)},
    {"head", "product, factor first", 2, 2, {S4(2, 9, 1, 1), S4(2, 9, 4, 3)}, {0}, WITH(mul)},
    {"scale_grad", "large", 1, 2, {S4(2, 33, 34, 35), S4(2, 33, 1, 1)}, {0}, WITH(mul)},
    {"scale_grad", "many channels", 1, 2, {S4(2, 301, 3, 3), S4(2, 301, 1, 1)}, {0}, WITH(mul)},
    {"scale_grad", "styled, scale", 2, 2, {S4(2, 9, 3, 4), S2(2, 9)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {1, 0, 0}, .f = {0.2f, 1.4f}}},
    {"scale_grad", "styled, large", 1, 2, {S4(2, 33, 34, 35), S2(2, 33)}, {GC_AWAY, GC_POSITIVE}, WITH(styled),
     .p = {.i = {1, 0, 0}, .f = {0.2f, 1.4f}}},
    {"scale_grad", "styled, linear", 2, 2, {S4(2, 9, 3, 4), S2(2, 9)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {1, 0, 0}, .f = {1, 1.5f}}},
    {"styled", "linear", 2, 4, {S4(2, 5, 3, 4), S2(2, 5), S4(1, 1, 3, 4), S1(5)}, {0}, WITH(styled),
     .p = {.i = {1, 1, 1}, .f = {1, 1}}},
    {"styled", "bias", 2, 2, {S4(2, 5, 3, 4), S1(5)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {0, 0, 1}, .f = {0.2f, 1.4f}}},
    {"styled", "scale", 2, 2, {S4(2, 5, 3, 4), S2(2, 5)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {1, 0, 0}, .f = {0.2f, 1.4f}}},
    {"styled", "plane", 2, 2, {S4(2, 5, 3, 4), S4(1, 1, 3, 4)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {0, 1, 0}, .f = {0.2f, 1.4f}}},
    {"styled", "scale and bias", 2, 3, {S4(2, 5, 3, 4), S2(2, 5), S1(5)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {1, 0, 1}, .f = {0, 1}}},
    {"styled", "no part", 2, 1, {S4(2, 5, 3, 4)}, {GC_AWAY}, WITH(styled), .p = {.f = {0.2f, 1.4f}}},
    {"styled", "one channel", 2, 4, {S4(2, 1, 3, 4), S2(2, 1), S4(1, 1, 3, 4), S1(1)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {1, 1, 1}, .f = {0.2f, 1.4f}}},
    {"styled", "large", 0, 4, {S4(2, 33, 34, 35), S2(2, 33), S4(1, 1, 34, 35), S1(33)}, {GC_NORMAL}, WITH(styled),
     .p = {.i = {1, 1, 1}, .f = {0.2f, 1.4f}}},
    {"bn_stats", "of parts", 2, 1, {S4(2, 5, 3, 4)}, {GC_NORMAL}, WITH(shared_stats)},
    {"shared_sum", "rank 2", 2, 1, {S2(4, 7)}, {GC_NORMAL}, WITH(shared_sum)},
    {"softmax", "rows", 2, 1, {S2(4, 7)}, {GC_NORMAL}, WITH(softmax), .p = {.i = {1}}},
    {"softmax", "columns", 2, 1, {S2(4, 7)}, {GC_NORMAL}, WITH(softmax), .p = {.i = {0}}},
    {"softmax", "channels", 2, 1, {S4(2, 3, 2, 4)}, {GC_NORMAL}, WITH(softmax), .p = {.i = {1}}},
    {"softmax", "height", 2, 1, {S4(2, 3, 5, 4)}, {GC_NORMAL}, WITH(softmax), .p = {.i = {2}}},
    {"softmax", "large values", 0, 1, {S2(3, 5)}, {GC_FAR}, WITH(softmax), .p = {.i = {1}}},
    {"stop_gradient", "value", 0, 1, {S2(3, 5)}, {GC_NORMAL}, WITH(stop)},
};
const int n_ops_cases = sizeof ops_cases / sizeof *ops_cases;
