/* Distances between codes, in units of the deviations of the generator's codes: a step along a direction in which codes
 * hardly differ leads to pictures outside its training distribution (Zhu et al. 2020, "Improved StyleGAN Embedding:
 * Where are the Good Latents?", for the sphere; here about any code). W: the width of w. */
#ifndef IDEM_MODEL_METRIC_H
#define IDEM_MODEL_METRIC_H

#include "engine/plan.h"
#include "model/model.h"

/* metric [W, W], row-major: for a step d in w, |d metric|^2 is d' C^-1 d times the mean variance, so that it is |d|^2
 * if all directions are equal. C: covariance of 2,000 codes of a fixed seed, plus `floor` times the mean variance on
 * its diagonal. Without a mapping network all directions are equal. */
int idem_code_metric(idem_model *m, double floor, float *metric, const idem_plan_options *plan);

#endif
