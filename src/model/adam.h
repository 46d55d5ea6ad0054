/* Adam (Kingma, Ba 2015), bias-corrected as PyTorch does:
 *     m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 * Moments and the step counter are stored in an idem_weights of the caller, so that a checkpoint is a plain weight
 * file.
 *
 *     idem_weights *state = idem_weights_new();            // or loaded from a checkpoint
 *     idem_adam *adam = idem_adam_new(state, "critic_adam");
 *     idem_adam_add(adam, idem_weights_find(w, "critic.0.weight"), grad);   // after binding: memory order is fixed
 *     ... idem_plan_run(plan) ...
 *     idem_adam_step(adam, plan, 2e-5f);
 *
 * State names: ADAM.PARAM.m, ADAM.PARAM.v (the parameter's shape and memory order), and for the number of steps
 * ADAM.step ([1]: modulo 2^24) and ADAM.step_turns ([1]: divided by 2^24; absent: 0). Existing state is continued. */
#ifndef IDEM_MODEL_ADAM_H
#define IDEM_MODEL_ADAM_H

#include "engine/plan.h"
#include "format/weights.h"

typedef struct idem_adam idem_adam;

/* Betas 0.9 and 0.999, eps 1e-7. `state` must outlive the optimiser. */
idem_adam *idem_adam_new(idem_weights *state, const char *name);
void idem_adam_free(idem_adam *a); /* not the state; NULL is allowed */
void idem_adam_set(idem_adam *a, double beta1, double beta2, double eps);
/* Clips the gradient of all parameters together to `times` the length that the second moments predict; 0, the initial
 * value: never. A single pair with an extreme loss could otherwise undo a long training. */
void idem_adam_set_clip(idem_adam *a, double times);

/* Adds a parameter and its gradient node (a target of the plans passed to step). The parameter must already be bound.
 * -1: a gradient of another size, a rank-4 parameter not in memory order, saved moments of another shape. */
int idem_adam_add(idem_adam *a, idem_weight *param, idem_node *grad);
size_t idem_adam_count(const idem_adam *a);
const idem_weight *idem_adam_param(const idem_adam *a, size_t i);
idem_node *idem_adam_grad(const idem_adam *a, size_t i);

/* -1 with a message naming the parameter if a gradient has a NaN or infinity. Changes nothing. */
int idem_adam_check(const idem_adam *a, const idem_plan *plan);
/* Square root of the sum of the gradients' squares. */
double idem_adam_grad_norm(const idem_adam *a, const idem_plan *plan);

/* One step on all parameters with the gradients of the plan's last run. Elementwise: the same bytes for any thread
 * count. */
void idem_adam_step(idem_adam *a, const idem_plan *plan, double rate);
int64_t idem_adam_steps(const idem_adam *a); /* taken so far */

#endif
