#include "train/world_batch.h"

#include <stdlib.h>
#include <string.h>

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
    free(b->sums);
    b->sums = NULL;
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

static size_t count_all(const values *v) {
    size_t count = 0;
    for (int list = -1; list < v->adams; list++)
        for (size_t i = 0; i < list_length(v, list); i++)
            count += (size_t)idem_shape_count(&list_node(v, list, i)->shape);
    return count;
}

/* Copies to the sums, or back times `scale`. */
static void move_all(const idem_world_batch *b, const values *v, bool back, float scale) {
    float *sums = b->sums;
    for (int list = -1; list < v->adams; list++)
        for (size_t i = 0; i < list_length(v, list); i++) {
            const idem_node *n = list_node(v, list, i);
            const size_t count = (size_t)idem_shape_count(&n->shape);
            float *value = idem_plan_value(v->plan, n);
            for (size_t k = 0; k < count && back; k++)
                value[k] = scale * sums[k];
            if (!back)
                memcpy(sums, value, count * sizeof *sums);
            sums += count;
        }
}

static int reserve(idem_world_batch *b, size_t count) {
    if (count <= b->capacity)
        return 0;
    float *more = realloc(b->sums, count * sizeof *more);
    if (!more)
        return idem_fail_as(IDEM_MEMORY, "out of memory for sums of %zu numbers", count);
    b->sums = more;
    b->capacity = count;
    return 0;
}

int idem_world_batch_run(idem_world_batch *b, idem_plan *plan, idem_node *const *node, int n,
                         const idem_adam *const *adam, int adams) {
    const int ranks = idem_world_size(b->world);
    const values v = {plan, node, n, adam, adams};
    if (idem_plan_run(plan) || b->failed)
        return -1;
    if (ranks == 1)
        return 0;
    const size_t count = count_all(&v);
    if (reserve(b, count))
        return -1;
    move_all(b, &v, false, 1);
    if (idem_world_sum(b->world, b->sums, count))
        return -1;
    move_all(b, &v, true, 1 / (float)ranks);
    return 0;
}
