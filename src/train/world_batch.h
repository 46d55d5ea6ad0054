/* Only for src/train: a batch that all ranks share, each with an equal part in its own copy of the same graph. After
 * the plan of a step has run, its losses and gradients, which are means over the part, become those of the batch. */
#ifndef IDEM_TRAIN_WORLD_BATCH_H
#define IDEM_TRAIN_WORLD_BATCH_H

#include "engine/ops.h"
#include "engine/plan.h"
#include "model/adam.h"
#include "train/world.h"

typedef struct {
    const idem_world *world;
    bool failed;             /* a sum within a plan failed */
    idem_world_piece *piece; /* list of a step's numbers; NULL: none yet */
    size_t capacity;         /* of the list */
    idem_sharing sharing;    /* for nodes of the graph */
} idem_world_batch;

/* It must not be moved afterwards, and must outlive the graph. */
void idem_world_batch_open(idem_world_batch *b, const idem_world *w);
void idem_world_batch_close(idem_world_batch *b);

/* Runs the plan. The values of the n nodes, and the gradients of the optimisers, become their means over all ranks,
 * equal on all of them. */
int idem_world_batch_run(idem_world_batch *b, idem_plan *plan, idem_node *const *node, int n,
                         const idem_adam *const *adam, int adams);

#endif
