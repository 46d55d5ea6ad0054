/* Reverse-mode differentiation by adding nodes. */
#include <stdlib.h>

#include "engine/graph.h"
#include "engine/op.h"
#include "engine/ops.h"

/* Marks nodes up to `last` that depend on any of wrt. */
static bool *mark_dependents(const idem_graph *g, int last, idem_node *const *wrt, int n) {
    bool *dep = calloc((size_t)idem_graph_size(g) + 1, sizeof *dep);
    if (!dep)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for gradients");
    for (int i = 0; i < n; i++)
        dep[wrt[i]->id] = true;
    for (int id = 0; id <= last; id++) {
        const idem_node *node = idem_graph_node(g, id);
        for (int k = 0; k < node->n_in && !dep[id]; k++)
            dep[id] = dep[node->in[k]->id];
    }
    return dep;
}

/* Passes node's gradient on to its inputs; grad is by id. */
static int propagate(idem_node *node, idem_node **grad, const bool *dep) {
    idem_node *dy = grad[node->id];
    bool any = false, want[node->n_in > 0 ? node->n_in : 1];
    for (int k = 0; k < node->n_in; k++) {
        want[k] = dep[node->in[k]->id];
        any = any || want[k];
    }
    if (!any)
        return 0;
    if (!node->op->gradient)
        return idem_fail("%s: operator %s has no gradient%s", node->name, node->op->name,
                         node->n_in == 0 ? " (a leaf cannot depend on another node)" : "");
    idem_node **dx = calloc((size_t)node->n_in, sizeof *dx);
    if (!dx)
        return idem_fail_as(IDEM_MEMORY, "out of memory for gradients");
    idem_scope_push(node->graph, node->name);
    int status = node->op->gradient(node, dy, want, dx);
    for (int k = 0; k < node->n_in && !status; k++) {
        if (!want[k] || !dx[k])
            continue;
        idem_node *in = node->in[k];
        if (!idem_shape_equal(&dx[k]->shape, &in->shape)) {
            char got[64], want_text[64];
            status = idem_fail("%s: gradient %d has shape %s, expected %s", node->name, k,
                               idem_shape_text(&dx[k]->shape, got), idem_shape_text(&in->shape, want_text));
            break;
        }
        grad[in->id] = grad[in->id] ? idem_add(grad[in->id], dx[k]) : dx[k];
        status = grad[in->id] ? 0 : -1;
    }
    idem_scope_pop(node->graph);
    free(dx);
    return status;
}

int idem_gradients_seeded(idem_node *y, idem_node *seed, idem_node *const *wrt, int n, idem_node **out) {
    if (!y || !seed)
        return -1;
    for (int i = 0; i < n; i++)
        if (!wrt[i])
            return -1;
    if (!idem_shape_equal(&y->shape, &seed->shape)) {
        char a[64], b[64];
        return idem_fail("%s: the seed of its gradient has shape %s, expected %s", y->name,
                         idem_shape_text(&seed->shape, b), idem_shape_text(&y->shape, a));
    }
    idem_graph *g = y->graph;
    bool *dep = mark_dependents(g, y->id, wrt, n);
    idem_node **grad = calloc((size_t)y->id + 1, sizeof(idem_node *));
    if (!dep || !grad) {
        free(dep);
        free(grad);
        return idem_fail_as(IDEM_MEMORY, "out of memory for gradients");
    }
    int status = 0;
    idem_scope_push(g, "grad");
    if (dep[y->id])
        grad[y->id] = seed;
    for (int id = y->id; id >= 0 && !status; id--)
        if (grad[id] && dep[id])
            status = propagate(idem_graph_node(g, id), grad, dep);
    for (int i = 0; i < n && !status; i++) {
        out[i] = wrt[i]->id <= y->id ? grad[wrt[i]->id] : NULL;
        if (!out[i])
            out[i] = idem_const_fill(g, wrt[i]->shape, 0);
        status = out[i] ? 0 : -1;
    }
    idem_scope_pop(g);
    free(dep);
    free(grad);
    return status;
}

int idem_gradients(idem_node *y, idem_node *const *wrt, int n, idem_node **out) {
    if (!y)
        return -1;
    if (idem_shape_count(&y->shape) != 1) {
        char text[64];
        return idem_fail("%s: gradients start from a scalar, this has shape %s; sum it or give a seed", y->name,
                         idem_shape_text(&y->shape, text));
    }
    return idem_gradients_seeded(y, idem_const_fill(y->graph, y->shape, 1), wrt, n, out);
}

/* ---- stop_gradient ---- */

static int no_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    (void)n, (void)dy, (void)want, (void)dx;
    return 0;
}

const idem_op idem_op_stop_gradient = {.name = "stop_gradient", .view = true, .gradient = no_gradient};

idem_node *idem_stop_gradient(idem_node *x) {
    return x ? idem_node_new(&idem_op_stop_gradient, x->shape, &x, 1, NULL, 0) : NULL;
}
