/* Shared by plan.c and lifetime.c. */
#ifndef IDEM_ENGINE_PLAN_PRIVATE_H
#define IDEM_ENGINE_PLAN_PRIVATE_H

#include "engine/fuse.h"
#include "engine/layout.h"
#include "engine/op.h"
#include "engine/plan.h"

/* One activation buffer, which plans may share. */
typedef struct buffer {
    char *data;
    size_t bytes;
    idem_plan *users; /* list through next_user */
} buffer;

/* Where a node's value is: a leaf's memory, or an offset in the buffer. */
typedef struct {
    idem_node *root; /* through views; itself for other nodes */
    int span;        /* index of the root's span; -1: the root is a leaf */
    int64_t offset;  /* of the value's first element in the root's */
} place;

struct idem_plan {
    idem_graph *graph;
    idem_plan_options options;
    idem_node **targets;
    int n_targets;
    int threads; /* thread count of the prepared steps; 0: none, preparation failed */
    idem_step *steps;
    int n_steps;
    place *places; /* by node id */
    int n_places;  /* nodes of the graph when the plan was made */
    int n_all; /* including our own nodes after them, which are recomputed (lifetime.c); capacity: of the arrays by id
                */
    int capacity;
    idem_span *spans; /* of values, then one of scratch per step */
    int n_spans;
    bool *is_target;
    bool *reads; /* by node id: leaves that are read at run; NULL: not known yet */
    buffer *buffer;
    size_t bytes;
    idem_plan *next_user;
    idem_arena *arena;
    int64_t runs;   /* when profiling */
    double seconds; /* total of these runs */
    idem_profile_row *rows;
};

static inline size_t idem_value_bytes(const idem_node *n) {
    return (size_t)idem_shape_count(&n->shape) * sizeof(float);
}

/* The node whose value a step computes. */
static inline idem_node *idem_step_result(const idem_step *s) {
    return s->chain ? s->chain->last : s->node;
}

/* Sets from[], and in[] for leaves, of a step with node and chain. 0 or -1. */
int idem_step_set_inputs(idem_plan *p, idem_step *s);

/* Value t is the result of step t. */
typedef struct {
    int *last_use; /* by value: the last step that reads it, n_steps for a target */
    int *owner;    /* by value: the span that holds it, its own or that of a value that it overwrites */
} idem_lifetimes;

/* Sets p->spans except offsets, and p->places[].span to values. 0 or -1. */
int idem_lifetimes_find(idem_plan *p, idem_lifetimes *l);
/* Recomputes values instead of keeping them across the memory peak, if that is cheap and their inputs are live anyway:
 * adds steps before the first use after the peak. The result is the same to the last bit. */
int idem_recompute(idem_plan *p);
/* Before prepare: finds the steps that run in parallel lanes. Those are prepared for one thread. */
void idem_lanes_find(idem_plan *p);
/* Spans to offsets. Values of one lane share no bytes with values of the band's other lanes. 0 or -1. */
int idem_lanes_layout(idem_plan *p);
/* Runs the band that step t begins, its lanes on all threads; returns the step after it. */
int idem_lanes_run(idem_plan *p, int t, void run(idem_plan *, idem_step *));
/* The step with the most live bytes, including scratch. */
int idem_lifetimes_peak(const idem_plan *p);

#endif
