#include "engine/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/finite.h"
#include "engine/denormal.h"
#include "engine/fuse.h"
#include "engine/graph_private.h"
#include "engine/layout.h"
#include "engine/op.h"
#include "engine/plan_private.h"
#include "engine/profile.h"

static bool is_view(const idem_node *n) {
    return n->op->view && (!n->op->is_view || n->op->is_view(n));
}

static int64_t view_offset(const idem_node *n) {
    return n->op->view_offset ? n->op->view_offset(n) : 0;
}

/* ---- which nodes are needed ---- */

/* need[id]: used by a target. A frozen node with a value is treated as a leaf: nothing below it is needed. */
static void mark_needed(const idem_graph *g, bool *need, idem_node *const *targets, int n, int size) {
    for (int i = 0; i < n; i++)
        need[targets[i]->id] = true;
    for (int id = size - 1; id >= 0; id--) {
        const idem_node *node = idem_graph_node(g, id);
        if (!need[id] || node->leaf)
            continue;
        for (int k = 0; k < node->n_in; k++)
            need[node->in[k]->id] = true;
    }
}

/* ---- frozen subexpressions: computed once, here ---- */

static int fold_node(idem_node *n) {
    if (!idem_graph_hold(n->graph, n))
        return -1;
    if (is_view(n)) {
        memcpy(n->leaf, n->in[0]->leaf + view_offset(n), idem_value_bytes(n));
        return 0;
    }
    float *in[n->n_in];
    for (int k = 0; k < n->n_in; k++)
        in[k] = n->in[k]->leaf;
    idem_step s = {.node = n, .in = in, .out = n->leaf};
    int status = n->op->prepare ? n->op->prepare(&s) : 0;
    size_t scratch = status ? 0 : s.scratch_bytes;
    s.scratch = scratch ? idem_block_alloc(scratch) : NULL;
    if (scratch && !s.scratch)
        status = -1;
    if (!status)
        n->op->forward(&s);
    idem_block_free(s.scratch, scratch);
    if (n->op->release && s.state)
        n->op->release(&s);
    if (status) /* a node with memory has its value */
        idem_graph_release(n->graph, n);
    return status;
}

/* Computes every needed frozen node, then releases those that only served other frozen nodes. */
static int fold(idem_graph *g, const bool *need, const bool *is_target, int size) {
    bool *made = calloc((size_t)size, sizeof *made), *keep = calloc((size_t)size, sizeof *keep);
    int status = made && keep ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for planning");
    for (int id = 0; id < size && !status; id++) {
        idem_node *n = idem_graph_node(g, id);
        if (!need[id])
            continue;
        keep[id] = is_target[id];
        if (n->frozen && !n->leaf) {
            status = fold_node(n);
            made[id] = true;
        }
    }
    for (int id = 0; id < size && !status; id++) {
        const idem_node *n = idem_graph_node(g, id);
        for (int k = 0; need[id] && !n->frozen && k < n->n_in; k++)
            keep[n->in[k]->id] = true;
    }
    for (int id = 0; id < size && !status; id++)
        if (made[id] && !keep[id])
            idem_graph_release(g, idem_graph_node(g, id));
    free(made);
    free(keep);
    return status;
}

/* ---- steps ---- */

/* The nodes that the step reads, and their places; places outside leaves are set later. */
int idem_step_set_inputs(idem_plan *p, idem_step *s) {
    const idem_node *n = s->node, *before = s->chain ? s->chain->before : NULL;
    const size_t most = (size_t)(n->n_in + 2 + (before ? before->n_in : 0));
    s->from = idem_arena_array(p->arena, most, sizeof *s->from);
    s->in = idem_arena_array(p->arena, most, sizeof *s->in);
    if (!s->from || !s->in)
        return -1;
    for (int k = 0; k < n->n_in; k++)
        s->from[s->n_from++] = k == 0 && before ? before->in[0] : n->in[k];
    if (s->chain && s->chain->residual)
        s->from[s->n_from++] = s->chain->residual;
    if (s->chain && s->chain->slopes)
        s->from[s->n_from++] = s->chain->slopes;
    for (int k = 1; before && k < before->n_in; k++)
        s->from[s->n_from++] = before->in[k];
    for (int k = 0; k < s->n_from; k++) {
        const place *at = &p->places[s->from[k]->id];
        s->in[k] = at->root->leaf ? at->root->leaf + at->offset : NULL; /* NULL unless it is part of a leaf */
    }
    return 0;
}

