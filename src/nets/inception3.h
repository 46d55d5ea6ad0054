/* InceptionV3 (Szegedy et al. 2016) with torchvision's names: 299 x 299 pictures in [-1, 1] to the average pool, 2048
 * numbers; and the variant used for the Frechet Inception Distance, with the same names of tensors but different
 * pooling. `fc` and the auxiliary classifier (AuxLogits) are not used. Widths come from the tensors. */
#ifndef IDEM_NETS_INCEPTION3_H
#define IDEM_NETS_INCEPTION3_H

#include "nets/norm_conv.h"

enum { IDEM_INCEPTION3_SIDE = 299, IDEM_INCEPTION3_LEAST = 75 };

/* x [N, 3, H, W], sides of at least 75 -> [N, 2048]. running: filled with batch statistics, may be NULL otherwise. */
idem_node *idem_inception3(idem_binder *b, idem_node *x, idem_norm_stats stats, idem_running_list *running);
int idem_inception3_finish(idem_binder *b);

/* The network of the 2015-12-05 TensorFlow graph as ported to PyTorch (pt_inception-2015-12-05): x [N, 3, H, W] in [0,
 * 1], of any size, bilinear to 299 -> [N, 2048]. Stored statistics. Averages exclude the padding, and the last block
 * pools by the maximum. */
idem_node *idem_inception3_fid(idem_binder *b, idem_node *x);

/* Adds fresh tensors of the published widths below prefix, as idem_norm_conv_init makes them. */
int idem_inception3_init(idem_weights *w, const char *prefix, idem_rng *rng);
/* Width of the output; 0 if there is no InceptionV3 below prefix. */
int idem_inception3_width(const idem_weights *w, const char *prefix);

#endif
