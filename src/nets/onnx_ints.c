/* Integers while a graph is built: the operators around a shape, an index or a list of pads, computed immediately. */
#include "nets/onnx_ints.h"

#include <string.h>

#include "engine/ops.h"

enum { INTS_MOST = 1 << 16 };

int idem_onnx_set_grid(const idem_onnx_builder *b, idem_onnx_val *out, const int64_t *ints, idem_shape shape) {
    size_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        if (shape.d[i] < 0 || (shape.d[i] && count > INTS_MOST / (size_t)shape.d[i]))
            return idem_fail("a list of integers of this size is not computed: more than %d", INTS_MOST);
        else
            count *= (size_t)shape.d[i];
    int64_t *copy = idem_arena_array(idem_graph_arena(b->graph), count, sizeof *copy);
    if (!copy)
        return -1;
    if (count && ints)
        memcpy(copy, ints, count * sizeof *copy);
    out->ints = copy;
    out->count = count;
    out->shape = shape;
    return 0;
}

int idem_onnx_set_ints(const idem_onnx_builder *b, idem_onnx_val *out, const int64_t *ints, size_t count, int rank) {
    return idem_onnx_set_grid(b, out, ints, rank ? IDEM_SHAPE((int64_t)count) : IDEM_SCALAR);
}

int idem_onnx_view(const idem_onnx_builder *b, idem_onnx_val *out, const idem_onnx_val *x, idem_shape shape,
                   int64_t offset, const int64_t *stride) {
    const int64_t *from = x->ints;
    if (idem_onnx_set_grid(b, out, NULL, shape))
        return -1;
    int64_t *to = (int64_t *)out->ints, at[IDEM_MAX_RANK] = {0};
    for (size_t i = 0; i < out->count; i++) {
        int64_t place = offset;
        for (int k = 0; k < shape.rank; k++)
            place += at[k] * stride[k];
        to[i] = from[place];
        for (int k = shape.rank; k-- > 0 && ++at[k] == shape.d[k];)
            at[k] = 0;
    }
    return 0;
}

void idem_onnx_strides(const idem_shape *shape, int64_t *stride) {
    int64_t all = 1;
    for (int i = shape->rank; i-- > 0; all *= shape->d[i])
        stride[i] = all;
}

int idem_onnx_concat_ints(const idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val *out) {
    idem_shape shape = {.rank = 1};
    for (size_t i = 0; i < n->n_inputs; i++) {
        const idem_onnx_val *v = idem_onnx_in(b, n, i);
        if (v->shape.rank > 1)
            return idem_fail("%s (Concat): integers of rank %d, expected lists", n->name, v->shape.rank);
        shape.d[0] += (int64_t)v->count;
    }
    if (idem_onnx_set_grid(b, out, NULL, shape))
        return -1;
    int64_t *to = (int64_t *)out->ints;
    for (size_t i = 0; i < n->n_inputs; i++) {
        const idem_onnx_val *v = idem_onnx_in(b, n, i);
        if (v->count)
            memcpy(to, v->ints, v->count * sizeof *to);
        to += v->count;
    }
    return 0;
}

/* Input i as integers; NULL with a message. */
static const idem_onnx_val *list(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i) {
    const idem_onnx_val *v = idem_onnx_in(b, n, i);
    if (!v || !v->ints)
        return idem_fail_null("%s (%s): input %zu must be constant integers", n->name, n->op_type, i);
    return v;
}

/* A tensor of one value: integers, or a constant. */
static int op_constant_of_shape(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *size = list(b, n, 0);
    const idem_onnx_attr *a = idem_onnx_attribute(n, "value");
    const idem_onnx_tensor *value = a && a->type == IDEM_ONNX_TENSOR && a->tensor->count == 1 ? a->tensor : NULL;
    if (!size)
        return -1;
    idem_shape shape = {.rank = (int)size->count};
    if (size->count > IDEM_MAX_RANK || size->shape.rank > 1)
        return idem_fail("%s (ConstantOfShape): a shape of %zu axes, at most %d are read", n->name, size->count,
                         IDEM_MAX_RANK);
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) {
        shape.d[i] = size->ints[i];
        if (shape.d[i] < 0 || shape.d[i] > INTS_MOST || (count *= shape.d[i]) > INTS_MOST)
            return idem_fail("%s (ConstantOfShape): %lld elements on axis %d, at most %d in all are made", n->name,
                             (long long)shape.d[i], i, INTS_MOST);
    }
    if (!value || value->f)
        return count ? idem_onnx_set_node(out[0], idem_const_fill(b->graph, shape, value ? value->f[0] : 0))
                     : idem_fail("%s (ConstantOfShape): has no elements", n->name);
    if (idem_onnx_set_grid(b, out[0], NULL, shape))
        return -1;
    for (size_t i = 0; i < out[0]->count; i++)
        ((int64_t *)out[0]->ints)[i] = value->i[0];
    return 0;
}

/* out = f(a, b, c), where a single integer is used for every element; c may be NULL. */
static int combine(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val *out, size_t n_in,
                   int64_t (*f)(int64_t, int64_t, int64_t)) {
    const idem_onnx_val *in[3] = {NULL}, *longest = NULL;
    for (size_t i = 0; i < n_in; i++) {
        if (!(in[i] = list(b, n, i)))
            return -1;
        if (!longest || in[i]->count > longest->count || in[i]->shape.rank > longest->shape.rank)
            longest = in[i];
    }
    for (size_t i = 0; i < n_in; i++)
        if (in[i]->count != 1 && !idem_shape_equal(&in[i]->shape, &longest->shape))
            return idem_fail("%s (%s): integer lists of %zu and %zu do not fit", n->name, n->op_type, in[i]->count,
                             longest->count);
    idem_onnx_val result = {0};
    if (idem_onnx_set_grid(b, &result, NULL, longest->shape))
        return -1;
    for (size_t i = 0; i < result.count; i++) {
        int64_t v[3] = {0};
        for (size_t k = 0; k < n_in; k++)
            v[k] = in[k]->ints[in[k]->count == 1 ? 0 : i];
        ((int64_t *)result.ints)[i] = f(v[0], v[1], v[2]);
    }
    out->ints = result.ints;
    out->count = result.count;
    out->shape = result.shape;
    return 0;
}

static int64_t equal(int64_t x, int64_t y, int64_t unused) {
    (void)unused;
    return x == y;
}

static int64_t either(int64_t condition, int64_t x, int64_t y) {
    return condition ? x : y;
}

static int op_equal(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return combine(b, n, out[0], 2, equal);
}

static int op_where(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    return combine(b, n, out[0], 3, either);
}

const idem_onnx_op idem_onnx_int_ops[] = {
    {"ConstantOfShape", op_constant_of_shape}, {"Equal", op_equal}, {"Where", op_where}, {NULL, NULL}};
