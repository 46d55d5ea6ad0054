#include "train/parameters.h"

#include <string.h>

static bool starts(const char *name, const char *prefix) {
    return prefix && !strncmp(name, prefix, strlen(prefix));
}

/* The trainable node of this tensor, if the graph has one. */
static idem_node *leaf_of(const idem_graph *g, const idem_weight *weight) {
    for (int id = 0; id < idem_graph_size(g); id++) {
        idem_node *n = idem_graph_node(g, id);
        if (n->leaf == weight->data && !n->frozen)
            return n;
    }
    return NULL;
}

int idem_parameters_collect(idem_parameters *p, idem_graph *g, idem_weights *trained, const char *prefix,
                            const char *other) {
    const size_t n = idem_weights_count(trained);
    idem_arena *a = idem_graph_arena(g);
    *p = (idem_parameters){.weights = idem_arena_array(a, n, sizeof *p->weights),
                           .leaves = idem_arena_array(a, n + 1, sizeof *p->leaves), /* and the input */
                           .grads = idem_arena_array(a, n + 1, sizeof *p->grads)};
    if (!p->weights || !p->leaves || !p->grads)
        return -1;
    for (size_t i = 0; i < n; i++) {
        idem_weight *w = idem_weights_at(trained, i);
        idem_node *leaf = starts(w->name, prefix) || starts(w->name, other) ? leaf_of(g, w) : NULL;
        if (leaf) {
            p->weights[p->n] = w;
            p->leaves[p->n++] = leaf;
        }
    }
    return p->n ? 0 : idem_fail("the model has no trainable tensors below %s", prefix);
}

idem_adam *idem_parameters_optimiser(idem_parameters *p, idem_node *loss, idem_weights *trained, const char *name) {
    p->leaves[p->n] = p->input;
    if (!loss || idem_gradients(loss, p->leaves, p->n + (p->input != NULL), p->grads))
        return NULL;
    p->slope = p->input ? p->grads[p->n] : NULL;
    idem_adam *adam = idem_adam_new(trained, name);
    for (int i = 0; adam && i < p->n; i++)
        if (idem_adam_add(adam, p->weights[i], p->grads[i])) {
            idem_adam_free(adam);
            return NULL;
        }
    return adam;
}
