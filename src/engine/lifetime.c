/* How long each value of a plan is kept, and which values are recomputed instead of kept. */
#include <stdlib.h>
#include <string.h>

#include "engine/plan_private.h"

/* ---- lifetimes ---- */

static bool fits(const idem_node *n) {
    return idem_shape_equal(&n->shape, &n->in[0]->shape) ||
           (n->op->longer && idem_value_bytes(n) >= idem_value_bytes(n->in[0]));
}

/* Whether step t may overwrite its first input's bytes. */
static bool can_overwrite(const idem_plan *p, int t, const int *last_use) {
    const idem_step *s = &p->steps[t];
    const idem_node *n = s->node;
    if (!n->op->in_place || !n->n_in || (s->chain && s->chain->before))
        return false;
    const place *in = &p->places[s->from[0]->id];
    if (in->span < 0 || in->offset || last_use[in->span] != t || !fits(n) || p->steps[in->span].lane != s->lane)
        return false;
    for (int k = 1; k < s->n_from; k++) /* including a chain's residual */
        if (s->from[k] != s->from[0] && p->places[s->from[k]->id].span == in->span)
            return false;
    return true;
}

/* For n steps at most. */
static int reserve(idem_plan *p, idem_lifetimes *l, size_t n) {
    p->spans = idem_arena_array(p->arena, 2 * n, sizeof *p->spans);
    l->last_use = idem_arena_array(p->arena, n, sizeof *l->last_use);
    l->owner = idem_arena_array(p->arena, n, sizeof *l->owner);
    return p->spans && l->last_use && l->owner ? 0 : -1;
}

static void find(idem_plan *p, idem_lifetimes *l) {
    int n = p->n_steps;
    memset(l->last_use, 0, (size_t)n * sizeof *l->last_use);
    /* Value t starts in span t; views refer to their root's place by node, so spans are set through roots. */
    for (int t = 0; t < n; t++)
        p->places[idem_step_result(&p->steps[t])->id].span = t;
    for (int id = 0; id < p->n_all; id++) {
        place *at = &p->places[id];
        at->span = p->places[at->root->id].span;
        if (p->is_target[id] && at->span >= 0)
            l->last_use[at->span] = n;
    }
    for (int t = 0; t < n; t++)
        for (int k = 0; k < p->steps[t].n_from; k++) {
            int span = p->places[p->steps[t].from[k]->id].span;
            if (span >= 0 && l->last_use[span] < t)
                l->last_use[span] = t;
        }
    for (int t = 0; t < n; t++) {
        int last = l->last_use[t] > t ? l->last_use[t] : t;
        bool over = can_overwrite(p, t, l->last_use);
        l->owner[t] = over ? l->owner[p->places[p->steps[t].from[0]->id].span] : t;
        idem_span *s = &p->spans[l->owner[t]];
        if (over) { /* its own span becomes empty */
            p->spans[t] = (idem_span){.first = t, .last = t};
            s->last = last > s->last ? last : s->last;
            s->bytes = idem_value_bytes(p->steps[t].node) > s->bytes ? idem_value_bytes(p->steps[t].node) : s->bytes;
        } else {
            *s = (idem_span){.bytes = idem_value_bytes(p->steps[t].node), .first = t, .last = last};
        }
        p->spans[n + t] = (idem_span){.bytes = p->steps[t].scratch_bytes, .first = t, .last = t};
    }
    p->n_spans = 2 * n;
}

int idem_lifetimes_find(idem_plan *p, idem_lifetimes *l) {
    if (reserve(p, l, (size_t)p->n_steps))
        return -1;
    find(p, l);
    return 0;
}

