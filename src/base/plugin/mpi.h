/* What the plug-in idem-mpi.so does for src/train/world.c. It knows MPI and nothing of idem but this: MPI libraries
 * differ in their binary interface, so the plug-in is built for the one that is installed, and idem is linked to none.
 */
#ifndef IDEM_BASE_PLUGIN_MPI_H
#define IDEM_BASE_PLUGIN_MPI_H

#include <stddef.h>

enum { IDEM_MPI_HOST = 256, IDEM_MPI_LIBRARY = 256 };

/* A message to another rank, and one from it; of 0 bytes: none. Between two ranks they are in the same order on both
 * sides. */
typedef struct {
    int rank;
    const void *send;
    size_t send_bytes;
    void *receive;
    size_t receive_bytes;
} idem_mpi_parcel;

typedef struct {
    int rank, size;
    char host[IDEM_MPI_HOST];       /* of this rank */
    char library[IDEM_MPI_LIBRARY]; /* name and version of the MPI library */
    /* Every rank calls it at the same point, with sizes that fit, and with no parcel of its own rank. 0; or -1 with a
     * message of `size` bytes, and in *silent the rank that did not answer within `patience` seconds, -1 when it was
     * something else. */
    int (*exchange)(const idem_mpi_parcel *parcel, int n, double patience, int *silent, char *message, size_t size);
    void (*leave)(void);         /* every rank */
    void (*end_all)(int status); /* ends the processes of all ranks; does not return */
} idem_mpi;

/* Joins the launcher's ranks, once in a process; 0, or -1 with a message of n bytes. The number goes up when any of
 * this changes. */
typedef int idem_mpi_join(idem_mpi *mpi, char *message, size_t n);
#define IDEM_MPI_JOIN idem_mpi_join_2
#define IDEM_MPI_SYMBOL "idem_mpi_join_2"

#endif
