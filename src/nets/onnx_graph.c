#include "nets/onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "nets/onnx_build.h"

enum {
    OPSET_LEAST = 9,
    OPSET_MOST = 17,
    PART_NUMBERS = 32768, /* of the input that are processed at once */
};

/* ---- names ---- */

static idem_onnx_val *slot(const idem_onnx_builder *b, const char *name) {
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *c = name; *c; c++)
        h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    for (size_t i = (size_t)h & (b->n_vals - 1);; i = (i + 1) & (b->n_vals - 1))
        if (!b->vals[i].name || strcmp(b->vals[i].name, name) == 0)
            return &b->vals[i];
}

static idem_onnx_val *define(const idem_onnx_builder *b, const char *name) {
    idem_onnx_val *v = slot(b, name);
    v->name = name;
    return v;
}

idem_onnx_val *idem_onnx_val_find(const idem_onnx_builder *b, const char *name) {
    idem_onnx_val *v = *name ? slot(b, name) : NULL;
    return v && v->name ? v : NULL;
}

idem_onnx_val *idem_onnx_in(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i) {
    return i < n->n_inputs ? idem_onnx_val_find(b, n->inputs[i]) : NULL;
}

idem_node *idem_onnx_in_node(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i) {
    idem_onnx_val *v = idem_onnx_in(b, n, i);
    if (!v)
        return idem_fail_null("%s (%s): input %zu is missing", n->name, n->op_type, i);
    if (!v->node && v->constant && v->constant->f && v->constant->count > 0)
        v->node = idem_const(b->graph, v->name, v->constant->shape, v->constant->f);
    else if (!v->node)
        return idem_fail_null("%s (%s): input %zu (%s) holds integers where numbers are expected", n->name, n->op_type,
                              i, v->name);
    return v->node;
}

int idem_onnx_list(const idem_onnx_builder *b, const idem_onnx_node *n, const char *name, size_t i,
                   const int64_t **list, size_t *count) {
    *list = idem_onnx_ints(n, name, count);
    if (*list)
        return 1;
    const idem_onnx_val *v = i ? idem_onnx_in(b, n, i) : NULL;
    if (!v)
        return 0;
    if (!v->ints)
        return idem_fail("%s (%s): %s must be constant integers", n->name, n->op_type, name);
    *list = v->ints;
    *count = v->count;
    return 1;
}

const idem_onnx_node *idem_onnx_producer(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i) {
    const idem_onnx_val *v = idem_onnx_in(b, n, i);
    return v && v->producer ? v->producer : NULL;
}

int idem_onnx_axis(const idem_onnx_node *n, int64_t axis, int rank) {
    if (axis < -rank || axis >= rank)
        return idem_fail("%s (%s): axis %lld is outside a tensor of rank %d", n->name, n->op_type, (long long)axis,
                         rank);
    return (int)(axis < 0 ? axis + rank : axis);
}

/* ---- building ---- */

static const idem_onnx_op *find_op(const char *type) {
    const idem_onnx_op *const tables[] = {idem_onnx_layer_ops, idem_onnx_shape_ops, idem_onnx_math_ops,
                                          idem_onnx_int_ops, idem_onnx_resize_ops};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const idem_onnx_op *op = tables[t]; op->op_type; op++)
            if (strcmp(op->op_type, type) == 0)
                return op;
    return NULL;
}

