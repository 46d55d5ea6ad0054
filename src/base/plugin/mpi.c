/* The plug-in idem-mpi.so: messages between ranks by MPI. Only point-to-point messages are used, so that a rank that
 * does not answer can be named, and sums are idem's own, in a fixed order. */
#define _GNU_SOURCE
#include "base/plugin/mpi.h"

#include <dlfcn.h>
#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG = 1, MOST_BYTES = 1 << 30 }; /* of one message */

static MPI_Comm ranks = MPI_COMM_NULL;
static int rank, size;

static int failed(int code, const char *what, char *message, size_t n) {
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(code, text, &length);
    snprintf(message, n, "%s: %.*s", what, length, text);
    return -1;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Messages arrive within microseconds, or a rank is at its work: then the core is better given to somebody else. */
static void rest(double waited) {
    if (waited < 1e-3)
        sched_yield();
    else
        nanosleep(&(struct timespec){.tv_nsec = waited < 0.1 ? 20000 : 200000}, NULL);
}

/* Every request's rank is in peer[]; -1: this rank could not be waited for in time. */
static int wait_for(MPI_Request *request, const int *peer, int n, double patience, int *silent, char *message,
                    size_t message_size) {
    const double start = now();
    for (int i = 0; i < n;) {
        int done = 0;
        const int code = MPI_Test(&request[i], &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS) {
            *silent = peer[i];
            return failed(code, "a message was lost", message, message_size);
        }
        if (done) {
            i++;
            continue;
        }
        const double waited = now() - start;
        if (waited > patience) {
            *silent = peer[i];
            snprintf(message, message_size, "no answer within %.0f seconds", patience);
            return -1;
        }
        rest(waited);
    }
    return 0;
}

/* In pieces that fit an MPI count. Returns the number of requests begun, or -1. */
static int begin(const idem_mpi_parcel *p, MPI_Request *request, char *message, size_t message_size) {
    int n = 0, code = MPI_SUCCESS;
    for (size_t at = 0; at < p->receive_bytes && code == MPI_SUCCESS; at += MOST_BYTES) {
        const size_t left = p->receive_bytes - at;
        code = MPI_Irecv((char *)p->receive + at, left < MOST_BYTES ? (int)left : MOST_BYTES, MPI_BYTE, p->rank, TAG,
                         ranks, &request[n++]);
    }
    for (size_t at = 0; at < p->send_bytes && code == MPI_SUCCESS; at += MOST_BYTES) {
        const size_t left = p->send_bytes - at;
        code = MPI_Isend((const char *)p->send + at, left < MOST_BYTES ? (int)left : MOST_BYTES, MPI_BYTE, p->rank, TAG,
                         ranks, &request[n++]);
    }
    return code == MPI_SUCCESS ? n : failed(code, "cannot send to another rank", message, message_size);
}

static int pieces(size_t bytes) {
    return (int)((bytes + MOST_BYTES - 1) / MOST_BYTES);
}

static int exchange(const idem_mpi_parcel *parcel, int parcels, double patience, int *silent, char *message,
                    size_t message_size) {
    int most = 0, n = 0, status = 0;
    *silent = -1;
    for (int i = 0; i < parcels; i++)
        most += pieces(parcel[i].send_bytes) + pieces(parcel[i].receive_bytes);
    MPI_Request *request = malloc((size_t)(most + 1) * sizeof *request);
    int *peer = malloc((size_t)(most + 1) * sizeof *peer);
    if (!request || !peer) {
        snprintf(message, message_size, "out of memory for messages");
        status = -1;
    }
    for (int p = 0; p < parcels && !status; p++) {
        const int begun = begin(&parcel[p], request + n, message, message_size);
        for (int i = 0; i < begun; i++)
            peer[n + i] = parcel[p].rank;
        n += begun > 0 ? begun : 0;
        status = begun < 0 ? -1 : 0;
    }
    if (!status)
        status = wait_for(request, peer, n, patience, silent, message, message_size);
    free(request);
    free(peer);
    return status;
}

static void leave(void) {
    if (ranks != MPI_COMM_NULL)
        MPI_Comm_free(&ranks);
    MPI_Finalize();
}

static void end_all(int status) {
    MPI_Abort(ranks == MPI_COMM_NULL ? MPI_COMM_WORLD : ranks, status);
    _Exit(status);
}

/* Open MPI opens components of its own, which look for its symbols among all of the process. */
static void show_symbols(void) {
    Dl_info library;
    if (dladdr((const void *)(uintptr_t)&MPI_Init_thread, &library) && library.dli_fname)
        dlopen(library.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
}

int IDEM_MPI_JOIN(idem_mpi *mpi, char *message, size_t n);

__attribute__((visibility("default"))) int IDEM_MPI_JOIN(idem_mpi *mpi, char *message, size_t n) {
    int initialised = 0, provided = 0, length = 0, code = MPI_SUCCESS;
    char library[MPI_MAX_LIBRARY_VERSION_STRING] = "", host[MPI_MAX_PROCESSOR_NAME] = "";
    show_symbols();
    MPI_Initialized(&initialised);
    if (!initialised)
        code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_dup(MPI_COMM_WORLD, &ranks);
    if (code != MPI_SUCCESS)
        return failed(code, "MPI does not start", message, n);
    MPI_Comm_set_errhandler(ranks, MPI_ERRORS_RETURN);
    MPI_Comm_rank(ranks, &rank);
    MPI_Comm_size(ranks, &size);
    MPI_Get_processor_name(host, &length);
    MPI_Get_library_version(library, &length);
    library[strcspn(library, ",\n")] = 0;
    char number[64];
    if (sscanf(library, "MPICH Version: %63s", number) == 1)
        snprintf(library, sizeof library, "MPICH %s", number);
    *mpi = (idem_mpi){.rank = rank, .size = size, .exchange = exchange, .leave = leave, .end_all = end_all};
    snprintf(mpi->host, sizeof mpi->host, "%s", host);
    snprintf(mpi->library, sizeof mpi->library, "%s", library);
    return 0;
}
