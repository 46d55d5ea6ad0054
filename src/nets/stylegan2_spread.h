/* Scales the distances of a StyleGAN2 generator's styles from their mean. A generator of averaged weights makes people
 * who are more alike than those of the data; moving w away from its mean, the opposite of truncation, corrects that. It
 * changes the layers that read w, so it is effective wherever the file is used. */
#ifndef IDEM_NETS_STYLEGAN2_SPREAD_H
#define IDEM_NETS_STYLEGAN2_SPREAD_H

#include "format/weights.h"

/* Every style A w + b becomes A (mean + spread (w - mean)) + b; w and its mean do not change. Before any binding. -1
 * with a message: no generator, or no mean w. */
int idem_stylegan2_spread(idem_weights *w, double spread);

#endif