int idem_lifetimes_peak(const idem_plan *p) {
    int peak = 0;
    size_t now = 0, most = 0;
    /* Values by the step that ends them: spans t and n_steps + t start at step t. */
    size_t *ended = calloc((size_t)p->n_steps + 2, sizeof *ended);
    for (int t = 0; ended && t < p->n_steps; t++) {
        now += p->spans[t].bytes + p->spans[p->n_steps + t].bytes - ended[t];
        ended[p->spans[t].last + 1] += p->spans[t].bytes;
        ended[t + 1] += p->spans[p->n_steps + t].bytes;
        if (now > most) {
            most = now;
            peak = t;
        }
    }
    free(ended);
    return peak;
}

/* ---- computing twice ---- */

enum { LEAST = 1 << 20 }; /* bytes of a value: for smaller ones recomputing does not pay */

/* The first use after the peak of value t, which nothing reads at the peak itself; 0: it must be kept. */
static int next_use(const idem_plan *p, int t, int peak) {
    const idem_node *n = p->steps[t].node;
    for (int id = 0; id < p->n_places; id++)
        if (p->places[id].root == n && p->is_target[id])
            return 0;
    for (int u = t + 1; u < p->n_steps; u++)
        for (int k = 0; k < p->steps[u].n_from; k++)
            if (p->steps[u].from[k] == n && u >= peak)
                return u > peak ? u : 0;
            else if (p->steps[u].from[k] != n && p->places[p->steps[u].from[k]->id].root == n)
                return 0; /* through a view */
    return 0;
}

/* Whether all inputs of step t are still live at step u, except small ones. */
static bool inputs_last(const idem_plan *p, const idem_lifetimes *l, int t, int u) {
    size_t more = 0;
    for (int k = 0; k < p->steps[t].n_from; k++) {
        int value = p->places[p->steps[t].from[k]->id].span;
        if (value >= 0 && l->last_use[value] < u)
            more += idem_value_bytes(p->steps[value].node);
    }
    return more <= idem_value_bytes(p->steps[t].node) / 16;
}

/* Repeats step t before step u, for all its readers from there on. */
static int repeat(idem_plan *p, int t, int u) {
    idem_node *node = p->steps[t].node, *again = idem_arena_alloc(p->arena, sizeof *again);
    if (!again)
        return -1;
    *again = *node;
    again->id = p->n_all++;
    p->places[again->id] = (place){.root = again, .span = -1};
    for (int s = u; s < p->n_steps; s++)
        for (int k = 0; k < p->steps[s].n_from; k++)
            if (p->steps[s].from[k] == node)
                p->steps[s].from[k] = again;
    memmove(p->steps + u + 1, p->steps + u, (size_t)(p->n_steps - u) * sizeof *p->steps);
    p->n_steps++;
    p->steps[u] = (idem_step){.node = again};
    if (idem_step_set_inputs(p, &p->steps[u]))
        return -1;
    memcpy(p->steps[u].from, p->steps[t].from, (size_t)p->steps[t].n_from * sizeof *p->steps[t].from);
    return again->op->prepare ? again->op->prepare(&p->steps[u]) : 0;
}

int idem_recompute(idem_plan *p) {
    idem_lifetimes l;
    if (reserve(p, &l, 2 * (size_t)p->n_steps))
        return -1;
    for (int left = p->n_steps; left > 0; left--) {
        find(p, &l);
        int peak = idem_lifetimes_peak(p), best = -1, use = 0;
        for (int t = 0; t < peak; t++) {
            const idem_step *s = &p->steps[t];
            size_t bytes = idem_value_bytes(s->node);
            if (!s->node->op->in_place || s->chain || l.owner[t] != t || l.last_use[t] <= peak || bytes < LEAST ||
                (best >= 0 && bytes <= idem_value_bytes(p->steps[best].node)))
                continue;
            int u = next_use(p, t, peak);
            if (u && !p->steps[u].lane && inputs_last(p, &l, t, u)) {
                best = t;
                use = u;
            }
        }
        if (best < 0)
            break;
        if (repeat(p, best, use))
            return -1;
    }
    return 0;
}
