/* The profile of the whole program: sums over all plans made while it is on, in any thread. A plan adds its steps when
 * it is freed.
 *
 *     idem_profile_start();
 *     ... make, run and free plans ...
 *     idem_profile_sum *sums = idem_profile_sums(IDEM_PROFILE_BY_NODE, &n); ... free(sums);
 *     idem_profile_stop(); */
#ifndef IDEM_ENGINE_PROFILE_H
#define IDEM_ENGINE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

/* Plans made from now on time their steps. */
void idem_profile_start(void);
bool idem_profile_on(void);
/* Removes all times. */
void idem_profile_stop(void);

typedef struct {
    const char *name, *op;        /* of a node; name NULL: all nodes of the operator */
    double seconds, flops, bytes; /* of all runs */
    int64_t runs;                 /* runs of nodes of this name */
    int nodes;                    /* number of names added together; 1 by node */
} idem_profile_sum;

/* Adds a finished plan, from any thread: its runs, and a row per step with the sums over them; NULL: out of memory for
 * the rows. */
void idem_profile_add(const idem_profile_sum *steps, int n, int64_t runs, double seconds);

typedef enum { IDEM_PROFILE_BY_NODE, IDEM_PROFILE_BY_OPERATOR } idem_profile_by;
/* Slowest first; nodes of one name and operator are one row. Malloc'ed, names valid until stop. NULL with a message:
 * out of memory, now or when a plan was added. */
idem_profile_sum *idem_profile_sums(idem_profile_by by, int *n);

typedef struct {
    int plans; /* freed plans that had run */
    int64_t runs;
    double seconds; /* of runs; steps of parallel lanes may sum to more */
} idem_profile_total;
idem_profile_total idem_profile_totals(void);

#endif
