/* shared_sum: a sum over the processes that run the same graph on parts of one batch. */
#include "engine/op.h"
#include "engine/ops.h"

#include <string.h>

static void shared_sum_forward(const idem_step *s) {
    const idem_sharing *with = *(const idem_sharing *const *)s->node->attr;
    const size_t n = (size_t)idem_shape_count(&s->node->shape);
    if (s->out != s->in[0])
        memcpy(s->out, s->in[0], n * sizeof *s->out);
    with->sum(with->user, s->out, n);
}

/* All processes' results depend on x, so dx is the sum of all dy. */
static int shared_sum_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (want[0] && !(dx[0] = idem_shared_sum(dy, *(const idem_sharing *const *)n->attr)))
        return -1;
    return 0;
}

const idem_op idem_op_shared_sum = {
    .name = "shared_sum", .in_place = true, .forward = shared_sum_forward, .gradient = shared_sum_gradient};

idem_node *idem_shared_sum(idem_node *x, const idem_sharing *with) {
    return x ? idem_node_new(&idem_op_shared_sum, x->shape, &x, 1, &with, sizeof with) : NULL;
}

idem_node *idem_shared_stats(idem_node *stats, const idem_sharing *with) {
    if (!stats || with->parts == 1)
        return stats;
    const idem_shape row = IDEM_SHAPE(1, stats->shape.d[1]);
    const float share = 1 / (float)with->parts;
    idem_node *mine = idem_slice(stats, 0, 0, 1, 1), *variance = idem_slice(stats, 0, 1, 1, 1);
    idem_node *mean = idem_scale(idem_shared_sum(mine, with), share);
    idem_node *spread = idem_add(variance, idem_square(idem_sub(mine, mean)));
    idem_node *rows[2] = {mean, idem_scale(idem_shared_sum(spread, with), share)};
    return rows[0] && rows[1] && idem_shape_equal(&rows[0]->shape, &row) ? idem_concat(rows, 2, 0) : NULL;
}
