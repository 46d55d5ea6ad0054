/* How far the styles of a StyleGAN2 generator lie from their mean. A moving average of weights paints people who are
 * more alike than those of the data; moving w away from its mean, as truncation moves it nearer, undoes that. Done to
 * the layers that read w, it holds wherever the file is used. */
#ifndef IDEM_NETS_STYLEGAN2_SPREAD_H
#define IDEM_NETS_STYLEGAN2_SPREAD_H

#include "format/weights.h"

/* Every style A w + b becomes A (mean + spread (w - mean)) + b; w and its mean stay what they are. Before any binding.
 * -1 with a message: no generator, or no mean w beside it. */
int idem_stylegan2_spread(idem_weights *w, double spread);

#endif