static int make_steps(idem_plan *p, const bool *need) {
    int n = 0;
    for (int id = 0; id < p->n_places; id++)
        n += need[id] && !idem_graph_node(p->graph, id)->leaf;
    p->steps = idem_arena_array(p->arena, 2 * (size_t)n, sizeof *p->steps);
    idem_chain **chain = idem_arena_array(p->arena, (size_t)p->n_places, sizeof *chain);
    bool *inner = idem_arena_array(p->arena, (size_t)p->n_places, sizeof *inner);
    if (!p->steps || !chain || !inner || idem_fuse(p->graph, need, p->is_target, p->n_places, p->arena, chain, inner))
        return -1;
    for (int id = 0; id < p->n_places; id++) {
        idem_node *node = idem_graph_node(p->graph, id);
        place *at = &p->places[id];
        *at = (place){.root = node, .span = -1};
        if (!need[id] || node->leaf || inner[id])
            continue;
        if (is_view(node)) {
            *at = p->places[node->in[0]->id];
            at->offset += view_offset(node);
            continue;
        }
        idem_step *s = &p->steps[p->n_steps];
        s->chain = chain[id];
        s->node = s->chain ? s->chain->first : node;
        if (idem_step_set_inputs(p, s))
            return -1;
        s->band = node->band;
        s->lane = node->lane;
        p->n_steps++;
    }
    return 0;
}

static int prepare_steps(idem_plan *p) {
    idem_lanes_find(p);
    int status = 0;
    for (int t = 0; t < p->n_steps && !status; t++) {
        idem_step *s = &p->steps[t];
        /* kernels are prepared for the thread count that they will have */
        const idem_team before = idem_team_enter(s->lane ? 1 : p->options.threads);
        status = s->node->op->prepare ? s->node->op->prepare(s) : 0;
        idem_team_leave(&before);
    }
    return status;
}

static int assign_offsets(idem_plan *p) {
    idem_lifetimes l;
    if (idem_lifetimes_find(p, &l) || idem_lanes_layout(p))
        return -1;
    for (int id = 0; id < p->n_all; id++)
        if (p->places[id].span >= 0)
            p->places[id].span = l.owner[p->places[id].span];
    return 0;
}

/* ---- buffer ---- */

static float *value(const idem_plan *p, const idem_node *n) {
    const place *at = &p->places[n->id];
    if (at->span < 0)
        return at->root->leaf + at->offset;
    return (float *)(void *)(p->buffer->data + p->spans[at->span].offset) + at->offset;
}

static void resolve(idem_plan *p) {
    for (int t = 0; t < p->n_steps; t++) {
        idem_step *s = &p->steps[t];
        for (int k = 0; k < s->n_from; k++)
            s->in[k] = k == 1 && s->unread ? NULL : value(p, s->from[k]);
        s->out = value(p, idem_step_result(s));
        s->scratch = (float *)(void *)(p->buffer->data + p->spans[p->n_steps + t].offset);
    }
}

static int take_buffer(idem_plan *p) {
    if (!p->buffer) {
        p->buffer = p->options.share ? p->options.share->buffer : calloc(1, sizeof *p->buffer);
        if (!p->buffer)
            return idem_fail_as(IDEM_MEMORY, "out of memory for planning");
        p->next_user = p->buffer->users;
        p->buffer->users = p;
    }
    buffer *b = p->buffer;
    if (!b->data || b->bytes < p->bytes) {
        char *data = idem_block_alloc(p->bytes);
        if (!data)
            return -1;
        idem_block_free(b->data, b->bytes);
        b->data = data;
        b->bytes = p->bytes;
        for (idem_plan *u = b->users; u; u = u->next_user)
            resolve(u);
    } else {
        resolve(p);
    }
    return 0;
}

/* ---- making and freeing ---- */

/* Releases folded values that the steps hold in another form. */
static int release_unread(idem_plan *p) {
    bool *reads = idem_arena_array(p->arena, (size_t)p->n_places, sizeof *reads);
    if (!reads)
        return -1;
    for (int id = 0; id < p->n_places; id++)
        reads[id] = p->is_target[id] && idem_graph_node(p->graph, id)->leaf;
    for (int t = 0; t < p->n_steps; t++)
        for (int k = 0; k < p->steps[t].n_from; k++) {
            const idem_node *root = p->places[p->steps[t].from[k]->id].root;
            if (root->leaf && !(k == 1 && p->steps[t].unread))
                reads[root->id] = true;
        }
    for (int id = 0; id < p->n_places; id++)
        if (reads[id])
            idem_graph_keep(p->graph, idem_graph_node(p->graph, id));
    p->reads = reads;
    for (int id = 0; id < p->n_places; id++)
        idem_graph_release_unkept(p->graph, idem_graph_node(p->graph, id));
    return 0;
}

