/* Inside src/train/gan only: a discriminator for larger pictures whose logit equals that of a smaller one on the
 * picture at half (or a quarter of) the size, so that training continues at another resolution from the last state. */
#ifndef IDEM_TRAIN_GAN_GROW_H
#define IDEM_TRAIN_GAN_GROW_H

#include "format/weights.h"

/* Fills the first `blocks` blocks of w's d.*, which `from` lacks, and w's layer from RGB. Before the call w's d.* hold
 * initial values (random weights, zero biases), and its other blocks those of `from`. Each new block halves the picture
 * by [1, 3, 3, 1], as its own blur does. Channels without the picture keep their random weights and have no effect at
 * first. 0 or -1.
 */
int idem_gan_grow(idem_weights *w, const idem_weights *from, int blocks);

#endif
