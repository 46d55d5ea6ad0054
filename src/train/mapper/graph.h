/* Only for src/train/mapper: one forward pass of the ensemble, all losses on it, and all gradients of a step, in four
 * plans (cross- or same-face, with or without the adversarial part) that share one buffer.
 *
 * Letters: B this rank's part of the batch, S the generator's side, W the width of w. */
#ifndef IDEM_TRAIN_MAPPER_GRAPH_H
#define IDEM_TRAIN_MAPPER_GRAPH_H

#include "engine/plan.h"
#include "model/adam.h"
#include "model/model.h"
#include "train/mapper/painting.h"
#include "train/mapper/recipe.h"
#include "train/world_batch.h"

typedef struct {
    idem_graph *graph;
    idem_world_batch batch;   /* of all ranks */
    idem_node *x_id, *x_attr; /* inputs [B, 3, S, S]; the same pictures in same-face iterations */
    idem_node *x_mirrored;    /* input like x_id: its mirror images; NULL: not used by the recipe */
    idem_node *w_real;        /* input [B, W] */
    idem_painting painted;
    idem_node *l_adversarial, *l_critic, *r1; /* scalars, unweighted */
    idem_running_list running;                /* statistics of E_attr's norms */
    idem_plan *plan[2][2];                    /* [cross][adversarial] */
    /* Two optimisers of the main step, one per kind of gradient, over one set of moments. */
    idem_adam *adam_main[2]; /* [cross] */
    idem_adam *adam_adversarial, *adam_critic;
} idem_training_graph;

/* The model needs E_id, E_lnd, a mapper and a critic. Moments are stored in (or read from) idem_model_trained(m). The
 * graph is for this rank's part of the recipe's batch. -1 with a message; it must be freed also then. It must not be
 * moved. */
int idem_training_graph_build(idem_training_graph *t, idem_model *m, const idem_recipe *r, const idem_world *world,
                              const idem_plan_options *options);
/* Runs the turn's plan. Losses and gradients are then those of the whole batch, equal on all ranks. */
int idem_training_graph_run(idem_training_graph *t, bool cross, bool adversarial);
void idem_training_graph_free(idem_training_graph *t);

#endif
