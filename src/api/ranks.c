/* Ranks through the public library. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "idem.h"
#include "train/world.h"

static const size_t MOST = (size_t)1 << 28;

static const idem_world *world; /* NULL: not joined */

int idem_ranks_join(int asked, idem_ranks *ranks) {
    if (!ranks)
        return idem_fail("idem_ranks_join: ranks is NULL");
    if (ranks->struct_size != sizeof *ranks)
        return idem_fail("idem_ranks_join: struct_size is %zu, expected %zu; set it to sizeof(idem_ranks)",
                         ranks->struct_size, sizeof *ranks);
    const idem_world *w = idem_world_join(asked);
    if (!w)
        return -1;
    world = w;
    ranks->rank = idem_world_rank(w);
    ranks->size = idem_world_size(w);
    ranks->library = idem_world_library(w);
    return 0;
}

const char *idem_ranks_host(int rank) {
    return world && rank >= 0 && rank < idem_world_size(world) ? idem_world_host(world, rank) : NULL;
}

int idem_ranks_gather(const void *mine, size_t bytes, void *all) {
    if (!world || (bytes && (!mine || !all)))
        return idem_fail("idem_ranks_gather: %s", world ? "an argument is NULL" : "call idem_ranks_join first");
    const double before = idem_world_set_patience(INFINITY);
    const int status = idem_world_gather(world, mine, bytes, all);
    idem_world_set_patience(before);
    return status;
}

int idem_ranks_same(const char *what, const char *mine) {
    if (!world || !what || !mine)
        return idem_fail("idem_ranks_same: %s", world ? "an argument is NULL" : "call idem_ranks_join first");
    return idem_world_same(world, what, mine);
}

/* Small integers: their sum is exact in any order. */
static int check_sum(const idem_world *w, float *x, size_t n) {
    const int ranks = idem_world_size(w), rank = idem_world_rank(w);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(i % 7 + (size_t)rank);
    if (idem_world_sum(w, x, n))
        return -1;
    int right = 1, all_right;
    for (size_t i = 0; i < n; i++)
        right &= x[i] == (float)((i % 7) * (size_t)ranks + (size_t)(ranks * (ranks - 1) / 2));
    if (idem_world_least(w, right, &all_right))
        return -1;
    return all_right ? 0 : idem_fail_as(IDEM_INTERNAL, "a sum of %zu numbers over %d ranks is wrong", n, ranks);
}

int idem_ranks_measure(size_t floats, double *seconds) {
    if (!world || !seconds)
        return idem_fail("idem_ranks_measure: %s", world ? "seconds is NULL" : "call idem_ranks_join first");
    if (floats < 1 || floats > MOST)
        return idem_fail("idem_ranks_measure: %zu numbers, expected 1 to %zu", floats, MOST);
    const int times = floats < 1 << 14 ? 100 : floats < 1 << 20 ? 20 : 3;
    float *x = calloc(floats, sizeof *x);
    int status = x ? check_sum(world, x, floats) : idem_fail_as(IDEM_MEMORY, "out of memory for %zu numbers", floats);
    for (size_t i = 0; i < floats && !status; i++)
        x[i] = 0;
    const double start = idem_clock();
    for (int i = 0; i < times && !status; i++)
        status = idem_world_sum(world, x, floats);
    *seconds = (idem_clock() - start) / times;
    free(x);
    return status;
}

void idem_ranks_leave(int status) {
    if (status)
        idem_world_end_all(status);
    else
        idem_world_leave();
    world = NULL;
}
