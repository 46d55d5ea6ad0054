#include "train/world_turn.h"

#include <math.h>

#include "base/status.h"

enum { PATIENCE = 3600 /* seconds */ };

static int work_in_turn(const idem_world *w, const char *what, int (*work)(void *user), void *user) {
    const bool first = !idem_world_rank(w);
    int status = first ? work(user) : 0, all;
    if (idem_world_size(w) == 1)
        return status;
    if (idem_world_least(w, status, &all))
        return -1;
    if (!first)
        status = all < 0 ? idem_fail("rank 0 on %s cannot open %s", idem_world_host(w, 0), what) : work(user);
    if (idem_world_least(w, status, &all))
        return -1;
    return all < 0 && !status ? idem_fail("another rank cannot open %s: its own message says why", what) : status;
}

int idem_world_in_turn(const idem_world *w, const char *what, int (*work)(void *user), void *user) {
    const double before = idem_world_set_patience(INFINITY);
    const int status = work_in_turn(w, what, work, user);
    idem_world_set_patience(before);
    return status;
}

int idem_world_together(const idem_world *w, int (*work)(void *user), void *user) {
    int least;
    const double before = idem_world_set_patience(PATIENCE);
    const int status = work(user) || idem_world_least(w, 0, &least) ? -1 : 0;
    idem_world_set_patience(before);
    return status;
}
