/* Inside src/train only: the trained tensors of a graph, their gradients of a loss, and an optimiser over them. */
#ifndef IDEM_TRAIN_PARAMETERS_H
#define IDEM_TRAIN_PARAMETERS_H

#include "model/adam.h"

/* In the graph's arena. */
typedef struct {
    idem_weight **weights;
    idem_node **leaves, **grads;
    int n;
} idem_parameters;

/* Every tensor below one of the prefixes that the graph trains (running averages are not leaves of it). other: NULL for
 * none. -1 also when there is none at all. */
int idem_parameters_collect(idem_parameters *p, idem_graph *g, idem_weights *trained, const char *prefix,
                            const char *other);

/* Fills p->grads with the gradients of the loss; the optimiser keeps its moments in `trained`, by its name. */
idem_adam *idem_parameters_optimiser(idem_parameters *p, idem_node *loss, idem_weights *trained, const char *name);

#endif
