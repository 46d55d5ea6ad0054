/* The residual discriminator of StyleGAN2 (Karras et al. 2020) with the minibatch standard deviation, in the layout of
 * the widespread PyTorch conversion: convs.0 (from RGB), convs.N.{conv1,conv2,skip} from the picture's side down to
 * 8x8, final_conv, final_linear. Blur kernels are [1, 3, 3, 1] and not stored. Equalised rates: weights are scaled by
 * 1/sqrt(fan_in) at use. Side and widths come from the tensors. Differentiable twice.
 *
 *     idem_binder b = idem_binder_make(graph, weights, "d.", true);
 *     idem_node *logits = idem_discriminator(&b, idem_concat((idem_node *[]){real, fake}, 2, 0), 2);
 *     if (!logits || idem_discriminator_finish(&b)) ...
 */
#ifndef IDEM_NETS_DISCRIMINATOR_H
#define IDEM_NETS_DISCRIMINATOR_H

#include "base/rng.h"
#include "nets/bind.h"

enum { IDEM_DISCRIMINATOR_GROUP = 4 };

/* x [N, 3, S, S], about [-1, 1] -> logits [N, 1]. The batch consists of `parts` batches of equal size, one after the
 * other, and the standard deviation (over groups of IDEM_DISCRIMINATOR_GROUP pictures that are N / group apart, or of
 * the largest smaller divisor) never mixes two of them. */
idem_node *idem_discriminator(idem_binder *b, idem_node *x, int parts);
int idem_discriminator_finish(idem_binder *b);

/* Adds the tensors for pictures of side `size` (8 .. 2048, a power of two) below prefix: weights standard normal,
 * biases 0. widths[r]: channels at side 4 << r. */
int idem_discriminator_init(idem_weights *w, const char *prefix, int size, const int *widths, idem_rng *rng);

#endif
