/* Multi-scale structural similarity (Wang, Simoncelli, Bovik 2003) as a graph, differentiable any number of times.
 *
 * x, y: [N, C, H, W] in [0, 1]. Five scales with weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333, or the first n whose
 * shorter side is at least 11, weights renormalised to sum 1. 11x11 Gaussian window of sigma 1.5, valid positions only;
 * K1 0.01, K2 0.03. Between scales a 2x2 average; an odd side is padded by one zero at both ends, zeros counted. Per
 * scale and channel the spatial mean (contrast-structure; the whole index at the last scale) is clamped at 0 before the
 * power; product over scales, mean over channels. Where a mean is clamped the gradient is 0, not NaN. */
#ifndef IDEM_MODEL_MSSSIM_H
#define IDEM_MODEL_MSSSIM_H

#include "engine/graph.h"

enum { IDEM_MSSSIM_SCALES = 5, IDEM_MSSSIM_WINDOW = 11 };

/* The Gaussian window of structural similarity, sum 1. */
void idem_msssim_window(double window[IDEM_MSSSIM_WINDOW]);

/* How many scales a picture of this size takes: 0 (too small: below 11) .. 5. */
int idem_msssim_scales(int64_t height, int64_t width);

/* -> [N]: one value per picture. NULL with a message if shapes differ or a side is below 11. */
idem_node *idem_msssim(idem_node *x, idem_node *y);
/* 1 - MS-SSIM with seven significant digits, also for small values. */
idem_node *idem_one_minus_msssim(idem_node *x, idem_node *y);

#endif