static int build(idem_plan *p) {
    int size = p->n_places;
    bool *need = idem_arena_array(p->arena, (size_t)size, sizeof *need);
    p->is_target = idem_arena_array(p->arena, (size_t)p->capacity, sizeof *p->is_target);
    p->places = idem_arena_array(p->arena, (size_t)p->capacity, sizeof *p->places);
    if (!need || !p->is_target || !p->places)
        return -1;
    for (int i = 0; i < p->n_targets; i++)
        p->is_target[p->targets[i]->id] = true;
    mark_needed(p->graph, need, p->targets, p->n_targets, size);
    if (fold(p->graph, need, p->is_target, size))
        return -1;
    for (int i = 0; i < size; i++)
        need[i] = false; /* folding created leaves: fewer nodes are needed now */
    mark_needed(p->graph, need, p->targets, p->n_targets, size);
    int status = make_steps(p, need) || prepare_steps(p) || idem_recompute(p);
    return status || release_unread(p) || assign_offsets(p) || take_buffer(p) ? -1 : 0;
}

static void cost(const idem_node *n, double *flops, double *bytes) {
    *flops = 0;
    *bytes = (double)idem_value_bytes(n);
    for (int k = 0; k < n->n_in; k++)
        *bytes += (double)idem_value_bytes(n->in[k]);
    if (n->op->cost)
        n->op->cost(n, flops, bytes);
}

/* Adds the plan's times to the program's profile. */
static void tell_profile(const idem_plan *p) {
    if (!p->runs || !idem_profile_on())
        return;
    idem_profile_sum *sums = idem_arena_array(p->arena, (size_t)p->n_steps, sizeof *sums);
    int n = 0;
    for (int t = 0; sums && t < p->n_steps; t++) {
        const idem_step *s = &p->steps[t];
        double flops, bytes;
        cost(s->node, &flops, &bytes);
        if (s->runs)
            sums[n++] = (idem_profile_sum){.name = s->node->name,
                                           .op = s->node->op->name,
                                           .seconds = s->seconds,
                                           .flops = flops * (double)s->runs,
                                           .bytes = bytes * (double)s->runs,
                                           .runs = s->runs};
    }
    idem_profile_add(sums, n, p->runs, p->seconds);
}

/* Frees what make created. */
static void unmake(idem_plan *p) {
    tell_profile(p);
    for (int t = 0; t < p->n_steps; t++)
        if (p->steps[t].node->op->release && p->steps[t].state)
            p->steps[t].node->op->release(&p->steps[t]);
    for (int id = 0; id < p->n_places; id++) {
        if (p->reads && p->reads[id])
            idem_graph_drop(p->graph, idem_graph_node(p->graph, id));
        if (!p->threads) /* a failed plan has no users */
            idem_graph_release_unkept(p->graph, idem_graph_node(p->graph, id));
    }
    idem_arena_free(p->arena);
    *p = (idem_plan){.graph = p->graph,
                     .options = p->options,
                     .targets = p->targets,
                     .n_targets = p->n_targets,
                     .buffer = p->buffer,
                     .next_user = p->next_user};
}

/* All but graph, options, targets and buffer, for idem_threads() threads. 0 or -1. */
static int make(idem_plan *p) {
    p->n_places = p->n_all = idem_graph_size(p->graph);
    p->capacity = 2 * p->n_places;
    p->arena = idem_arena_new();
    if (!p->arena || build(p)) {
        unmake(p);
        return -1;
    }
    p->threads = idem_threads();
    return 0;
}

idem_plan *idem_plan_new(idem_node *const *targets, int n, const idem_plan_options *options) {
    for (int i = 0; i < n; i++)
        if (!targets[i])
            return NULL;
    if (n < 1)
        return idem_fail_null("a plan needs at least one target");
    idem_plan *p = calloc(1, sizeof *p);
    idem_node **copy = calloc((size_t)n, sizeof(idem_node *));
    if (!p || !copy) {
        free(p);
        free(copy);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a plan");
    }
    memcpy(copy, targets, (size_t)n * sizeof(idem_node *));
    p->graph = targets[0]->graph;
    p->targets = copy;
    p->n_targets = n;
    if (options)
        p->options = *options;
    p->options.profile |= idem_profile_on();
    const idem_team before = idem_team_enter(p->options.threads);
    const int status = make(p);
    idem_team_leave(&before);
    p->options.share = NULL; /* it may be freed before this plan */
    if (!status)
        return p;
    idem_plan_free(p);
    return NULL;
}

