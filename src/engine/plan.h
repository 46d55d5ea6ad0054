/* A plan: the order of the nodes that compute the targets, the place of each value in one buffer, primitives created
 * and frozen weights reordered once. Running allocates nothing. Several plans may share a graph (and its leaves), but
 * not in several threads.
 *
 *     idem_plan *p = idem_plan_new(targets, 2, NULL);
 *     memcpy(x->leaf, ...); idem_plan_run(p); use idem_plan_value(p, targets[0]); */
#ifndef IDEM_ENGINE_PLAN_H
#define IDEM_ENGINE_PLAN_H

#include <signal.h>

#include "engine/graph.h"

typedef struct idem_plan idem_plan;

typedef struct {
    int threads;                       /* 0: as idem_threads_set(0); fewer where OpenMP gives fewer */
    bool trap_nan;                     /* run fails naming the first node with a NaN or infinity */
    bool profile;                      /* time every node; profile.h does so for all plans */
    const volatile sig_atomic_t *stop; /* polled between nodes: nonzero ends the run with -1, IDEM_INTERRUPTED */
    idem_plan *share; /* reuse this plan's buffer, which lives as long as either plan; its targets' values are lost */
} idem_plan_options;

/* options NULL: all zero. Targets may be any nodes of one graph; their values stay readable until the next run. */
idem_plan *idem_plan_new(idem_node *const *targets, int n, const idem_plan_options *options);
void idem_plan_free(idem_plan *p);

/* 0, or -1: interrupted, trapped, or no memory. If OpenMP's thread count differs from that at creation, the plan is
 * prepared again. */
int idem_plan_run(idem_plan *p);

/* Value of a target or leaf in memory order (rank 4: N, H, W, C). NULL if the node is neither. */
float *idem_plan_value(const idem_plan *p, const idem_node *n);
/* The same as row-major values into out[count]. */
void idem_plan_read(const idem_plan *p, const idem_node *n, float *out);
float idem_plan_scalar(const idem_plan *p, const idem_node *n);

size_t idem_plan_bytes(const idem_plan *p); /* of the activation buffer */
int idem_plan_steps(const idem_plan *p);
double idem_plan_flops(const idem_plan *p); /* arithmetic of one run */

typedef struct {
    const char *name, *op;
    double seconds, flops, bytes; /* of one run: seconds are the mean over the profiled runs */
    double held;                  /* bytes of its value and scratch at the step with the plan's peak memory */
} idem_profile_row;
/* Rows in running order, in memory owned by the plan; n_rows of them. Needs options.profile. */
const idem_profile_row *idem_plan_profile(idem_plan *p, int *n_rows);

#endif
