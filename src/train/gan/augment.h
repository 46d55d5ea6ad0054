/* Inside src/train/gan only: adaptive augmentation of each picture (Karras et al. 2020, "limited data"). */
#ifndef IDEM_TRAIN_GAN_AUGMENT_H
#define IDEM_TRAIN_GAN_AUGMENT_H

#include <stdint.h>

#include "base/rng.h"

enum { IDEM_GAN_AUGMENT_DRAWS = 64 }; /* random numbers of one picture */

/* numbers [n, IDEM_AUGMENT_NUMBERS]: the input of idem_augment for pictures of this side. Each transformation has the
 * probability `strength`: translation by whole pixels (at most an eighth of the side), scale, rotation, anisotropic
 * scale, brightness, contrast, hue, saturation; cutout of a box of half the side has half that probability. Picture i
 * uses the random numbers from rng's counter + i * IDEM_GAN_AUGMENT_DRAWS on. */
void idem_gan_augment(float *numbers, int64_t n, int side, double strength, idem_rng *rng);

/* Only translation by whole pixels, at most `most` in each direction; 2 random numbers per picture. */
void idem_gan_shift(float *numbers, int64_t n, int most, idem_rng *rng);

#endif
