/* Inside src/train/gan only: a network with more channels that computes what a narrower one did, so that going on at
 * another width begins where the last run ended. */
#ifndef IDEM_TRAIN_GAN_WIDEN_H
#define IDEM_TRAIN_GAN_WIDEN_H

#include "format/weights.h"

/* What keeps a layer's new channels from being heard at first. Never both: then neither side would get a gradient. */
typedef enum {
    IDEM_GAN_UNREAD, /* they are random, and what reads them has weights of 0 for them */
    IDEM_GAN_MUTE    /* they are 0, and what reads them is random: minibatch standard deviation averages over them */
} idem_gan_new;

/* Fills `to`, g.* or d.* and fresh, from the same layer's tensor `from`, of as many channels or fewer. Weights are
 * divided by the root of their inputs' number at use, so they grow by what that divides more. `made` and `read`: of the
 * channels that the layer makes and reads; read IDEM_GAN_MUTE: its last input is the minibatch standard deviation.
 * -1 when `from` is wider, or differs in something else than channels. */
int idem_gan_widen(idem_weight *to, const idem_weight *from, idem_gan_new made, idem_gan_new read);

#endif
