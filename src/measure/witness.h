/* Witnesses: networks not used in training, which may therefore judge it: a second recogniser of another family (the
 * judge, 128-d) and a pose network. They see generated pictures through constant crops of the generator's frame.
 *
 *     idem_witness *v = idem_witness_new(NULL, &frame, 64, 8, NULL);
 *     idem_witness_run(v, n, pictures, descriptors, pose); */
#ifndef IDEM_MEASURE_WITNESS_H
#define IDEM_MEASURE_WITNESS_H

#include "engine/plan.h"
#include "face/frame.h"
#include "nets/judge.h"

typedef struct idem_witness idem_witness;

/* models: the folder of the downloaded networks (idem_models_find); size: side S of the pictures; batch >= 1. */
idem_witness *idem_witness_new(const char *models, const idem_frame *frame, int size, int batch,
                               const idem_plan_options *options);
void idem_witness_free(idem_witness *v); /* NULL is allowed */

/* pictures [n, S, S, 3] in [0, 1] -> descriptors [n, 128] of unit length, pose [n, 3]: yaw, pitch and roll in degrees;
 * both may be NULL. */
enum { IDEM_YAW, IDEM_PITCH, IDEM_ROLL, IDEM_ANGLES };
int idem_witness_run(idem_witness *v, int n, const float *pictures, float *descriptors, float *pose);

#endif
