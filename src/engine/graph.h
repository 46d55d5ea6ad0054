/* The graph: nodes in an arena, built once, planned and run by plan.h.
 *
 * Values are float32. A node's shape is logical, as PyTorch prints it ([N, C, H, W]; weights [O, I, KH, KW]). Memory
 * order: rank 4 is channels-last (the logical axis 1 varies fastest: N, H, W, C; weights O, KH, KW, I), every other
 * rank is row-major. There are no other layouts, so every operator can read every tensor by its strides.
 *
 * Leaves own or borrow their memory and are shared by all plans of the graph; every other value lives in a plan.
 *
 *     idem_graph *g = idem_graph_new();
 *     idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 3));
 *     idem_node *loss = idem_sum_all(idem_square(idem_scale(x, 2))), *dx;
 *     if (idem_gradients(loss, &x, 1, &dx)) ...
 *
 * Constructors pass NULL on, so that one check at the end suffices. Gradients are nodes too. */
#ifndef IDEM_ENGINE_GRAPH_H
#define IDEM_ENGINE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum { IDEM_MAX_RANK = 6 };

typedef struct {
    int rank;                 /* 0 (scalar) .. IDEM_MAX_RANK */
    int64_t d[IDEM_MAX_RANK]; /* each >= 1 */
} idem_shape;

/* IDEM_SHAPE(2, 3) is a rank-2 shape; IDEM_SCALAR has rank 0. */
#define IDEM_SHAPE(...)                                                                                                \
    ((idem_shape){.rank = (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .d = {__VA_ARGS__}})
#define IDEM_SCALAR ((idem_shape){.rank = 0})

int64_t idem_shape_count(const idem_shape *s); /* number of elements; 1 for a scalar */
bool idem_shape_equal(const idem_shape *a, const idem_shape *b);
/* Element strides of each logical axis under the memory order above. */
void idem_shape_strides(const idem_shape *s, int64_t stride[IDEM_MAX_RANK]);
/* "[2, 3, 4]" into text[64]; returns text. */
const char *idem_shape_text(const idem_shape *s, char text[64]);
/* NumPy's rule, aligned at the last axis. -1 with a message if they do not broadcast. */
int idem_shape_broadcast(idem_shape *out, const idem_shape *a, const idem_shape *b);

typedef struct idem_graph idem_graph;
typedef struct idem_node idem_node;
struct idem_op; /* engine/op.h */

struct idem_node {
    idem_graph *graph;
    const struct idem_op *op; /* its row of the operator table */
    const char *name;         /* of the checkpoint or the builder; never NULL */
    int id;                   /* position in the graph: inputs always have smaller ids */
    idem_shape shape;
    int n_in;
    idem_node **in;
    const void *attr; /* attributes of the operator (engine/op.h), in the graph's arena; NULL: none */
    float *leaf;      /* leaves: the values, in memory order; NULL for all other nodes */
    bool frozen;      /* never changes after planning: a frozen leaf, or an operator on frozen inputs only */
    int band, lane;   /* idem_lanes_begin; 0: none */
};

idem_graph *idem_graph_new(void);
void idem_graph_free(idem_graph *g); /* frees nodes and leaf memory the graph owns; plans must be freed before */
idem_arena *idem_graph_arena(idem_graph *g);
int idem_graph_size(const idem_graph *g);
idem_node *idem_graph_node(const idem_graph *g, int id);

/* ---- leaves ---- */
/* Written by the caller before each run: idem_node_write. Memory owned by the graph, initially zero. */
idem_node *idem_input(idem_graph *g, const char *name, idem_shape shape);
/* Borrowed memory, already in memory order, that must outlive the graph. A trainable parameter may change between
 * runs; a frozen one may not change after planning (weights are reordered once). */
idem_node *idem_param(idem_graph *g, const char *name, idem_shape shape, float *data, bool trainable);
/* Frozen copies of row-major values. */
idem_node *idem_const(idem_graph *g, const char *name, idem_shape shape, const float *rowmajor);
idem_node *idem_const_fill(idem_graph *g, idem_shape shape, float value);

/* Between row-major (NCHW) values and memory order; plain copies unless the rank is 4. */
void idem_from_rowmajor(float *memory, const float *rowmajor, const idem_shape *s);
void idem_to_rowmajor(float *rowmajor, const float *memory, const idem_shape *s);
/* Writes an input from row-major values. Pictures are better written directly to node->leaf, which is N, H, W, C. */
void idem_node_write(idem_node *n, const float *rowmajor);

/* Sets the prefix of the names of later nodes, joined by '.'; in an empty scope nodes are named after their operator.
 * Names are for messages and profiles and need not be unique. push copies its text. */
void idem_scope_push(idem_graph *g, const char *name);
void idem_scope_pop(idem_graph *g);

/* Lanes: work on parts of a batch, which a plan may run in parallel, each part on one thread: begin, then next before
 * the nodes of each part, then end. A lane's nodes must not read nodes of another lane. Lanes do not nest: if lanes are
 * already open, begin does nothing and returns false. */
bool idem_lanes_begin(idem_graph *g);
void idem_lanes_next(idem_graph *g);
void idem_lanes_end(idem_graph *g);

/* ---- gradients ---- */
/* out[i] = d(y)/d(wrt[i]) as a new node of wrt[i]'s shape, never NULL: a zero constant if y does not depend on it. y is
 * a scalar (rank 0 or one element) unless seed is given, which has y's shape: then the gradient of sum(y * seed). Nodes
 * are created only on paths from wrt to y. 0 or -1 (an operator on the path has no gradient: named in the message). */
int idem_gradients(idem_node *y, idem_node *const *wrt, int n, idem_node **out);
int idem_gradients_seeded(idem_node *y, idem_node *seed, idem_node *const *wrt, int n, idem_node **out);

/* Same value, no gradient flows through. */
idem_node *idem_stop_gradient(idem_node *x);

#endif
