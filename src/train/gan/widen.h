/* Inside src/train/gan only: a wider network with the same output as a narrower one, so that training continues at
 * another width from the last state. */
#ifndef IDEM_TRAIN_GAN_WIDEN_H
#define IDEM_TRAIN_GAN_WIDEN_H

#include "format/weights.h"

/* Why a layer's new channels have no effect at first. Never both at once: then neither side would get a gradient. */
typedef enum {
    IDEM_GAN_UNREAD, /* they are random, and the weights that read them are 0 */
    IDEM_GAN_MUTE    /* they are 0, and the weights that read them random, as the minibatch standard deviation averages
                        over them */
} idem_gan_new;

/* Fills the initial tensor `to` (of g.* or d.*) from the same layer's tensor `from`, which has as many channels or
 * fewer. At use weights are divided by the root of the number of inputs, so they are scaled by the ratio of both roots.
 * `made` and `read`: kind of the layer's new outputs and inputs; read IDEM_GAN_MUTE: its last input is the minibatch
 * standard deviation. -1 if `from` is wider or differs in more than channels. */
int idem_gan_widen(idem_weight *to, const idem_weight *from, idem_gan_new made, idem_gan_new read);

#endif
