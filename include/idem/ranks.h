/* Processes that work together, on one machine or on many (part of idem.h): the ranks of mpirun or srun. Needs idem's
 * plug-in for MPI, which is opened if a launcher started the process or if `asked`. */
#ifndef IDEM_RANKS_H
#define IDEM_RANKS_H

#include <stddef.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t struct_size;  /* set by the caller to sizeof(idem_ranks) */
    int rank, size;      /* this process, 0 .. size - 1; number of processes */
    const char *library; /* "Open MPI v4.1.4"; "" for a single process */
} idem_ranks;

/* Joins the ranks that the launcher started; all of them call it. A process without a launcher is the only rank; with
 * `asked` nonzero MPI is initialised also then, and may refuse. Joins once per process; later calls only fill in
 * `ranks`. */
IDEM_API int idem_ranks_join(int asked, idem_ranks *ranks);
/* The host name of a rank, after joining; valid until idem_ranks_leave. NULL if there is no such rank. */
IDEM_API const char *idem_ranks_host(int rank);
/* Gives `mine` of every rank to all ranks: all [size][bytes], in the order of ranks. All ranks call it with the same
 * `bytes`. Ranks may be at different work meanwhile: it waits as long as they live. */
IDEM_API int idem_ranks_gather(const void *mine, size_t bytes, void *all);
/* -1 on all ranks, naming both values and hosts, if a rank's text (of 255 bytes at most) differs from rank 0's. what:
 * for the message, "the list of files". */
IDEM_API int idem_ranks_same(const char *what, const char *mine);
/* Measures a sum of `floats` numbers (1 to 2^28) over all ranks: seconds, mean of several, after checking the result.
 * All ranks call it with the same number. */
IDEM_API int idem_ranks_measure(size_t floats, double *seconds);
/* The last call. status 0: waits for the other ranks; else ends all ranks with this status and, if there are others,
 * does not return. */
IDEM_API void idem_ranks_leave(int status);

#ifdef __cplusplus
}
#endif

#endif