void idem_plan_free(idem_plan *p) {
    if (!p)
        return;
    unmake(p);
    if (p->buffer) {
        idem_plan **link = &p->buffer->users;
        while (*link != p)
            link = &(*link)->next_user;
        *link = p->next_user;
        if (!p->buffer->users) {
            idem_block_free(p->buffer->data, p->buffer->bytes);
            free(p->buffer);
        }
    }
    free(p->targets);
    free(p);
}

/* ---- running ---- */

static int trap(const idem_step *s) {
    const size_t n = (size_t)idem_shape_count(&s->node->shape), i = idem_find_not_finite(s->out, n);
    char text[64];
    return i == n ? 0
                  : idem_fail_as(IDEM_INTERNAL, "%s (%s %s): value %zu of %zu is %f; expected finite numbers",
                                 s->node->name, s->node->op->name, idem_shape_text(&s->node->shape, text), i, n,
                                 (double)s->out[i]);
}

static void run_step(idem_plan *p, idem_step *s) {
    double start = p->options.profile ? idem_clock() : 0;
    s->node->op->forward(s);
    if (p->options.profile) {
        s->seconds += idem_clock() - start;
        s->runs++;
    }
}

static bool stopped(const idem_plan *p) {
    return p->options.stop && *p->options.stop;
}

static int run_steps(idem_plan *p) {
    for (int t = 0; t < p->n_steps && !stopped(p);) {
        if (p->steps[t].lane) {
            t = idem_lanes_run(p, t, run_step);
            continue;
        }
        run_step(p, &p->steps[t]);
        if (p->options.trap_nan && trap(&p->steps[t]))
            return -1;
        t++;
    }
    return stopped(p) ? idem_fail_as(IDEM_INTERRUPTED, "interrupted") : 0;
}

/* The steps are ready for as many threads as there are. */
static int run_ready(idem_plan *p) {
    uint64_t before;
    const int threads = idem_threads(), team = idem_denormals_flush(threads, &before);
    double start = p->options.profile ? idem_clock() : 0;
    int status = team == threads ? run_steps(p)
                                 : idem_fail_as(IDEM_INTERNAL,
                                                "OpenMP gives %d threads where it promised %d: limit the threads to %d "
                                                "(options.threads), or unset the OpenMP variables",
                                                team, threads, team);
    if (p->options.profile) {
        p->seconds += idem_clock() - start;
        p->runs++;
    }
    idem_denormals_restore(before, threads);
    return status;
}

int idem_plan_run(idem_plan *p) {
    const idem_team before = idem_team_enter(p->options.threads);
    int status = 0;
    if (p->threads != idem_threads()) { /* for example made outside of a parallel loop and run inside */
        unmake(p);
        status = make(p);
    }
    status = status || run_ready(p) ? -1 : 0;
    idem_team_leave(&before);
    return status;
}

float *idem_plan_value(const idem_plan *p, const idem_node *n) {
    if (n->id >= p->n_places)
        return NULL;
    return p->is_target[n->id] || n->leaf ? value(p, n) : NULL;
}

void idem_plan_read(const idem_plan *p, const idem_node *n, float *out) {
    idem_to_rowmajor(out, idem_plan_value(p, n), &n->shape);
}

float idem_plan_scalar(const idem_plan *p, const idem_node *n) {
    return idem_plan_value(p, n)[0];
}

size_t idem_plan_bytes(const idem_plan *p) {
    return p->bytes;
}

int idem_plan_steps(const idem_plan *p) {
    return p->n_steps;
}

double idem_plan_flops(const idem_plan *p) {
    double total = 0;
    for (int t = 0; t < p->n_steps; t++) {
        double flops, bytes;
        cost(p->steps[t].node, &flops, &bytes);
        total += flops;
    }
    return total;
}

const idem_profile_row *idem_plan_profile(idem_plan *p, int *n_rows) {
    *n_rows = p->n_steps;
    if (!p->rows)
        p->rows = idem_arena_array(p->arena, (size_t)p->n_steps, sizeof *p->rows);
    if (!p->rows)
        return NULL;
    const int peak = idem_lifetimes_peak(p);
    for (int t = 0; t < p->n_steps; t++) {
        idem_profile_row *r = &p->rows[t];
        const idem_step *s = &p->steps[t];
        r->name = s->node->name;
        r->op = s->node->op->name;
        r->seconds = s->runs ? s->seconds / (double)s->runs : 0;
        cost(s->node, &r->flops, &r->bytes);
        const idem_span *span = &p->spans[t];
        r->held = span->first <= peak && peak <= span->last ? (double)span->bytes : 0;
        r->held += t == peak ? (double)p->spans[p->n_steps + t].bytes : 0;
    }
    return p->rows;
}
