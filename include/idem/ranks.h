/* Processes that work together, on one machine or on many (part of idem.h): the ranks of mpirun or srun. Needs idem's
 * plug-in for MPI, which is opened when a launcher has started the process, or when it is asked for. */
#ifndef IDEM_RANKS_H
#define IDEM_RANKS_H

#include <stddef.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t struct_size;  /* set by the caller to sizeof(idem_ranks) */
    int rank, size;      /* this one, 0 .. size - 1, and how many there are */
    const char *library; /* "Open MPI v4.1.4"; "" for a process on its own */
} idem_ranks;

/* Joins the ranks that the launcher has started, all of which call it; a process that none has started is the only
 * rank, unless it is `asked` for (nonzero), which MPI then refuses or not. Once in a process; later calls only fill in
 * `ranks`. */
IDEM_API int idem_ranks_join(int asked, idem_ranks *ranks);
/* The name of a rank's host, after joining; valid until this process leaves. NULL: there is no such rank. */
IDEM_API const char *idem_ranks_host(int rank);
/* How long a sum of `floats` numbers over all ranks takes, in seconds (mean of several), after checking that it is
 * right. All ranks call it with the same number, which is 1 to 2^28. */
IDEM_API int idem_ranks_measure(size_t floats, double *seconds);
/* The last call. status 0: waits for the other ranks; else ends them all with it, and does not return where there are
 * any. */
IDEM_API void idem_ranks_leave(int status);

#ifdef __cplusplus
}
#endif

#endif
