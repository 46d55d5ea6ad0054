/* ONNX operators on single numbers: arithmetic (of nodes, or of integers in shape computations) and activations. */
#include <math.h>
#include <string.h>

#include "engine/ops.h"
#include "nets/onnx_ints.h"

enum { ADD, SUB, MUL, DIV };

static int int_arithmetic(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val *out, int kind) {
    const idem_onnx_val *x = idem_onnx_in(b, n, 0), *y = idem_onnx_in(b, n, 1);
    size_t count = x->count > y->count ? x->count : y->count;
    if ((x->count != 1 && y->count != 1 && !idem_shape_equal(&x->shape, &y->shape)) || x->count == 0 || y->count == 0)
        return idem_fail("%s (%s): integer lists of %zu and %zu do not fit", n->name, n->op_type, x->count, y->count);
    const idem_onnx_val *shaped = x->count < count || y->shape.rank > x->shape.rank ? y : x;
    idem_onnx_val result = {0};
    if (idem_onnx_set_grid(b, &result, NULL, shaped->shape))
        return -1;
    int64_t *r = (int64_t *)result.ints;
    for (size_t i = 0; i < count; i++) {
        int64_t p = x->ints[x->count == 1 ? 0 : i], q = y->ints[y->count == 1 ? 0 : i];
        bool overflow = false;
        if (kind == ADD)
            overflow = __builtin_add_overflow(p, q, &r[i]);
        else if (kind == SUB)
            overflow = __builtin_sub_overflow(p, q, &r[i]);
        else if (kind == MUL)
            overflow = __builtin_mul_overflow(p, q, &r[i]);
        else if (q == 0 || (p == INT64_MIN && q == -1))
            overflow = true;
        else
            r[i] = p / q;
        if (overflow)
            return idem_fail("%s (%s): integer overflow or division by zero", n->name, n->op_type);
    }
    out->ints = r;
    out->count = count;
    out->shape = result.shape;
    return 0;
}

/* The single number of a float constant whose broadcast keeps the other operand's shape. */
static bool is_scalar(const idem_onnx_val *v, const idem_node *other, float *value) {
    if (!v || !v->constant || !v->constant->f || v->constant->count != 1 || !other ||
        v->constant->shape.rank > other->shape.rank)
        return false;
    *value = v->constant->f[0];
    return true;
}

static int arithmetic(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val *out, int kind) {
    const idem_onnx_val *x = idem_onnx_in(b, n, 0), *y = idem_onnx_in(b, n, 1);
    float c;
    if (x && y && x->ints && y->ints)
        return int_arithmetic(b, n, out, kind);
    if (x && x->node && is_scalar(y, x->node, &c)) {
        if (kind == ADD || kind == SUB)
            return idem_onnx_set_node(out, idem_affine(x->node, 1, kind == ADD ? c : -c));
        return idem_onnx_set_node(out, idem_scale(x->node, kind == MUL ? c : 1 / c));
    }
    if (y && y->node && kind != DIV && is_scalar(x, y->node, &c))
        return idem_onnx_set_node(out, idem_affine(y->node,
                                                   kind == ADD   ? 1
                                                   : kind == SUB ? -1
                                                                 : c,
                                                   kind == MUL ? 0 : c));
    idem_node *p = idem_onnx_in_node(b, n, 0), *q = idem_onnx_in_node(b, n, 1);
    idem_node *r = kind == ADD   ? idem_add(p, q)
                   : kind == SUB ? idem_sub(p, q)
                   : kind == MUL ? idem_mul(p, q)
                                 : idem_div(p, q);
    return idem_onnx_set_node(out, r);
}

static int op_add(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return arithmetic(b, n, out[0], ADD);
}

static int op_sub(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return arithmetic(b, n, out[0], SUB);
}

static int op_mul(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return arithmetic(b, n, out[0], MUL);
}

static int op_div(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return arithmetic(b, n, out[0], DIV);
}

