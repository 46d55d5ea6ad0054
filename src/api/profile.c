/* The public library's times of networks (include/idem/machine.h). */
#include "engine/profile.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "idem.h"
#include "train/world.h"

static double started;
static idem_world_cost before;

void idem_start_profile(void) {
    idem_profile_start();
    started = idem_clock();
    before = idem_world_spent();
}

void idem_stop_profile(void) {
    idem_profile_stop();
}

/* NULL with a message. */
static const idem_timing *rows_of(idem_profile_by by, int *n) {
    idem_profile_sum *sums = idem_profile_sums(by, n);
    idem_timing *rows = sums ? calloc((size_t)*n + 1, sizeof *rows) : NULL;
    for (int i = 0; rows && i < *n; i++)
        rows[i] = (idem_timing){.name = sums[i].name,
                                .op = sums[i].op,
                                .seconds = sums[i].seconds,
                                .flops = sums[i].flops,
                                .bytes = sums[i].bytes,
                                .runs = sums[i].runs,
                                .nodes = sums[i].nodes};
    free(sums);
    return rows || !sums ? rows : idem_fail_null_as(IDEM_MEMORY, "out of memory for a profile");
}

static void add_ranks(idem_profile *p) {
    const idem_world_cost now = idem_world_spent();
    p->rank = now.rank;
    p->ranks = now.size;
    p->elapsed = idem_clock() - started;
    p->exchange = now.seconds - before.seconds;
    p->exchanges = now.exchanges - before.exchanges;
    p->sent = now.bytes - before.bytes;
}

idem_profile *idem_get_profile(void) {
    const idem_profile_total total = idem_profile_totals();
    idem_profile *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a profile");
    p->plans = total.plans;
    p->runs = total.runs;
    p->seconds = total.seconds;
    add_ranks(p);
    if ((p->node = rows_of(IDEM_PROFILE_BY_NODE, &p->nodes)) && (p->op = rows_of(IDEM_PROFILE_BY_OPERATOR, &p->ops)))
        return p;
    idem_free_profile(p);
    return NULL;
}

void idem_free_profile(idem_profile *p) {
    if (!p)
        return;
    free((idem_timing *)p->node);
    free((idem_timing *)p->op);
    free(p);
}
