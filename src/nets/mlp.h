/* The two small networks that are trained: M, from z = [E_id, E_attr] to w, and the critic D_W of w. Linear layers with
 * leaky ReLU 0.2 between them, none at the end. Tensors: mapper.N.weight, mapper.N.bias, critic.N.weight,
 * critic.N.bias, N = 0 .. 3. */
#ifndef IDEM_NETS_MLP_H
#define IDEM_NETS_MLP_H

#include "base/rng.h"
#include "nets/bind.h"

#define IDEM_MLP_SLOPE 0.2f /* of M and D_W */

/* x [N, I] through the layers NAME.0, NAME.1, ... that have tensors, LeakyReLU between them (slope 0: ReLU) -> [N, O].
 * Differentiable twice. */
idem_node *idem_mlp(idem_binder *b, const char *name, idem_node *x, float slope);

/* Adds mapper.* to w: in-2048-1024-512-out. Layers 0 and 1 Glorot uniform, 2 and 3 normal with variance 2/(1 +
 * 0.2^2)/fan_in, biases 0, or the last bias `mean` (out numbers) if that is not NULL. -1 if a tensor exists already. */
int idem_mapper_init(idem_weights *w, int in, int out, const float *mean, idem_rng *rng);

/* Adds pixel_mapper.*, the mapper of the recipe `summary`: in-1024-512-out, Glorot uniform, biases 0. */
int idem_pixel_mapper_init(idem_weights *w, int in, int out, idem_rng *rng);

/* Adds critic.*: in-256-128-64-1, all layers initialised as the mapper's last two. */
int idem_critic_init(idem_weights *w, int in, idem_rng *rng);

#endif
