/* Inside src/train/gan only: generator, discriminator and the steps of an iteration: D on real and generated pictures,
 * R1 on real ones, G through D, and optionally path lengths of G. One graph with a plan per step; the plans share a
 * buffer.
 *
 * Tensors: g.* and d.* in the layout of the PyTorch conversion, heads.* and heads_mobilenet.* (heads.h), moments
 * adam_g.*, adam_d.*. Letters: B the batch, or this rank's part of it, S the side, Z the width of z, L the rows of ws.
 */
#ifndef IDEM_TRAIN_GAN_GRAPH_H
#define IDEM_TRAIN_GAN_GRAPH_H

#include "engine/plan.h"
#include "model/adam.h"
#include "train/gan/heads.h"
#include "train/gan/part.h"
#include "train/gan/recipe.h"
#include "nets/stylegan2.h"
#include "train/world_batch.h"

#define IDEM_GAN_G "g."
#define IDEM_GAN_D "d."

enum { IDEM_GAN_PLANES = 2 * IDEM_STYLEGAN2_RESOLUTIONS - 1 };

/* One kind of step. */
typedef struct {
    idem_node *loss;          /* scalar, logged */
    idem_node *also[2];       /* further targets; NULL: none */
    idem_node *input, *slope; /* an input, and the gradient by it of what is minimised, a target; NULL: none */
    idem_plan *plan;
    idem_adam *adam;
} idem_gan_step;

typedef struct {
    idem_graph *graph;
    idem_stylegan2 about; /* of the generator */
    idem_gan_part part;
    idem_world_batch batch; /* of all ranks */
    /* inputs */
    idem_node *real;             /* [B, 3, S, S] in [-1, 1] */
    idem_node *z;                /* [2 B, Z]: the second half are the second styles of mixing */
    idem_node *mix;              /* [B, L, 1]: 1 where a layer takes the second style, else 0 */
    idem_node *known_ws, *known; /* [K, L, W], [K, 3, S, S] in [-1, 1]: known codes and their pictures; may be NULL */
    idem_node *noise[IDEM_GAN_PLANES];      /* [B, 1, side, side]; about.n_noise of them */
    idem_node *augment_real, *augment_made; /* [B, IDEM_AUGMENT_NUMBERS] */
    idem_node *shift_real, *shift_made; /* the same for the heads' pictures: their translation; NULL without heads */
    idem_node *shift_known;             /* the same for known pictures whose features are compared; NULL if none are */
    idem_gan_step d, g;
    idem_gan_step r1;   /* without a plan if D is left out; loss (gamma/2) E |gradient|^2, the step minimises r1_every
                           times that; uses the moments of d */
    idem_node *sign;    /* scalar of d's plan: mean sign of D on real pictures; NULL if D is left out */
    idem_node *rebuilt; /* scalar of g's plan: of known pictures in [0, 1]: 1 - MS-SSIM + mean |x - y|, and weighted
                           the roughness of x - y and the distance of features; may be NULL */
    idem_node *heads;   /* scalar of d's plan: loss of the heads on frozen features, part of d's; may be NULL */
    idem_weights *mobilenet; /* MobileNetV2, for heads or known pictures; may be NULL */
    /* A step of G on the loss `rebuilt` alone, with the moments of g; input: known_ws, if codes move. plan is NULL
     * without rebuild-first. */
    idem_gan_step alone;
    /* Path lengths (Karras et al. 2020), on the first half of the batch; plan is NULL without them. Loss: weight * E
     * (length - mean)^2, length = root of the mean over layers of |d sum(picture * noise) / d w|^2, noise of variance
     * 1 / S^2. The mean is an exponential average with decay 0.99; uses the moments of g. */
    idem_gan_step path;
    idem_node *path_noise;             /* [B / 2, 3, S, S], standard normal */
    idem_node *path_mean, *path_moved; /* [1]: mean before the step, an input; after it, a value of path's plan */
} idem_gan_graph;

/* Dimensions of the generator. */
idem_stylegan2_dims idem_gan_dims(const idem_gan_recipe *r);
/* Initial tensors g.* and d.* by the recipe's seed. */
int idem_gan_init(idem_weights *w, const idem_gan_recipe *r);
/* Reads the moments from `w` or adds them. The graph is for this rank's part of the batch; world NULL: only this
 * process. Free the graph also after -1. It must not be moved. */
int idem_gan_graph_build(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r, const idem_world *world,
                         const idem_plan_options *options);
/* The plan whose buffer all its plans share. */
idem_plan *idem_gan_graph_owner(const idem_gan_graph *t);
/* Runs the plan of one of its steps. Losses and gradients are then those of the whole batch, equal on all ranks. */
int idem_gan_graph_run(idem_gan_graph *t, idem_gan_step *s);
void idem_gan_graph_free(idem_gan_graph *t);

#endif
