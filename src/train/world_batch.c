#include "train/world_batch.h"

#include <stdlib.h>

#include "base/status.h"

static void sum_of_all(void *user, float *x, size_t n) {
    idem_world_batch *b = user;
    b->failed = b->failed || idem_world_sum(b->world, x, n);
}

void idem_world_batch_open(idem_world_batch *b, const idem_world *w) {
    *b = (idem_world_batch){.world = w};
    b->sharing = (idem_sharing){sum_of_all, b, idem_world_size(w)};
}

void idem_world_batch_close(idem_world_batch *b) {
    free(b->piece);
    b->piece = NULL;
    b->capacity = 0;
}

typedef struct {
    const idem_plan *plan;
    idem_node *const *node;
    int n;
    const idem_adam *const *adam;
    int adams;
} values;

static size_t list_length(const values *v, int list) {
    return list < 0 ? (size_t)v->n : idem_adam_count(v->adam[list]);
}

static const idem_node *list_node(const values *v, int list, size_t i) {
    return list < 0 ? v->node[i] : idem_adam_grad(v->adam[list], i);
}

static int reserve(idem_world_batch *b, size_t count) {
    if (count <= b->capacity)
        return 0;
    idem_world_piece *more = realloc(b->piece, count * sizeof *more);
    if (!more)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of %zu gradients", count);
    b->piece = more;
    b->capacity = count;
    return 0;
}

static int average(idem_world_batch *b, const values *v) {
    size_t count = 0, n = 0;
    for (int list = -1; list < v->adams; list++)
        count += list_length(v, list);
    if (reserve(b, count))
        return -1;
    for (int list = -1; list < v->adams; list++)
        for (size_t i = 0; i < list_length(v, list); i++) {
            const idem_node *node = list_node(v, list, i);
            b->piece[n++] = (idem_world_piece){idem_plan_value(v->plan, node), (size_t)idem_shape_count(&node->shape)};
        }
    return idem_world_mean(b->world, b->piece, (int)n);
}

int idem_world_batch_run(idem_world_batch *b, idem_plan *plan, idem_node *const *node, int n,
                         const idem_adam *const *adam, int adams) {
    if (idem_plan_run(plan) || b->failed)
        return -1;
    return idem_world_size(b->world) == 1 ? 0 : average(b, &(values){plan, node, n, adam, adams});
}
