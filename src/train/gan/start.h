/* Inside src/train/gan only: generator training that starts from networks that exist already. */
#ifndef IDEM_TRAIN_GAN_START_H
#define IDEM_TRAIN_GAN_START_H

#include "format/weights.h"

/* Fills the fresh tensors g.* from a finished generator (a file of the conversion's layout): all of them, or its lower
 * resolutions: new to-RGB layers then start at 0, so that the pictures are its own, enlarged. A checkpoint of
 * train-generator gives the average of its generator, and d.* too, shifted where the side differs: a discriminator
 * halves from the picture's side down, so its last blocks fit, and new ones hand them the smaller picture (gan_grow.h).
 * The heads on features come along. Where w has more channels, the new ones have no effect at first (gan_widen.h). -1
 * when it has fewer. */
int idem_gan_start_from(idem_weights *w, const char *path);

/* The strengths of G's noise are 0, and stay so while the noise, and with it their gradient, is 0, as inputs are at
 * first. */
void idem_gan_silence(idem_weights *w);

#endif
