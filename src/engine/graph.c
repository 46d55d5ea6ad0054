#include "engine/graph.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph_private.h"
#include "engine/op.h"

enum { SCOPE_MAX = 200, DEPTH_MAX = 16 };

typedef struct {
    bool block; /* node->leaf is a block that idem_graph_hold took */
    int plans;  /* number of plans that read it */
} holding;

struct idem_graph {
    uint64_t serial;
    idem_arena *arena;
    idem_node **nodes;
    int count, capacity;
    char scope[SCOPE_MAX];   /* joined by '.' */
    size_t outer[DEPTH_MAX]; /* length of the scope before each push */
    int depth, dropped;      /* pushes; pushes that exceeded the limits */
    holding *held;           /* by id */
    int bands, lanes;        /* made so far */
    int band, lane;          /* for new nodes; 0: none */
};

idem_graph *idem_graph_new(void) {
    static _Atomic uint64_t made;
    idem_graph *g = calloc(1, sizeof *g);
    if (!g)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a graph");
    g->arena = idem_arena_new();
    if (!g->arena) {
        free(g);
        return NULL;
    }
    /* Relaxed: no synchronisation between threads, which would hide races from the thread sanitizer. */
    g->serial = 1 + atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
    return g;
}

void idem_graph_free(idem_graph *g) {
    if (!g)
        return;
    for (int i = 0; i < g->count; i++)
        if (g->held[i].block)
            idem_graph_release(g, g->nodes[i]);
    free(g->nodes);
    free(g->held);
    idem_arena_free(g->arena);
    free(g);
}

uint64_t idem_graph_serial(const idem_graph *g) {
    return g->serial;
}

idem_arena *idem_graph_arena(idem_graph *g) {
    return g->arena;
}

int idem_graph_size(const idem_graph *g) {
    return g->count;
}

idem_node *idem_graph_node(const idem_graph *g, int id) {
    return g->nodes[id];
}

static size_t value_bytes(const idem_node *n) {
    return (size_t)idem_shape_count(&n->shape) * sizeof(float);
}

float *idem_graph_hold(idem_graph *g, idem_node *n) {
    n->leaf = idem_block_alloc(value_bytes(n));
    g->held[n->id] = (holding){.block = n->leaf != NULL};
    return n->leaf;
}

void idem_graph_release(idem_graph *g, idem_node *n) {
    if (!g->held[n->id].block)
        return;
    idem_block_free(n->leaf, value_bytes(n));
    n->leaf = NULL;
    g->held[n->id] = (holding){0};
}

void idem_graph_keep(idem_graph *g, const idem_node *n) {
    g->held[n->id].plans++;
}

void idem_graph_drop(idem_graph *g, const idem_node *n) {
    g->held[n->id].plans--;
}

void idem_graph_release_unkept(idem_graph *g, idem_node *n) {
    if (!g->held[n->id].plans)
        idem_graph_release(g, n);
}

/* ---- lanes ---- */

bool idem_lanes_begin(idem_graph *g) {
    if (g->band)
        return false;
    g->band = ++g->bands;
    return true;
}

void idem_lanes_next(idem_graph *g) {
    g->lane = g->band ? ++g->lanes : 0;
}

void idem_lanes_end(idem_graph *g) {
    g->band = g->lane = 0;
}

/* ---- nodes ---- */

static int grow(idem_graph *g) {
    if (g->count < g->capacity)
        return 0;
    int capacity = g->capacity ? 2 * g->capacity : 256;
    idem_node **nodes = realloc(g->nodes, (size_t)capacity * sizeof *nodes);
    if (nodes)
        g->nodes = nodes;
    holding *held = realloc(g->held, (size_t)capacity * sizeof *held);
    if (held)
        g->held = held;
    if (!nodes || !held)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a graph of %d nodes", capacity);
    g->capacity = capacity;
    return 0;
}

static int check_shape(const char *what, const idem_shape *s) {
    int64_t count = 1;
    if (s->rank < 0 || s->rank > IDEM_MAX_RANK)
        return idem_fail("%s: rank is %d, expected 0 to %d", what, s->rank, IDEM_MAX_RANK);
    for (int i = 0; i < s->rank; i++)
        if (s->d[i] < 1 || __builtin_mul_overflow(count, s->d[i], &count) || count > INT64_MAX / 16) {
            char text[64];
            return idem_fail("%s: shape %s is empty or too large", what, idem_shape_text(s, text));
        }
    return 0;
}

