/* Only for src/train/summary: one iteration of the recipe `summary` as a graph.
 *
 *     z = M(x), y = (G(mapping(z)) + 1) / 2 averaged to side S
 *     L_r = mean (x - y)^2 + mean (F(x) - F(y))^2
 *     L_d = mean (sim - 1)^2 + mean (sim + 1)^2, sim = cos(F(x), F(y))
 *     loss = alpha L_r + beta L_d
 *
 * F: the whole picture through the recogniser, of unit length. M: "pixel_mapper.0" to ".2" on the picture's numbers in
 * the order channel, row, column; ReLU between. Letters: B batch, S side, Z width of z. */
#ifndef IDEM_TRAIN_SUMMARY_GRAPH_H
#define IDEM_TRAIN_SUMMARY_GRAPH_H

#include "engine/plan.h"
#include "model/adam.h"
#include "model/model.h"
#include "train/summary/recipe.h"

/* min(256, the generator's side) */
int idem_summary_side(const idem_model *m);
/* 3 S^2 - 1024 - 512 - Z: Xavier-uniform, biases 0. */
int idem_summary_init(idem_weights *w, const idem_model *m, idem_rng *rng);

typedef struct {
    idem_graph *graph;
    idem_node *x;                           /* input [B, 3, S, S] in [0, 1] */
    idem_node *y;                           /* the same, of M's and G's result */
    idem_node *pixels, *features;           /* the two parts of L_r */
    idem_node *l_r, *l_d, *loss, *likeness; /* scalars; the mean of sim */
    idem_plan *plan;
    idem_adam *adam;
} idem_summary_graph;

/* Moments are stored in (or read from) `trained`. -1 with a message; the graph must be freed also then. */
int idem_summary_graph_build(idem_summary_graph *t, idem_model *m, idem_weights *trained, const idem_summary_recipe *r,
                             const idem_plan_options *options);
void idem_summary_graph_free(idem_summary_graph *t);

#endif
