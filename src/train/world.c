#define _GNU_SOURCE
#include "train/world.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/plugin.h"
#include "base/status.h"
#include "base/plugin/mpi.h"

enum { TEXT = 256 };

struct idem_world {
    idem_mpi mpi;
    char (*hosts)[IDEM_MPI_HOST];
    bool joined, left;
    double patience; /* seconds */
};

static struct idem_world here = {.patience = 60};

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
    here.mpi = (idem_mpi){.size = 1};
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

double idem_world_set_patience(double seconds) {
    const double before = here.patience;
    here.patience = seconds;
    return before;
}

/* ---- messages ---- */

/* The messages to and from each rank. */
typedef struct {
    const void **send;
    void **receive;
    size_t *send_bytes, *receive_bytes;
} parcels;

static void free_parcels(parcels *p) {
    free(p->send);
    free(p->receive);
    free(p->send_bytes);
    free(p->receive_bytes);
}

static int make_parcels(parcels *p, int size) {
    const size_t n = (size_t)size;
    *p = (parcels){calloc(n, sizeof *p->send), calloc(n, sizeof *p->receive), calloc(n, sizeof *p->send_bytes),
                   calloc(n, sizeof *p->receive_bytes)};
    if (p->send && p->receive && p->send_bytes && p->receive_bytes)
        return 0;
    free_parcels(p);
    return idem_fail_as(IDEM_MEMORY, "out of memory for messages to %d ranks", size);
}

static int exchange(const idem_world *w, const parcels *p) {
    char message[400] = "";
    int silent;
    if (!w->mpi.exchange(p->send, p->send_bytes, p->receive, p->receive_bytes, w->patience, &silent, message,
                         sizeof message))
        return 0;
    return silent < 0 || !w->hosts[silent][0]
               ? idem_fail_as(IDEM_INTERNAL, "the ranks lost their connection: %s", message)
               : idem_fail_as(IDEM_INTERNAL, "rank %d on %s is lost: %s", silent, w->hosts[silent], message);
}

int idem_world_gather(const idem_world *w, const void *mine, size_t bytes, void *all) {
    if (w->mpi.size == 1) {
        if (bytes)
            memmove(all, mine, bytes);
        return 0;
    }
    parcels p;
    if (make_parcels(&p, w->mpi.size))
        return -1;
    for (int r = 0; r < w->mpi.size; r++) {
        p.send[r] = mine;
        p.receive[r] = (char *)all + (size_t)r * bytes;
        p.send_bytes[r] = p.receive_bytes[r] = bytes;
    }
    const int status = exchange(w, &p);
    free_parcels(&p);
    return status;
}

/* ---- sums: each rank sums its share of the numbers, then all ranks get all shares ---- */

typedef struct {
    size_t size; /* of a number, bytes */
    void (*add)(void *sum, const void *x, size_t n);
} number;

static void add_floats(void *sum, const void *x, size_t n) {
    float *s = sum;
    const float *v = x;
    for (size_t i = 0; i < n; i++)
        s[i] += v[i];
}

static void add_doubles(void *sum, const void *x, size_t n) {
    double *s = sum;
    const double *v = x;
    for (size_t i = 0; i < n; i++)
        s[i] += v[i];
}

/* Start of rank r's share; n for r = `ranks`. */
static size_t share_of(size_t n, int ranks, int r) {
    return n / (size_t)ranks * (size_t)r + (n % (size_t)ranks < (size_t)r ? n % (size_t)ranks : (size_t)r);
}

/* got: buffer for all ranks' numbers of this rank's share. */
static int add_shares(const idem_world *w, char *x, size_t n, const number *of, const parcels *p, char *got) {
    const int ranks = w->mpi.size, rank = w->mpi.rank;
    const size_t own = share_of(n, ranks, rank), mine = share_of(n, ranks, rank + 1) - own;
    for (int r = 0; r < ranks; r++) {
        const size_t at = share_of(n, ranks, r), count = share_of(n, ranks, r + 1) - at;
        p->send[r] = x + at * of->size;
        p->send_bytes[r] = count * of->size;
        p->receive[r] = got + (size_t)r * mine * of->size;
        p->receive_bytes[r] = mine * of->size;
    }
    if (exchange(w, p))
        return -1;
    for (int r = 1; r < ranks; r++)
        of->add(got, got + (size_t)r * mine * of->size, mine);
    for (int r = 0; r < ranks; r++) {
        const size_t at = share_of(n, ranks, r), count = share_of(n, ranks, r + 1) - at;
        p->send[r] = got;
        p->send_bytes[r] = mine * of->size;
        p->receive[r] = x + at * of->size;
        p->receive_bytes[r] = count * of->size;
    }
    return exchange(w, p);
}

static int sum(const idem_world *w, void *x, size_t n, const number *of) {
    if (w->mpi.size == 1 || !n)
        return 0;
    const size_t most = n / (size_t)w->mpi.size + 1;
    char *got = malloc(most * (size_t)w->mpi.size * of->size);
    if (!got)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a sum of %zu numbers", n);
    parcels p;
    int status = make_parcels(&p, w->mpi.size);
    if (!status) {
        status = add_shares(w, x, n, of, &p, got);
        free_parcels(&p);
    }
    free(got);
    return status;
}

int idem_world_sum(const idem_world *w, float *x, size_t n) {
    return sum(w, x, n, &(number){sizeof *x, add_floats});
}

int idem_world_sum_doubles(const idem_world *w, double *x, size_t n) {
    return sum(w, x, n, &(number){sizeof *x, add_doubles});
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
