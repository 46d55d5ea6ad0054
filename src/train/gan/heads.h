/* Inside src/train/gan only: a second discriminator, of small trained heads on the frozen features of a network that
 * knows pictures already (Sauer et al. 2021, "Projected GANs converge faster"; Kumari et al. 2022, "Ensembling
 * off-the-shelf models for GAN training"). The features are those of the pose network, a ShuffleNetV2, at 28x28, 14x14
 * and 7x7. A head is a 1x1 and a 3x3 convolution to IDEM_GAN_HEAD_WIDTH channels and one to a logit at every position.
 */
#ifndef IDEM_TRAIN_GAN_HEADS_H
#define IDEM_TRAIN_GAN_HEADS_H

#include "base/rng.h"
#include "format/onnx.h"
#include "nets/bind.h"

#define IDEM_GAN_HEADS_FILE "fr_pose.onnx" /* `idem model fetch pose` */

enum { IDEM_GAN_HEADS = 3, IDEM_GAN_HEAD_WIDTH = 64 };

/* Adds N.{in,middle,out}.{weight,bias} for N < IDEM_GAN_HEADS below the prefix: weights standard normal, scaled by
 * 1/sqrt(fan_in) at use; biases 0. */
int idem_gan_heads_init(idem_weights *w, const char *prefix, idem_rng *rng);

/* The network's features of x [N, 3, S, S], about [-1, 1]. */
int idem_gan_features(const idem_onnx *network, idem_node *x, idem_node *features[IDEM_GAN_HEADS]);
/* Logits [N, h, w] of each head; the weights are bound as trainable ones. 0 or -1. */
int idem_gan_heads(idem_binder *b, idem_node *const features[IDEM_GAN_HEADS], idem_node *logits[IDEM_GAN_HEADS]);

#endif