/* Names of initialisers and the input, then the values that the outputs need and how many nodes read each. */
static int prepare(idem_onnx_builder *b, const char *const *names, int n_names) {
    const idem_onnx *m = b->model;
    size_t n = m->n_tensors + 16;
    for (size_t i = 0; i < m->n_nodes; i++)
        n += m->nodes[i].n_outputs;
    for (b->n_vals = 64; b->n_vals < 2 * n;)
        b->n_vals *= 2;
    b->vals = calloc(b->n_vals, sizeof *b->vals);
    b->needed = calloc(m->n_nodes + 1, sizeof *b->needed);
    b->done = calloc(m->n_nodes + 1, sizeof *b->done);
    b->folded = calloc(m->n_nodes + 1, sizeof *b->folded);
    if (!b->vals || !b->needed || !b->done || !b->folded)
        return idem_fail_as(IDEM_MEMORY, "out of memory for building an ONNX model");
    for (size_t i = 0; i < m->n_tensors; i++) {
        idem_onnx_val *v = define(b, m->tensors[i].name);
        v->constant = &m->tensors[i];
        v->ints = m->tensors[i].i;
        v->count = m->tensors[i].count;
        v->shape = m->tensors[i].shape;
    }
    define(b, m->inputs[0].name);
    for (size_t i = 0; i < m->n_nodes; i++)
        for (size_t k = 0; k < m->nodes[i].n_outputs; k++)
            if (*m->nodes[i].outputs[k])
                define(b, m->nodes[i].outputs[k])->producer = &m->nodes[i];
    for (int i = 0; i < n_names; i++) {
        idem_onnx_val *v = idem_onnx_val_find(b, names[i]);
        if (!v)
            return idem_fail("this ONNX model has no output \"%s\"; it has \"%s\"%s", names[i], m->outputs[0].name,
                             m->n_outputs > 1 ? " and others" : "");
        v->needed = true;
        v->users++;
    }
    for (size_t i = m->n_nodes; i-- > 0;) {
        const idem_onnx_node *node = &m->nodes[i];
        bool needed = false;
        for (size_t k = 0; k < node->n_outputs; k++) {
            const idem_onnx_val *v = idem_onnx_val_find(b, node->outputs[k]);
            needed = needed || (v && v->needed);
        }
        b->needed[i] = needed;
        for (size_t k = 0; needed && k < node->n_inputs; k++) {
            idem_onnx_val *v = idem_onnx_in(b, node, k);
            if (v) {
                v->needed = true;
                v->users++;
            }
        }
    }
    return 0;
}

static int build_node(idem_onnx_builder *b, const idem_onnx_node *n) {
    const idem_onnx_op *op = find_op(n->op_type);
    if (!op)
        return idem_fail("node %s is a %s, an ONNX operator that is not supported: export the network without it",
                         n->name, n->op_type);
    if (n->n_outputs == 0)
        return 0;
    idem_onnx_val **out = calloc(n->n_outputs, sizeof(idem_onnx_val *));
    if (!out)
        return idem_fail_as(IDEM_MEMORY, "out of memory for building an ONNX model");
    for (size_t k = 0; k < n->n_outputs; k++)
        out[k] = idem_onnx_val_find(b, n->outputs[k]);
    idem_scope_push(b->graph, n->name);
    int status =
        out[0] ? op->build(b, n, out) : idem_fail("%s (%s): its first output is left out", n->name, n->op_type);
    idem_scope_pop(b->graph);
    free(out);
    return status;
}

static int check_input(const idem_onnx *m, const idem_node *input) {
    /* Later ones turned attributes into inputs and changed defaults, earlier ones had other rules of broadcasting. */
    if (m->opset < OPSET_LEAST || m->opset > OPSET_MOST)
        return idem_fail("its operators are of opset %lld, expected %d to %d: export it with opset_version=%d",
                         (long long)m->opset, OPSET_LEAST, OPSET_MOST, OPSET_MOST);
    if (m->n_inputs != 1)
        return idem_fail("this ONNX model has %zu inputs, expected 1", m->n_inputs);
    if (m->n_outputs < 1)
        return idem_fail("this ONNX model has no outputs");
    const idem_onnx_value *v = &m->inputs[0];
    bool fits = v->rank < 0 || v->rank == input->shape.rank;
    for (int i = 1; fits && i < v->rank; i++)
        fits = v->d[i] < 0 || v->d[i] == input->shape.d[i];
    if (!fits || input->shape.rank < 1) {
        char got[64], want[64];
        idem_shape expected = {.rank = v->rank};
        memcpy(expected.d, v->d, sizeof expected.d);
        return idem_fail("input \"%s\": shape is %s, the ONNX model expects %s (-1 and the first are free)", v->name,
                         idem_shape_text(&input->shape, got), idem_shape_text(&expected, want));
    }
    return 0;
}

