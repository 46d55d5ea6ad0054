/* The processes that train together, its ranks: on one machine or on many, started by mpirun or srun. A process without
 * a launcher is a world of one rank, for which every function below is only a copy.
 *
 *     const idem_world *w = idem_world_join(false);
 *     if (!w || idem_world_sum(w, gradients, n))
 *         return -1;
 *
 * All ranks call the same functions in the same order. Sums are added in the order of ranks: the same number of ranks
 * gives the same bytes, equal on all ranks. If a rank does not answer within a minute, the messages of all others name
 * it and its host. One thread at a time.
 *
 * For measurements, $IDEM_TEST_DELAY is a number of milliseconds that every exchange of messages takes longer, as if
 * the hosts were far from each other. */
#ifndef IDEM_TRAIN_WORLD_H
#define IDEM_TRAIN_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct idem_world idem_world;

/* Joins the launcher's ranks if its variables are set, for more than one process, or if `asked`; else a world of one.
 * Always returns the same world. NULL: asked or launched, but the plug-in idem-mpi.so is missing or does not start. */
const idem_world *idem_world_join(bool asked);
/* The world that was joined, else a world of only this process. */
const idem_world *idem_world_here(void);
/* A world of only this process. */
const idem_world *idem_world_alone(void);
/* The last call of a rank that ends successfully; waits for the others. A process cannot join again. */
void idem_world_leave(void);
/* For a rank that cannot continue while others wait for it: ends all ranks. Returns in a world of one. */
void idem_world_end_all(int status);

int idem_world_rank(const idem_world *w); /* 0 .. size - 1 */
int idem_world_size(const idem_world *w);
const char *idem_world_host(const idem_world *w, int rank);
const char *idem_world_library(const idem_world *w); /* "Open MPI v4.1.4"; "" in a world of one */

/* all [size][bytes]: the ranks' `mine`, by rank. */
int idem_world_gather(const idem_world *w, const void *mine, size_t bytes, void *all);
/* data[bytes] becomes that of rank `from`. */
int idem_world_give(const idem_world *w, int from, void *data, size_t bytes);
/* x[n] becomes the sum over all ranks, added in the order of ranks. */
int idem_world_sum(const idem_world *w, float *x, size_t n);
int idem_world_sum_doubles(const idem_world *w, double *x, size_t n);
/* Numbers in several places become their means over all ranks, added in the order of ranks. */
typedef struct {
    void *x; /* float[n] */
    size_t n;
} idem_world_piece;
int idem_world_mean(const idem_world *w, const idem_world_piece *piece, int n);
/* The least of all ranks' numbers, such as for the success of all. */
int idem_world_least(const idem_world *w, int mine, int *least);
/* -1 with a message naming both values and hosts if a rank's text differs from rank 0's. what: "the version of idem".
 */
int idem_world_same(const idem_world *w, const char *what, const char *mine);

/* Messages since the process has joined, also after leaving. */
typedef struct {
    int rank, size;
    int64_t exchanges; /* a sum of many numbers takes two, of few one */
    double seconds;    /* in exchanges, waiting for slower ranks included */
    double bytes;      /* sent by this rank */
} idem_world_cost;
idem_world_cost idem_world_spent(void);

/* Seconds to wait for an answer; initially 60. Returns the previous value. */
double idem_world_set_patience(double seconds);

#endif
