/* Only for src/train/mapper: the pictures of the codes, their losses, and the gradients of these to the codes. In
 * bfloat16 large pictures are painted, judged and differentiated a few at a time, because the generator's activations
 * take most of the memory of an iteration; losses are means over all of them. In float all go together: there the
 * products of styles, and of edges, round by the number of rows, so the parts would change a training's numbers.
 *
 * Letters: B pictures, S their side, W the width of w. */
#ifndef IDEM_TRAIN_MAPPER_PAINTING_H
#define IDEM_TRAIN_MAPPER_PAINTING_H

#include "model/model.h"
#include "train/mapper/recipe.h"

/* What the pictures should be like: pictures [B, 3, S, S], identities [B, id_dim], landmarks in IDEM_LANDMARK_UNITS. */
typedef struct {
    idem_node *attr, *identity, *points;
} idem_painting_target;

/* Scalars, unweighted. */
typedef struct {
    idem_node *l_id, *l_landmark, *l_rec;
    idem_node *l_surround;       /* NULL: weight 0 in the recipe */
    idem_node *n_with_landmarks; /* number of samples with landmarks in both pictures */
    idem_node *slope[2];         /* [cross] of the weighted sum of a step's losses to w: [B, W], no gradient */
} idem_painting;

/* Paints the codes w [B, W]; ranks: all of them, each with B pictures. 0 or -1. */
int idem_paint(idem_painting *p, idem_model *m, const idem_recipe *r, idem_node *w, const idem_painting_target *target,
               int ranks);

#endif