static idem_node *node_new(idem_graph *g, const idem_op *op, const char *name, idem_shape shape, int n_in) {
    if (check_shape(name, &shape) || grow(g))
        return NULL;
    idem_node *n = idem_arena_alloc(g->arena, sizeof *n);
    if (!n)
        return NULL;
    n->name = *g->scope ? idem_arena_printf(g->arena, "%s.%s", g->scope, name) : idem_arena_strdup(g->arena, name);
    n->in = idem_arena_array(g->arena, (size_t)n_in, sizeof *n->in);
    if (!n->name || !n->in)
        return NULL;
    n->graph = g;
    n->op = op;
    n->id = g->count;
    n->shape = shape;
    n->n_in = n_in;
    n->band = g->lane ? g->band : 0;
    n->lane = g->lane;
    g->held[g->count] = (holding){0};
    g->nodes[g->count++] = n;
    return n;
}

/* The node of the same operation on the same frozen values: a network that is built several times in a graph folds its
 * weights once. */
static idem_node *find_frozen(const idem_op *op, const idem_shape *shape, idem_node *const *in, int n_in,
                              const void *attr, size_t attr_bytes) {
    const idem_graph *g = in[0]->graph;
    for (int i = 0; i < n_in; i++)
        if (!in[i]->frozen)
            return NULL;
    for (int id = in[0]->id + 1; id < g->count; id++) {
        idem_node *n = g->nodes[id];
        if (n->op == op && n->n_in == n_in && memcmp(n->in, in, (size_t)n_in * sizeof(idem_node *)) == 0 &&
            idem_shape_equal(&n->shape, shape) && (!attr_bytes || memcmp(n->attr, attr, attr_bytes) == 0))
            return n;
    }
    return NULL;
}

idem_node *idem_node_new(const idem_op *op, idem_shape shape, idem_node *const *in, int n_in, const void *attr,
                         size_t attr_bytes) {
    idem_graph *g = in[0]->graph;
    idem_node *found = find_frozen(op, &shape, in, n_in, attr, attr_bytes);
    if (found)
        return found;
    void *copy = NULL;
    if (attr_bytes) {
        copy = idem_arena_alloc(g->arena, attr_bytes);
        if (!copy)
            return NULL;
        memcpy(copy, attr, attr_bytes);
    }
    idem_node *n = node_new(g, op, op->name, shape, n_in);
    if (!n)
        return NULL;
    n->attr = copy;
    n->frozen = true;
    for (int i = 0; i < n_in; i++) {
        if (in[i]->graph != g)
            return idem_fail_null("%s: inputs %s and %s belong to different graphs", n->name, in[0]->name, in[i]->name);
        n->in[i] = in[i];
        n->frozen = n->frozen && in[i]->frozen;
    }
    return n;
}

const idem_op idem_op_input = {.name = "input"};
const idem_op idem_op_param = {.name = "param"};
const idem_op idem_op_const = {.name = "const"};

static idem_node *leaf_new(idem_graph *g, const idem_op *op, const char *name, idem_shape shape, float *data) {
    idem_node *n = node_new(g, op, name, shape, 0);
    if (!n)
        return NULL;
    n->leaf = data ? data : idem_arena_array(g->arena, (size_t)idem_shape_count(&shape), sizeof(float));
    return n->leaf ? n : NULL;
}

idem_node *idem_input(idem_graph *g, const char *name, idem_shape shape) {
    return leaf_new(g, &idem_op_input, name, shape, NULL);
}

idem_node *idem_param(idem_graph *g, const char *name, idem_shape shape, float *data, bool trainable) {
    idem_node *n = leaf_new(g, &idem_op_param, name, shape, data);
    if (n)
        n->frozen = !trainable;
    return n;
}

idem_node *idem_const(idem_graph *g, const char *name, idem_shape shape, const float *rowmajor) {
    idem_node *n = leaf_new(g, &idem_op_const, name, shape, NULL);
    if (n) {
        n->frozen = true;
        idem_from_rowmajor(n->leaf, rowmajor, &shape);
    }
    return n;
}

idem_node *idem_const_fill(idem_graph *g, idem_shape shape, float value) {
    idem_node *n = leaf_new(g, &idem_op_const, "fill", shape, NULL);
    if (n) {
        n->frozen = true;
        for (int64_t i = idem_shape_count(&shape); i-- > 0;)
            n->leaf[i] = value;
    }
    return n;
}

void idem_node_write(idem_node *n, const float *rowmajor) {
    idem_from_rowmajor(n->leaf, rowmajor, &n->shape);
}

void idem_scope_push(idem_graph *g, const char *name) {
    size_t used = strlen(g->scope), need = strlen(name) + (used ? 1 : 0);
    if (g->dropped || g->depth == DEPTH_MAX || used + need >= SCOPE_MAX) {
        g->dropped++; /* names are only for messages: very deep ones are omitted */
        return;
    }
    if (used)
        g->scope[used] = '.';
    memcpy(g->scope + used + (used ? 1 : 0), name, strlen(name) + 1);
    g->outer[g->depth++] = used;
}

void idem_scope_pop(idem_graph *g) {
    if (g->dropped)
        g->dropped--;
    else if (g->depth)
        g->scope[g->outer[--g->depth]] = 0;
}
