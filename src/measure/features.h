/* Features of whole pictures for Frechet distances, by a network for general pictures: MobileNetV2 of nsfwjs (a
 * downloaded model), or the InceptionV3 of the published Frechet Inception Distance, from the user's file. */
#ifndef IDEM_MEASURE_FEATURES_H
#define IDEM_MEASURE_FEATURES_H

#include <stddef.h>

#include "engine/plan.h"
#include "format/weights.h"

typedef struct idem_features idem_features;

/* inception: weights of pt_inception-2015-12-05 in any format; NULL: MobileNetV2 from `models` (idem_models_find).
 * size: side S of the pictures; batch >= 1. */
idem_features *idem_features_new(const char *models, const char *inception, int size, int batch,
                                 const idem_plan_options *options);
void idem_features_free(idem_features *f); /* NULL is allowed */

const char *idem_features_name(const idem_features *f); /* print it with every distance */
size_t idem_features_width(const idem_features *f);     /* D */

/* pictures [n, S, S, 3] in [0, 1], rounded to 8 bits as in a file -> out [n, D] */
int idem_features_run(idem_features *f, size_t n, const float *pictures, float *out);

/* The weights of MobileNetV2 (nets/mobilenet2.h) from `models`, as above; freed by the caller with idem_weights_free.
 */
int idem_features_load_mobilenet(idem_weights **w, const char *models);

#endif
