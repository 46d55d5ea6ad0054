#include "train/world_share.h"

#include <math.h>

static int sum(const void *world, float *x, size_t n) {
    return idem_world_sum(world, x, n);
}

static int sum_doubles(const void *world, double *x, size_t n) {
    return idem_world_sum_doubles(world, x, n);
}

idem_measure_share idem_world_share(const idem_world *w) {
    return (idem_measure_share){idem_world_rank(w), idem_world_size(w), sum, sum_doubles, w};
}

static int gather(const void *world, const void *mine, size_t bytes, void *all) {
    const double before = idem_world_set_patience(INFINITY);
    const int status = idem_world_gather(world, mine, bytes, all);
    idem_world_set_patience(before);
    return status;
}

static int give(const void *world, int from, void *data, size_t bytes) {
    const double before = idem_world_set_patience(INFINITY);
    const int status = idem_world_give(world, from, data, bytes);
    idem_world_set_patience(before);
    return status;
}

idem_rank_table idem_world_table(const idem_world *w) {
    return (idem_rank_table){
        .rank = idem_world_rank(w), .size = idem_world_size(w), .gather = gather, .give = give, .of = w};
}
