/* Inside src/train/gan only: a mapping network in closed form, whose codes are distributed like known ones. Before the
 * last leaky ReLU the codes of a StyleGAN2 are nearly normal ("Improving inversion and generation diversity in StyleGAN
 * using a Gaussianized latent space", Wulff and Torralba 2020), so mean and covariance there are enough. */
#ifndef IDEM_TRAIN_GAN_MAPPING_H
#define IDEM_TRAIN_GAN_MAPPING_H

#include <stddef.h>

#include "format/weights.h"

/* Sets the tensors PREFIXstyle.* of w (those of a StyleGAN2 in the conversion's layout with Z >= W) so that the inputs
 * of their last leaky ReLU have the mean and the covariance that they would have had for the n rows of `codes` [n, W].
 * All layers but the last copy the first W numbers of z. -1: no such network, Z < W, n < 2, or the
 * codes do not differ or are not finite. */
int idem_gan_mapping_fit(idem_weights *w, const char *prefix, const double *codes, size_t n);

#endif
