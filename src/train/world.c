#define _GNU_SOURCE
#include "train/world.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/plugin.h"
#include "base/status.h"
#include "train/world_exchange.h"

enum { TEXT = 256 };

struct idem_world {
    idem_mpi mpi;
    char (*hosts)[IDEM_MPI_HOST];
    bool joined, left;
    double patience, delay; /* seconds */
};

static struct idem_world here = {.patience = 60};
static idem_world_cost spent; /* .rank and .size are here's */

const idem_world *idem_world_alone(void) {
    static char host[1][IDEM_MPI_HOST] = {"this host"};
    static struct idem_world alone = {.mpi = {.size = 1}, .hosts = host};
    return &alone;
}

const idem_world *idem_world_here(void) {
    return here.joined && !here.left ? &here : idem_world_alone();
}

/* ---- joining ---- */

/* By environment variables of Open MPI (4 and 5), MPICH and Slurm. A single process needs no MPI. */
static bool launched(void) {
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *size = getenv(sizes[i]);
        if (size && !strcmp(size, "1"))
            return false;
    }
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_FD"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

static int join_mpi(void) {
    static const char file[] = "idem-mpi.so";
    char why[400] = "", message[400] = "";
    idem_mpi_join *join;
    *(void **)&join = idem_plugin_symbol(file, IDEM_MPI_SYMBOL, why, sizeof why);
    if (!join && *why)
        return idem_fail_as(IDEM_MISSING,
                            "idem's plug-in for MPI cannot be opened: install the MPI that it was built for (%s)", why);
    if (!join)
        return idem_fail_as(IDEM_MISSING,
                            "the processes of this launcher cannot communicate: idem's plug-in for MPI, %s, is "
                            "missing: install Debian's libopenmpi-dev and build idem again",
                            file);
    return join(&here.mpi, message, sizeof message) ? idem_fail_as(IDEM_INTERNAL, "%s", message) : 0;
}

static int join_world(bool asked) {
    const char *delay = getenv("IDEM_TEST_DELAY");
    here.mpi = (idem_mpi){.size = 1};
    here.delay = delay ? 1e-3 * atof(delay) : 0;
    const bool mpi = asked || launched();
    if (mpi && join_mpi())
        return -1;
    here.hosts = calloc((size_t)here.mpi.size, sizeof *here.hosts);
    if (!here.hosts)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the names of %d hosts", here.mpi.size);
    if (!mpi)
        return gethostname(here.hosts[0], IDEM_MPI_HOST - 1) ? idem_fail_as(IDEM_INTERNAL, "this host has no name") : 0;
    return idem_world_gather(&here, here.mpi.host, IDEM_MPI_HOST, here.hosts);
}

const idem_world *idem_world_join(bool asked) {
    if (here.left)
        return idem_fail_null("this process has left its world, and cannot join again");
    if (!here.joined && join_world(asked))
        return NULL;
    here.joined = true;
    return &here;
}

void idem_world_leave(void) {
    if (!here.joined || here.left)
        return;
    if (here.mpi.leave) {
        here.mpi.leave();
        here.left = true;
    }
    free(here.hosts);
    here.hosts = NULL;
    here.joined = false;
}

void idem_world_end_all(int status) {
    if (here.mpi.end_all && !here.left)
        here.mpi.end_all(status);
}

int idem_world_rank(const idem_world *w) {
    return w->mpi.rank;
}

int idem_world_size(const idem_world *w) {
    return w->mpi.size;
}

const char *idem_world_host(const idem_world *w, int rank) {
    return w->hosts[rank];
}

const char *idem_world_library(const idem_world *w) {
    return w->mpi.library;
}

idem_world_cost idem_world_spent(void) {
    idem_world_cost c = spent;
    c.rank = here.mpi.rank;
    c.size = here.mpi.size ? here.mpi.size : 1;
    return c;
}

double idem_world_set_patience(double seconds) {
    const double before = here.patience;
    here.patience = seconds;
    return before;
}

/* ---- messages ---- */

