/* What plan.c and lifetime.c share. */
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
    int threads; /* that the steps are ready for; 0: there are none, a plan failed */
    idem_step *steps;
    int n_steps;
    place *places; /* by node id */
    int n_places;  /* nodes of the graph when the plan was made */
    int n_all; /* and nodes of our own behind them, computed once more (lifetime.c); capacity: of the arrays by id */
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
    double seconds; /* of them */
    idem_profile_row *rows;
};

static inline size_t idem_value_bytes(const idem_node *n) {
    return (size_t)idem_shape_count(&n->shape) * sizeof(float);
}

/* The node whose value a step makes. */
static inline idem_node *idem_step_result(const idem_step *s) {
    return s->chain ? s->chain->last : s->node;
}

/* Sets from[] and, as far as leaves are concerned, in[] of a step with node and chain. 0 or -1. */
int idem_step_set_inputs(idem_plan *p, idem_step *s);

/* Value t is what step t makes. */
typedef struct {
    int *last_use; /* by value: the last step that reads it, n_steps for a target */
    int *owner;    /* by value: the span that really holds it, its own or that of a value it writes over */
} idem_lifetimes;

/* Sets p->spans but for their offsets, and p->places[].span to values. 0 or -1. */
int idem_lifetimes_find(idem_plan *p, idem_lifetimes *l);
/* Values that are kept across the moment of most memory, though it is cheap to compute them once more from what is
 * there anyway, are: steps of our own before the first use behind that moment. The result is the same to the last bit.
 */
int idem_recompute(idem_plan *p);
/* Steps before prepare: which run in lanes side by side. Those are prepared for one thread. */
void idem_lanes_find(idem_plan *p);
/* Spans to offsets. What lives in one lane only shares no bytes with what other lanes of its band use. 0 or -1. */
int idem_lanes_layout(idem_plan *p);
/* Runs the band that step t begins, its lanes on all threads; returns the step behind it. */
int idem_lanes_run(idem_plan *p, int t, void run(idem_plan *, idem_step *));
/* The step with most bytes alive, scratch included. */
int idem_lifetimes_peak(const idem_plan *p);

#endif
