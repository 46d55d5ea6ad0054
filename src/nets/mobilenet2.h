/* MobileNetV2 (Sandler et al. 2018) with Keras' names and layout (kernels H, W, I, O; depthwise H, W, C, 1): 224 x 224
 * pictures to the average pool of the last convolution. Widths come from the tensors. */
#ifndef IDEM_NETS_MOBILENET2_H
#define IDEM_NETS_MOBILENET2_H

#include "nets/bind.h"

enum { IDEM_MOBILENET2_SIDE = 224 };

/* x [N, 3, H, W] in [0, 1], of any size, bilinear to 224 -> [N, 1280]. The binder should be frozen. */
idem_node *idem_mobilenet2(idem_binder *b, idem_node *x);

/* Outputs of chosen blocks (in rising order, numbered from 0, of IDEM_MOBILENET2_BLOCKS) for x [N, 3, H, W] in [0, 1]
 * at its own size: out[i] [N, C, h, w]. Strides are 2 at the first convolution and in blocks 1, 3, 6 and 13. */
enum { IDEM_MOBILENET2_BLOCKS = 17 };
int idem_mobilenet2_blocks(idem_binder *b, idem_node *x, const int *blocks, int n, idem_node **out);

#endif
