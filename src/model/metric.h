/* Distances between codes, in how far the generator's own codes lie apart that way: a step along a direction in which
 * they hardly differ leads to pictures that it was never trained to paint (Zhu et al. 2020, "Improved StyleGAN
 * Embedding: Where are the Good Latents?", for the sphere; here about any code). W: the width of w. */
#ifndef IDEM_MODEL_METRIC_H
#define IDEM_MODEL_METRIC_H

#include "engine/plan.h"
#include "model/model.h"

/* metric [W, W], row-major: for a step d in w, |d metric|^2 is d' C^-1 d times the mean variance, so that it is |d|^2
 * where all directions are alike. C: covariance of 2,000 codes of a fixed seed, and on its diagonal `floor` times the
 * mean variance more. Without a mapping network all directions are alike. */
int idem_code_metric(idem_model *m, double floor, float *metric, const idem_plan_options *plan);

#endif
