/* Only for src/train: the trained tensors of a graph, their gradients of a loss, and an optimiser for them. */
#ifndef IDEM_TRAIN_PARAMETERS_H
#define IDEM_TRAIN_PARAMETERS_H

#include "model/adam.h"

/* In the graph's arena. */
typedef struct {
    idem_weight **weights;
    idem_node **leaves, **grads;
    int n;
    idem_node *input, *slope; /* a node that is no parameter, and the loss's gradient by it; NULL: none */
} idem_parameters;

/* Every trained tensor of the graph below one of the prefixes (running averages are no leaves). other: may be NULL. -1
 * also if there is none. */
int idem_parameters_collect(idem_parameters *p, idem_graph *g, idem_weights *trained, const char *prefix,
                            const char *other);

/* Fills p->grads, and p->slope if there is an input, with the gradients of the loss; the optimiser stores its moments
 * in `trained`, under its name. */
idem_adam *idem_parameters_optimiser(idem_parameters *p, idem_node *loss, idem_weights *trained, const char *name);

#endif
