/* Inside src/model only: E_attr from a network somebody trained for ImageNet. */
#ifndef IDEM_MODEL_ATTR_START_H
#define IDEM_MODEL_ATTR_START_H

#include "format/weights.h"

/* Adds the tensors of a torchvision InceptionV3 or ResNet to `to`, below prefix; classifiers are left out. The
 * InceptionV3 (converted from TensorFlow) was trained on [-1, 1] and is taken as it is. The ResNets were trained on (x
 * - mean) / deviation for x in [0, 1]; ours sees 2 x - 1, so the first convolution is rescaled and what is left of the
 * shift goes to the running mean behind it: the same network, but for the zeros at the picture's border. */
int idem_attr_start(idem_weights *to, const char *prefix, const char *path);

#endif
