/* ResNets in torchvision's layout (conv1, bn1, layerX.Y.convZ, downsample): ResNet-18, 34 with basic blocks, 50, 101,
 * 152 with bottlenecks, recognised by the tensors. Output: the average pool, [N, 512] or [N, 2048]; `fc` is not used.
 * Any picture size. */
#ifndef IDEM_NETS_RESNET_H
#define IDEM_NETS_RESNET_H

#include "nets/norm_conv.h"

/* x [N, 3, H, W] -> [N, 512 or 2048]. running: filled with batch statistics, may be NULL otherwise. */
idem_node *idem_resnet(idem_binder *b, idem_node *x, idem_norm_stats stats, idem_running_list *running);
int idem_resnet_finish(idem_binder *b);
/* Names that a ResNet may leave unused, for idem_binder_finish. */
#define IDEM_RESNET_SPARE "fc.*|*.num_batches_tracked"

/* Adds the tensors of a ResNet of this depth (18, 34, 50, 101, 152) below prefix: convolutions Kaiming normal (fan
 * out), norms 1 and 0, averages 0 and 1: torchvision's initial values. */
int idem_resnet_init(idem_weights *w, const char *prefix, int depth, idem_rng *rng);
/* Width of the output: 512 or 2048; 0 if there is no ResNet below prefix. */
int idem_resnet_width(const idem_weights *w, const char *prefix);

#endif
