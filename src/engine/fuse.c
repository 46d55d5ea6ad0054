#include "engine/fuse.h"

#include "engine/conv.h"
#include "engine/op.h"

extern const idem_op idem_op_add, idem_op_prelu;

/* Whether the chain's kernel can also compute `next`, whose input is the chain's value. */
static bool extend(idem_chain *c, idem_node *next, int takes) {
    idem_node *last = c->last;
    float slope;
    if (c->leaky || c->slopes)
        return false;
    if (next->op == &idem_op_add && (takes & IDEM_CONV_RESIDUAL) && !c->residual) {
        idem_node *other = next->in[next->in[0] == last ? 1 : 0];
        if (!idem_shape_equal(&other->shape, &last->shape))
            return false;
        c->residual = other;
    } else if (next->op == &idem_op_prelu && (takes & IDEM_CONV_SLOPES) && next->in[0] == last) {
        c->slopes = next->in[1];
    } else if ((takes & IDEM_CONV_LEAKY) && idem_unary_is_leaky(next, &slope)) {
        c->leaky = true;
        c->slope = slope;
    } else {
        return false;
    }
    c->last = next;
    return true;
}

int idem_fuse(const idem_graph *g, const bool *need, const bool *is_target, int size, idem_arena *arena,
              idem_chain **chain, bool *inner) {
    idem_node **reader = idem_arena_array(arena, (size_t)size, sizeof *reader); /* the last one */
    int *readers = idem_arena_array(arena, (size_t)size, sizeof *readers);
    if (!reader || !readers)
        return -1;
    for (int id = 0; id < size; id++) {
        idem_node *n = idem_graph_node(g, id);
        for (int k = 0; need[id] && !n->leaf && k < n->n_in; k++) {
            reader[n->in[k]->id] = n;
            readers[n->in[k]->id]++;
        }
    }
    for (int id = 0; id < size; id++) {
        idem_node *n = idem_graph_node(g, id);
        int takes = need[id] && !n->leaf && n->op->takes ? n->op->takes(n) : 0;
        idem_chain c = {.first = n, .last = n};
        /* A node that already ends another chain is a separate value. */
        while (takes && !is_target[c.last->id] && readers[c.last->id] == 1 && !chain[reader[c.last->id]->id] &&
               !inner[reader[c.last->id]->id] && extend(&c, reader[c.last->id], takes))
            continue;
        const bool own = takes && !n->in[0]->leaf && !is_target[n->in[0]->id] && readers[n->in[0]->id] == 1;
        if (own && (((takes & IDEM_CONV_PARTS) && idem_concat_is_of_channels(n->in[0])) ||
                    ((takes & IDEM_CONV_SCALED) && idem_mul_is_of_channels(n->in[0]))))
            inner[(c.before = n->in[0])->id] = true;
        if (c.last == n && !c.before)
            continue;
        for (idem_node *at = n; at != c.last; at = reader[at->id])
            inner[at->id] = true;
        if (!(chain[c.last->id] = idem_arena_alloc(arena, sizeof c)))
            return -1;
        *chain[c.last->id] = c;
    }
    return 0;
}
