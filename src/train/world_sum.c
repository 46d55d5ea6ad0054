/* Sums over all ranks. Of many numbers each rank sums its share, then all get all shares; of few all sum all. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "train/world_exchange.h"

/* FEW: bytes of all ranks together below which the time of a message counts more than its size. */
enum { FEW = 1 << 18, BLOCK = 1024 };

typedef struct {
    size_t size; /* of a number, bytes */
    void (*add)(void *sum, const void *x, size_t n);
    void (*scale)(void *x, double by, size_t n);
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

static void scale_floats(void *x, double by, size_t n) {
    float *v = x;
    const float factor = (float)by;
    for (size_t i = 0; i < n; i++)
        v[i] *= factor;
}

static void scale_doubles(void *x, double by, size_t n) {
    double *v = x;
    for (size_t i = 0; i < n; i++)
        v[i] *= by;
}

/* Numbers in several places, counted through: number k is in the piece in which k falls. */
typedef struct {
    const number *of;
    const idem_world_piece *piece;
    int pieces;
    double scale; /* of the sums */
} numbers;

static size_t count_all(const numbers *x) {
    size_t n = 0;
    for (int i = 0; i < x->pieces; i++)
        n += x->piece[i].n;
    return n;
}

/* ---- few numbers ---- */

static void copy_pieces(const numbers *x, char *packed, bool back) {
    for (int i = 0; i < x->pieces; i++) {
        const size_t bytes = x->piece[i].n * x->of->size;
        memcpy(back ? x->piece[i].x : packed, back ? packed : x->piece[i].x, bytes);
        packed += bytes;
    }
}

static int sum_few(const idem_world *w, const numbers *x, size_t n) {
    const size_t bytes = n * x->of->size, ranks = (size_t)idem_world_size(w);
    char *mine = malloc((ranks + 1) * bytes);
    if (!mine)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a sum of %zu numbers", n);
    char *all = mine + bytes;
    copy_pieces(x, mine, false);
    const int status = idem_world_gather(w, mine, bytes, all);
    for (size_t r = 1; r < ranks && !status; r++)
        x->of->add(all, all + r * bytes, n);
    if (!status)
        x->of->scale(all, x->scale, n);
    if (!status)
        copy_pieces(x, all, true);
    free(mine);
    return status;
}

/* ---- many numbers ---- */

/* Start of rank r's share; n for r = `ranks`. */
static size_t share_of(size_t n, int ranks, int r) {
    return n / (size_t)ranks * (size_t)r + (n % (size_t)ranks < (size_t)r ? n % (size_t)ranks : (size_t)r);
}

/* The next part of the numbers from .. to - 1 that lies in one piece; NULL: none is left. */
typedef struct {
    size_t from, to, start; /* start: number of the first of the piece */
    int piece;
} walk;

static char *next_part(walk *at, const numbers *x, size_t *n) {
    while (at->from < at->to) {
        const idem_world_piece *p = &x->piece[at->piece];
        if (at->from < at->start + p->n) {
            char *found = (char *)p->x + (at->from - at->start) * x->of->size;
            const size_t left = at->start + p->n - at->from, wanted = at->to - at->from;
            *n = left < wanted ? left : wanted;
            at->from += *n;
            return found;
        }
        at->start += p->n;
        at->piece++;
    }
    return NULL;
}

typedef struct {
    const idem_world *world;
    const numbers *x;
    size_t n, mine; /* numbers; of this rank's share */
    char *got;      /* [ranks][mine], of the others */
    void *block;    /* [BLOCK] sums, which stay in the cache */
    idem_mpi_parcel *parcel;
    int parcels;
} job;

static walk share(const job *j, int rank) {
    const int ranks = idem_world_size(j->world);
    return (walk){.from = share_of(j->n, ranks, rank), .to = share_of(j->n, ranks, rank + 1)};
}

static char *got_from(const job *j, int rank) {
    return j->got + (size_t)rank * j->mine * j->x->of->size;
}

/* Parts of rank `of`'s share: sent to `peer`, or received from it, in their place or packed at `to`. */
static void add_parcels(job *j, int peer, int of, bool send, char *to) {
    walk at = share(j, of);
    size_t n;
    for (char *x = next_part(&at, j->x, &n); x; x = next_part(&at, j->x, &n)) {
        const size_t bytes = n * j->x->of->size;
        j->parcel[j->parcels++] = send
                                      ? (idem_mpi_parcel){.rank = peer, .send = x, .send_bytes = bytes}
                                      : (idem_mpi_parcel){.rank = peer, .receive = to ? to : x, .receive_bytes = bytes};
        to = to ? to + bytes : NULL;
    }
}

/* Each begins with its neighbour, so that not all send to one at first. */
static int exchange(job *j, bool back) {
    const int ranks = idem_world_size(j->world), rank = idem_world_rank(j->world);
    j->parcels = 0;
    for (int step = 1; step < ranks; step++) {
        const int peer = (rank + step) % ranks;
        add_parcels(j, peer, back ? peer : rank, false, back ? NULL : got_from(j, peer));
        add_parcels(j, peer, back ? rank : peer, true, NULL);
    }
    return idem_world_exchange(j->world, j->parcel, j->parcels);
}

/* This rank's share, in the order of ranks. */
static void add_up(const job *j) {
    const int ranks = idem_world_size(j->world), rank = idem_world_rank(j->world);
    const number *of = j->x->of;
    walk at = share(j, rank);
    size_t n, done = 0;
    for (char *x = next_part(&at, j->x, &n); x; x = next_part(&at, j->x, &n))
        for (size_t i = 0, some; i < n; i += some, done += some) {
            some = n - i < BLOCK ? n - i : BLOCK;
            char *own = x + i * of->size;
            for (int r = 0; r < ranks; r++) {
                const char *from = r == rank ? own : got_from(j, r) + done * of->size;
                if (r)
                    of->add(j->block, from, some);
                else
                    memcpy(j->block, from, some * of->size);
            }
            of->scale(j->block, j->x->scale, some);
            memcpy(own, j->block, some * of->size);
        }
}

static int sum_many(const idem_world *w, const numbers *x, size_t n) {
    const size_t ranks = (size_t)idem_world_size(w), rank = (size_t)idem_world_rank(w);
    job j = {.world = w, .x = x, .n = n};
    j.mine = share_of(n, (int)ranks, (int)rank + 1) - share_of(n, (int)ranks, (int)rank);
    j.got = malloc((ranks * j.mine + 1) * x->of->size);
    j.parcel = malloc(2 * ranks * ((size_t)x->pieces + 1) * sizeof *j.parcel);
    j.block = malloc(BLOCK * x->of->size);
    int status =
        j.got && j.parcel && j.block ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a sum of %zu numbers", n);
    if (!status)
        status = exchange(&j, false);
    if (!status) {
        add_up(&j);
        status = exchange(&j, true);
    }
    free(j.got);
    free(j.parcel);
    free(j.block);
    return status;
}

static int sum(const idem_world *w, const numbers *x) {
    const size_t n = count_all(x), ranks = (size_t)idem_world_size(w);
    if (ranks == 1 || !n)
        return 0;
    return n * x->of->size * ranks <= FEW ? sum_few(w, x, n) : sum_many(w, x, n);
}

static const number floats = {sizeof(float), add_floats, scale_floats},
                    doubles = {sizeof(double), add_doubles, scale_doubles};

int idem_world_sum(const idem_world *w, float *x, size_t n) {
    return sum(w, &(numbers){&floats, &(idem_world_piece){x, n}, 1, 1});
}

int idem_world_sum_doubles(const idem_world *w, double *x, size_t n) {
    return sum(w, &(numbers){&doubles, &(idem_world_piece){x, n}, 1, 1});
}

int idem_world_mean(const idem_world *w, const idem_world_piece *piece, int n) {
    return sum(w, &(numbers){&floats, piece, n, 1.0 / idem_world_size(w)});
}