/* The network on one input. Constants keep their nodes of an earlier call, so that parts share weights. */
static int build_once(idem_onnx_builder *b, idem_node *input, const char *const *names, int n, idem_node **out) {
    const idem_onnx *m = b->model;
    if (!input)
        return -1;
    for (size_t i = 0; i < b->n_vals; i++)
        if (b->vals[i].name && !b->vals[i].constant) {
            b->vals[i].node = NULL;
            b->vals[i].ints = NULL;
        }
    b->batch = input->shape.d[0];
    define(b, m->inputs[0].name)->node = input;
    for (size_t i = 0; i < m->n_nodes; i++)
        b->done[i] = !b->needed[i];
    for (size_t i = 0; i < m->n_nodes; i++)
        if (!b->done[i] && build_node(b, &m->nodes[i]))
            return -1;
    for (int i = 0; i < n; i++)
        if (!(out[i] = idem_onnx_val_find(b, names[i])->node))
            return idem_fail("output \"%s\" of the ONNX model holds no numbers that depend on the input", names[i]);
    return 0;
}

/* The number of pictures that go through all layers before the next ones: few enough for their values to stay in cache,
 * and the same number of parts for each thread if the batch can be divided so. All pictures if the file's batch is not
 * 1: it might mix them. */
static int64_t part_of(const idem_onnx_builder *b, const idem_node *input) {
    const idem_shape *s = &input->shape;
    if (s->rank != 4 || s->d[0] < 2 || b->file_batch != 1)
        return s->d[0];
    int64_t part = PART_NUMBERS / (idem_shape_count(s) / s->d[0]), threads = idem_threads();
    part = part < 1 ? 1 : part;
    for (int64_t even = part; even > 0 && threads > 1; even--)
        if (s->d[0] % (even * threads) == 0)
            return even;
    return part < s->d[0] && s->d[0] % part == 0 ? part : s->d[0];
}

static int build_parts(idem_onnx_builder *b, idem_node *input, const char *const *names, int n, idem_node **out) {
    const int64_t batch = input->shape.d[0], part = part_of(b, input);
    int64_t parts = batch / part;
    idem_node **made = parts > 1 ? calloc((size_t)(parts * n), sizeof(idem_node *)) : NULL;
    if (parts == 1)
        return build_once(b, input, names, n, out);
    if (!made)
        return idem_fail_as(IDEM_MEMORY, "out of memory for building an ONNX model");
    int status = 0;
    const bool lanes = idem_lanes_begin(b->graph);
    for (int64_t p = 0; p < parts && !status; p++) {
        if (lanes)
            idem_lanes_next(b->graph);
        idem_node *one[n];
        status = build_once(b, idem_slice(input, 0, p * part, part, 1), names, n, one);
        for (int i = 0; i < n && !status; i++) {
            if (one[i]->shape.rank < 1 || one[i]->shape.d[0] != part)
                parts = 0; /* not one row per picture: as a whole */
            made[i * parts + (parts ? p : 0)] = one[i];
        }
    }
    if (lanes)
        idem_lanes_end(b->graph);
    for (int i = 0; i < n && parts && !status; i++)
        if (!(out[i] = idem_concat(made + i * parts, (int)parts, 0)))
            status = -1;
    free(made);
    return status || parts ? status : build_once(b, input, names, n, out);
}

static int build_outputs(idem_graph *g, const idem_onnx *m, idem_node *input, const char *const *names, int n,
                         idem_node **out) {
    if (check_input(m, input))
        return -1;
    idem_onnx_builder b = {.graph = g, .model = m, .file_batch = -1};
    if (m->inputs[0].rank > 0)
        b.file_batch = m->inputs[0].d[0];
    int status = prepare(&b, names, n);
    if (!status)
        status = build_parts(&b, input, names, n, out);
    free(b.vals);
    free(b.needed);
    free(b.done);
    free(b.folded);
    return status;
}

int idem_onnx_build_many(idem_graph *g, const idem_onnx *m, idem_node *input, const char *const *names, int n,
                         idem_node **out) {
    if (!input)
        return -1;
    return build_outputs(g, m, input, names, n, out) ? idem_fail_more("%s: %s", m->source, idem_error()) : 0;
}

idem_node *idem_onnx_build(idem_graph *g, const idem_onnx *m, idem_node *input, const char *output) {
    idem_node *out;
    const char *name = output ? output : m->n_outputs ? m->outputs[0].name : "";
    return idem_onnx_build_many(g, m, input, &name, 1, &out) ? NULL : out;
}
