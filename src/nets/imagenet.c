#include "nets/imagenet.h"

const float idem_imagenet_mean[3] = {0.485f, 0.456f, 0.406f}, idem_imagenet_deviation[3] = {0.229f, 0.224f, 0.225f};