static int op_unary(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    static const struct {
        const char *op_type;
        idem_unary_kind kind;
        float a, b;
    } kinds[] = {{"Relu", IDEM_UNARY_RELU, 0, 0}, {"Exp", IDEM_UNARY_EXP, 0, 0},
                 {"Log", IDEM_UNARY_LOG, 0, 0},   {"Sqrt", IDEM_UNARY_SQRT, 0, 0},
                 {"Abs", IDEM_UNARY_ABS, 0, 0},   {"Sigmoid", IDEM_UNARY_SIGMOID, 0, 0},
                 {"Tanh", IDEM_UNARY_TANH, 0, 0}, {"Neg", IDEM_UNARY_AFFINE, -1, 0}};
    idem_node *x = idem_onnx_in_node(b, n, 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(n->op_type, kinds[i].op_type) == 0)
            return idem_onnx_set_node(out[0], idem_unary(x, kinds[i].kind, kinds[i].a, kinds[i].b));
    return -1;
}

/* x^p for a constant p. */
static int op_pow(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    float p;
    if (!x)
        return -1;
    if (!is_scalar(idem_onnx_in(b, n, 1), x, &p) || (p != 2 && p != 0.5f))
        return idem_fail("%s (Pow): only the constant exponents 2 and 0.5 are supported", n->name);
    return idem_onnx_set_node(out[0], idem_unary(x, p == 2 ? IDEM_UNARY_SQUARE : IDEM_UNARY_SQRT, 0, 0));
}

/* max(0, min(1, alpha x + beta)), or x times it with the factors of opset 14. */
static int op_hard(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const bool swish = strcmp(n->op_type, "HardSwish") == 0;
    idem_node *x = idem_onnx_in_node(b, n, 0);
    const float alpha = swish ? 1.0f / 6 : idem_onnx_float(n, "alpha", 0.2f);
    const float beta = swish ? 0.5f : idem_onnx_float(n, "beta", 0.5f);
    idem_node *gate = idem_unary(idem_affine(x, alpha, beta), IDEM_UNARY_CLAMP, 0, 1);
    return idem_onnx_set_node(out[0], swish ? idem_mul(x, gate) : gate);
}

static int op_leaky_relu(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return idem_onnx_set_node(out[0],
                              idem_leaky_relu(idem_onnx_in_node(b, n, 0), idem_onnx_float(n, "alpha", 0.01f), 1));
}

static int op_prelu(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    const idem_onnx_val *slope = idem_onnx_in(b, n, 1);
    if (!x)
        return -1;
    if (!slope || !slope->constant || !slope->constant->f)
        return idem_fail("%s (PRelu): the slope must be a constant", n->name);
    const idem_onnx_tensor *t = slope->constant;
    if (t->count == 1)
        return idem_onnx_set_node(out[0], idem_leaky_relu(x, t->f[0], 1));
    /* Broadcasting puts a slope of [C, 1, 1] on axis 1 of a picture and [C] on the last axis of a vector. */
    const int axis = x->shape.rank == 4 ? 1 : x->shape.rank - 1, from_end = x->shape.rank - axis;
    if ((x->shape.rank != 4 && x->shape.rank != 2) || t->shape.rank < from_end ||
        t->shape.d[t->shape.rank - from_end] != (int64_t)t->count || (int64_t)t->count != x->shape.d[axis]) {
        char got[64], want[64];
        return idem_fail("%s (PRelu): a slope of %s does not fit %s: expected one number per channel", n->name,
                         idem_shape_text(&t->shape, got), idem_shape_text(&x->shape, want));
    }
    return idem_onnx_set_node(out[0],
                              idem_prelu(x, idem_const(b->graph, slope->name, IDEM_SHAPE((int64_t)t->count), t->f)));
}

