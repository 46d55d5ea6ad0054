/* The training losses as graph builders. Every builder returns a scalar, unweighted unless stated; NULL inputs give
 * NULL. N is the batch, D a width. Formulas: Nitzan, Bermano, Li, Cohen-Or, "Face Identity Disentanglement via Latent
 * Space Mapping" (2020), with details from its published implementation. */
#ifndef IDEM_MODEL_LOSSES_H
#define IDEM_MODEL_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/graph.h"

/* Landmarks are compared in units of a 160-pixel picture. */
#define IDEM_LANDMARK_UNITS 160.0f

/* Rows of unit length: x / max(|x|, 1e-12) for x [N, D]. */
idem_node *idem_l2_normalise(idem_node *x);

/* mean |a - b| over all N * D numbers of the rows normalised to unit length; no gradient to the target. */
idem_node *idem_loss_identity(idem_node *target, idem_node *out);

/* Mean squared difference over all numbers. target, out: [N, 51, 2] or [N, 102], whole-picture coordinates times
 * IDEM_LANDMARK_UNITS; no gradient to the target. mask: [N] of 0 or 1, or NULL. A masked sample adds 0 and the divisor
 * is the number of all samples, so that a skipped sample does not change the weight of the others. */
idem_node *idem_loss_landmark(idem_node *target, idem_node *out, idem_node *mask);

/* Which samples have landmarks: [N], 1 if every coordinate of points ([N, ...], IDEM_LANDMARK_UNITS) is within -0.5 ..
 * 1.5 sides of the picture; else 0, also for NaN. No gradient. */
idem_node *idem_landmark_mask(idem_node *points);

/* L1w: sum over batch and pixels of mask * mean_c |x - y| (a sum over the batch, not a mean). x, y: [N, C, S, S] in [0,
 * 1]. mask: g = exp(-r^2 / (2 sigma^2)), r from the centre (S-1)/2, sigma 80 at 256 px in proportion to S; max g + min
 * g - g, normalised to sum 1: borders count more than the face. */
idem_node *idem_loss_l1w(idem_node *x, idem_node *y);

/* 0.84 (1 - mean MS-SSIM) + 0.16 L1w; x is the target (gradients go to both). The mean over the parts of one batch is
 * the batch's loss, if each gets the number of parts. */
idem_node *idem_loss_reconstruction(idem_node *x, idem_node *y, int parts);

/* Mean |x - y| over batch, channels and the pixels where outside [S * S] is 1 (idem_frame_outside): the surroundings of
 * the face should be those of the attribute picture. x, y: [N, C, S, S]. Not of the published method. */
idem_node *idem_loss_surround(idem_node *x, idem_node *y, const uint8_t *outside);

/* Mean cross-entropy of logits [N, 1] or [N] with the label real (1) or fake (0): mean softplus(-l) or softplus(l). */
idem_node *idem_bce_logits(idem_node *logits, bool real);

/* Critic: bce(real, 1) + bce(fake, 0). The caller stops the gradient to the mapper with stop_gradient on the fake
 * codes. */
idem_node *idem_critic_loss(idem_node *real_logits, idem_node *fake_logits);

/* (gamma/2) * mean over the batch of |d logit / d w|^2. logits must come from w [N, D]; the result can be
 * differentiated with respect to the critic's weights: a true second derivative. NULL with a message if the graph has
 * no such path. */
idem_node *idem_r1(idem_node *real_logits, idem_node *w_real, float gamma);

#endif
