/* Inside src/train/gan only: a second discriminator: small trained heads on the frozen features of pretrained networks
 * (Sauer et al. 2021, "Projected GANs converge faster"; Kumari et al. 2022, "Ensembling off-the-shelf models for GAN
 * training"). A set of heads reads the features of one network: the pose network, a ShuffleNetV2, on pictures enlarged
 * to 224x224, at 28x28, 14x14 and 7x7; or MobileNetV2 on pictures at their own size, at 1/4, 1/8, 1/16 and 1/32 of it.
 * A head is a 1x1 and a 3x3 convolution to IDEM_GAN_HEAD_WIDTH channels and one to a logit per position. */
#ifndef IDEM_TRAIN_GAN_HEADS_H
#define IDEM_TRAIN_GAN_HEADS_H

#include "base/rng.h"
#include "format/onnx.h"
#include "nets/bind.h"

enum { IDEM_GAN_HEADS_MOST = 4, IDEM_GAN_HEAD_WIDTH = 64, IDEM_GAN_BLUR_MOST = 8 /* pixels */ };

typedef struct {
    const char *prefix; /* of its tensors */
    int n;
    int channels[IDEM_GAN_HEADS_MOST]; /* of each head's features */
} idem_gan_head_set;

#define IDEM_GAN_HEADS_PREFIX "heads" /* of the tensors of all sets */
extern const idem_gan_head_set idem_gan_heads_pose, idem_gan_heads_mobilenet;

/* Adds N.{in,middle,out}.{weight,bias} for N < set.n below the set's prefix: weights standard normal, scaled by
 * 1/sqrt(fan_in) at use; biases 0. */
int idem_gan_heads_init(idem_weights *w, const idem_gan_head_set *set, idem_rng *rng);

/* Features of x [N, 3, S, S], about [-1, 1]: one node per head of the set. */
int idem_gan_features_pose(const idem_onnx *network, idem_node *x, idem_node **features);
/* The weights must outlive the graph. */
int idem_gan_features_mobilenet(idem_weights *network, idem_node *x, idem_node **features);

/* x after a Gaussian of this standard deviation in pixels, 0 .. IDEM_GAN_BLUR_MOST; x itself for 0. Outside is black.
 */
idem_node *idem_gan_blurred(idem_node *x, double deviation);

/* Logits [N, h, w] of each head; their weights in w are bound as trainable. 0 or -1. */
int idem_gan_heads(const idem_gan_head_set *set, idem_graph *g, idem_weights *w, idem_node *const *features,
                   idem_node **logits);

#endif
