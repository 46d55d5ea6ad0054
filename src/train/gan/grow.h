/* Inside src/train/gan only: a discriminator for larger pictures that says of them what a smaller one says of their
 * halves (or quarters), so that going on at another resolution begins where the last one ended. */
#ifndef IDEM_TRAIN_GAN_GROW_H
#define IDEM_TRAIN_GAN_GROW_H

#include "format/weights.h"

/* Fills the first `blocks` blocks of w's d.*, which `from` lacks, and w's layer from RGB. Before: w's d.* fresh
 * (weights random, biases 0), but for the other blocks, which are those of `from`. Each block halves a picture by [1,
 * 3, 3, 1], as its own blur does. Channels that do not carry it keep their random weights and go nowhere yet. 0 or -1.
 */
int idem_gan_grow(idem_weights *w, const idem_weights *from, int blocks);

#endif
