/* Mean and standard deviation of ImageNet's R, G and B in [0, 1]: the input of networks from torchvision, and of the
 * pose network, is (p - mean) / deviation. */
#ifndef IDEM_NETS_IMAGENET_H
#define IDEM_NETS_IMAGENET_H

extern const float idem_imagenet_mean[3], idem_imagenet_deviation[3];

#endif
