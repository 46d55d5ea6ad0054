/* Inside src/train/gan only: generator training from existing networks. */
#ifndef IDEM_TRAIN_GAN_START_H
#define IDEM_TRAIN_GAN_START_H

#include "format/weights.h"

/* Fills the initial tensors g.* from a trained generator (a file in the conversion's layout) of the same or a lower
 * resolution. Added to-RGB layers start at 0, so the pictures are the old ones enlarged. From a checkpoint of
 * train-generator it takes the average of the generator, d.* and the heads on features. For a larger side d.* are
 * shifted: the last blocks fit, and new ones pass on the smaller picture (grow.h). If w has more channels, the new ones
 * have no effect at first (widen.h); -1 if it has fewer. */
int idem_gan_start_from(idem_weights *w, const char *path);

/* Sets the strengths of G's noise to 0. They stay 0 if the noise inputs are 0, because then their gradient is 0. */
void idem_gan_silence(idem_weights *w);

#endif
