/* Only for src/model: E_attr from a network trained on ImageNet. */
#ifndef IDEM_MODEL_ATTR_START_H
#define IDEM_MODEL_ATTR_START_H

#include "format/weights.h"

/* Adds the tensors of a torchvision InceptionV3 or ResNet to `to`, below prefix; classifiers are left out. The
 * InceptionV3 (converted from TensorFlow) was trained on [-1, 1] and is unchanged. The ResNets were trained on (x -
 * mean) / deviation for x in [0, 1]; ours sees 2 x - 1, so the first convolution is rescaled and the remaining shift is
 * added to the following running mean: the same network, except for the zero padding at the picture's border. */
int idem_attr_start(idem_weights *to, const char *prefix, const char *path);

#endif
