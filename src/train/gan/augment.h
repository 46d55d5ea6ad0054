/* Inside src/train/gan only: what adaptive augmentation (Karras et al. 2020, "limited data") does to each picture. */
#ifndef IDEM_TRAIN_GAN_AUGMENT_H
#define IDEM_TRAIN_GAN_AUGMENT_H

#include <stdint.h>

#include "base/rng.h"

enum { IDEM_GAN_AUGMENT_DRAWS = 64 }; /* random numbers of one picture */

/* numbers [n, IDEM_AUGMENT_NUMBERS] of idem_augment for pictures of this side. Each kind of change happens with
 * probability `strength`: moves by whole pixels (an eighth of the side), size, turns, widths,
 * brightness, contrast, hue, saturation; a box of half the side is cut out with half of it. Picture i draws its numbers
 * from rng's counter + i * IDEM_GAN_AUGMENT_DRAWS on, whatever it uses of them. */
void idem_gan_augment(float *numbers, int64_t n, int side, double strength, idem_rng *rng);

/* The same of nothing but moves by whole pixels, up to `most` each way; 2 random numbers each. */
void idem_gan_shift(float *numbers, int64_t n, int most, idem_rng *rng);

#endif
