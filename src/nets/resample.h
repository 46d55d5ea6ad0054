/* Resampling of whole pictures inside a graph. */
#ifndef IDEM_NETS_RESAMPLE_H
#define IDEM_NETS_RESAMPLE_H

#include "engine/graph.h"

/* x [N, C, H, W] -> [N, C, h, w], bilinear between the four nearest pixels, corners not aligned, edges repeated, no
 * antialiasing: PyTorch's interpolate(mode="bilinear"). x itself if it has this size already. */
idem_node *idem_resample_bilinear(idem_node *x, int h, int w);

#endif
