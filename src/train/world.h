/* The processes that train together, its ranks: on one machine or on many, started by mpirun or srun. A process that
 * no launcher has started is a world of one rank, for which every function below is nothing but a copy.
 *
 *     const idem_world *w = idem_world_join(false);
 *     if (!w || idem_world_sum(w, gradients, n))
 *         return -1;
 *
 * All ranks call the same functions in the same order. Sums are gathered and added in the order of ranks: the same
 * number of ranks gives the same bytes, and all ranks have the same. A rank that does not answer within a minute is
 * named, with its host, in the message of every other. One thread at a time. */
#ifndef IDEM_TRAIN_WORLD_H
#define IDEM_TRAIN_WORLD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct idem_world idem_world;

/* Joins the launcher's ranks if its variables are set or it is `asked` for; else a world of one. The same world every
 * time. NULL: asked for or launched, but the plug-in idem-mpi.so is not there or does not start. */
const idem_world *idem_world_join(bool asked);
/* A world of this process alone, whatever has started it. */
const idem_world *idem_world_alone(void);
/* The last call of a rank that ends well: it waits for the others. A process cannot join again. */
void idem_world_leave(void);
/* For a rank that cannot go on while others wait for it: ends them all. Returns in a world of one. */
void idem_world_end_all(int status);

int idem_world_rank(const idem_world *w); /* 0 .. size - 1 */
int idem_world_size(const idem_world *w);
const char *idem_world_host(const idem_world *w, int rank);
const char *idem_world_library(const idem_world *w); /* "Open MPI v4.1.4"; "" in a world of one */

/* all [size][bytes]: everybody's `mine`, by rank. */
int idem_world_gather(const idem_world *w, const void *mine, size_t bytes, void *all);
/* x[n] becomes the sum of everybody's, added in the order of ranks. */
int idem_world_sum(const idem_world *w, float *x, size_t n);
int idem_world_sum_doubles(const idem_world *w, double *x, size_t n);
/* The least of everybody's numbers: whether all are well, say. */
int idem_world_least(const idem_world *w, int mine, int *least);
/* -1, naming both values and hosts, when a rank's text is another than rank 0's. what: "the version of idem". */
int idem_world_same(const idem_world *w, const char *what, const char *mine);

/* Seconds to wait for an answer; at first 60. */
void idem_world_set_patience(double seconds);

#endif