static void count(const idem_mpi_parcel *parcel, int n, double seconds) {
    spent.exchanges++;
    spent.seconds += seconds;
    for (int i = 0; i < n; i++)
        spent.bytes += (double)parcel[i].send_bytes;
}

int idem_world_exchange(const idem_world *w, const idem_mpi_parcel *parcel, int n) {
    char message[400] = "";
    int silent;
    const double start = idem_clock();
    const int status = w->mpi.exchange(parcel, n, w->patience, &silent, message, sizeof message);
    if (w->delay > 0)
        nanosleep(&(struct timespec){(time_t)w->delay, (long)(1e9 * fmod(w->delay, 1))}, NULL);
    count(parcel, n, idem_clock() - start);
    if (!status)
        return 0;
    return silent < 0 || !w->hosts[silent][0]
               ? idem_fail_as(IDEM_INTERNAL, "the ranks lost their connection: %s", message)
               : idem_fail_as(IDEM_INTERNAL, "rank %d on %s is lost: %s", silent, w->hosts[silent], message);
}

int idem_world_gather(const idem_world *w, const void *mine, size_t bytes, void *all) {
    const int ranks = w->mpi.size, rank = w->mpi.rank;
    if (bytes)
        memmove((char *)all + (size_t)rank * bytes, mine, bytes);
    if (ranks == 1)
        return 0;
    idem_mpi_parcel *parcel = malloc((size_t)ranks * sizeof *parcel);
    if (!parcel)
        return idem_fail_as(IDEM_MEMORY, "out of memory for messages to %d ranks", ranks);
    for (int step = 1; step < ranks; step++) {
        const int r = (rank + step) % ranks;
        parcel[step - 1] = (idem_mpi_parcel){r, mine, bytes, (char *)all + (size_t)r * bytes, bytes};
    }
    const int status = idem_world_exchange(w, parcel, ranks - 1);
    free(parcel);
    return status;
}

int idem_world_give(const idem_world *w, int from, void *data, size_t bytes) {
    const int ranks = w->mpi.size, rank = w->mpi.rank;
    int n = 0;
    if (ranks == 1)
        return 0;
    idem_mpi_parcel *parcel = calloc((size_t)ranks, sizeof *parcel);
    if (!parcel)
        return idem_fail_as(IDEM_MEMORY, "out of memory for messages to %d ranks", ranks);
    for (int r = 0; r < ranks; r++)
        if (rank == from && r != rank)
            parcel[n++] = (idem_mpi_parcel){.rank = r, .send = data, .send_bytes = bytes};
    if (rank != from)
        parcel[n++] = (idem_mpi_parcel){.rank = from, .receive = data, .receive_bytes = bytes};
    const int status = idem_world_exchange(w, parcel, n);
    free(parcel);
    return status;
}

/* ---- agreement ---- */

int idem_world_least(const idem_world *w, int mine, int *least) {
    int *all = malloc((size_t)w->mpi.size * sizeof *all);
    const int status = all ? idem_world_gather(w, &mine, sizeof mine, all)
                           : idem_fail_as(IDEM_MEMORY, "out of memory for an agreement");
    *least = mine;
    for (int r = 0; r < w->mpi.size && !status; r++)
        *least = all[r] < *least ? all[r] : *least;
    free(all);
    return status;
}

int idem_world_same(const idem_world *w, const char *what, const char *mine) {
    char text[TEXT] = "", (*all)[TEXT] = calloc((size_t)w->mpi.size, sizeof *all);
    strncpy(text, mine, sizeof text - 1);
    int status = all ? idem_world_gather(w, text, sizeof text, all)
                     : idem_fail_as(IDEM_MEMORY, "out of memory for an agreement");
    for (int r = 1; r < w->mpi.size && !status; r++)
        if (strcmp(all[r], all[0]))
            status = idem_fail("%s differs: \"%s\" on rank 0 (%s), \"%s\" on rank %d (%s): start all ranks with the "
                               "same",
                               what, all[0], w->hosts[0], all[r], r, w->hosts[r]);
    free(all);
    return status;
}