static int op_clip(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    float limit[2] = {idem_onnx_float(n, "min", -INFINITY), idem_onnx_float(n, "max", INFINITY)};
    for (size_t i = 1; i < 3; i++) {
        const idem_onnx_val *v = idem_onnx_in(b, n, i);
        if (!v)
            continue;
        if (!v->constant || !v->constant->f || v->constant->count != 1)
            return idem_fail("%s (Clip): limits must be constant numbers", n->name);
        limit[i - 1] = v->constant->f[0];
    }
    return idem_onnx_set_node(out[0], idem_unary(idem_onnx_in_node(b, n, 0), IDEM_UNARY_CLAMP, limit[0], limit[1]));
}

static int op_softmax(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const bool flattens = b->model->opset < 13; /* before: everything from the axis onwards is one list */
    idem_node *x = idem_onnx_in_node(b, n, 0);
    if (!x)
        return -1;
    const int axis = idem_onnx_axis(n, idem_onnx_int(n, "axis", flattens ? 1 : -1), x->shape.rank);
    if (axis < 0)
        return -1;
    if (!flattens || axis == x->shape.rank - 1)
        return idem_onnx_set_node(out[0], idem_softmax(x, axis));
    idem_shape flat = IDEM_SHAPE(1, 1);
    for (int i = 0; i < x->shape.rank; i++)
        flat.d[i >= axis] *= x->shape.d[i];
    return idem_onnx_set_node(out[0], idem_reshape(idem_softmax(idem_reshape(x, flat), 1), x->shape));
}

static int op_same(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *x = idem_onnx_in(b, n, 0);
    if (!x)
        return idem_fail("%s (%s): its input is missing", n->name, n->op_type);
    out[0]->node = x->node;
    out[0]->constant = x->constant;
    out[0]->ints = x->ints;
    out[0]->count = x->count;
    out[0]->shape = x->shape;
    return 0;
}

/* Since opset 12 a network may be in training mode, where dropping is random. */
static int op_dropout(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *training = idem_onnx_in(b, n, 2);
    if (training && (!training->ints || training->count != 1 || training->ints[0]))
        return idem_fail("%s (Dropout): is in training mode: export the network for inference (model.eval())", n->name);
    return op_same(b, n, out);
}

static int op_cast(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const int64_t to = idem_onnx_int(n, "to", 0);
    const idem_onnx_val *x = idem_onnx_in(b, n, 0);
    const bool to_float = to == 1 || to == 10 || to == 11; /* float, float16, double */
    if (!x || !x->ints || !to_float)
        return x && !x->ints && !to_float ? idem_fail("%s (Cast): numbers to integers is not supported", n->name)
                                          : op_same(b, n, out);
    if (x->count == 0 || x->count > 1 << 20)
        return idem_fail("%s (Cast): %zu integers, expected 1 to %d", n->name, x->count, 1 << 20);
    float *f = idem_arena_array(idem_graph_arena(b->graph), x->count, sizeof *f);
    if (!f)
        return -1;
    for (size_t i = 0; i < x->count; i++)
        f[i] = (float)x->ints[i];
    return idem_onnx_set_node(out[0], idem_const(b->graph, n->name, x->shape, f));
}

const idem_onnx_op idem_onnx_math_ops[] = {
    {"Add", op_add},
    {"Sub", op_sub},
    {"Mul", op_mul},
    {"Div", op_div},
    {"Relu", op_unary},
    {"Exp", op_unary},
    {"Log", op_unary},
    {"Sqrt", op_unary},
    {"Abs", op_unary},
    {"Neg", op_unary},
    {"Sigmoid", op_unary},
    {"Tanh", op_unary},
    {"PRelu", op_prelu},
    {"Clip", op_clip},
    {"LeakyRelu", op_leaky_relu},
    {"Softmax", op_softmax},
    {"Identity", op_same},
    {"Dropout", op_dropout},
    {"Pow", op_pow},
    {"HardSigmoid", op_hard},
    {"HardSwish", op_hard},
    {"Cast", op_cast},
    {NULL, NULL},
};
