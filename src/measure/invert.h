/* Inversion: the codes, one row per layer (W+), with which a generator paints given pictures best, to measure its
 * coverage. All generators are treated equally: start at their mean w, Adam in units of their codes' deviations from
 * it, a loss only on pixels, so that any recogniser may judge the results.
 *
 *     idem_invert *v = idem_invert_new(m, &(idem_invert_options){.steps = 200, .rate = 0.1}, 8, NULL);
 *     idem_invert_run(v, n, pictures, found, NULL);
 *
 * The loss is 1 - MS-SSIM + mean |x - y| of a picture. Letters: S the generator's side, L rows of ws, W the width of w.
 */
#ifndef IDEM_MEASURE_INVERT_H
#define IDEM_MEASURE_INVERT_H

#include "engine/plan.h"
#include "model/model.h"

typedef struct {
    int steps;   /* of Adam, betas 0.9 and 0.99 */
    double rate; /* in root mean squared distances of codes from the mean w; warm-up over 5 steps, then a cosine decay
                    to a twentieth */
} idem_invert_options;

typedef struct idem_invert idem_invert;

/* m: a generator with a mapping network; it must outlive the inversion. batch >= 1: pictures per batch; results do not
 * depend on it. plan NULL: all zero. */
idem_invert *idem_invert_new(idem_model *m, const idem_invert_options *options, int batch,
                             const idem_plan_options *plan);
void idem_invert_free(idem_invert *v); /* NULL is allowed */

/* n pictures [S, S, 3] in [0, 1] -> found [n, S, S, 3], which may overshoot, and their codes ws [n, L, W] (may be
 * NULL). -1: interrupted; IDEM_INTERNAL if losses or gradients are not finite. */
int idem_invert_run(idem_invert *v, int n, const float *pictures, float *found, float *ws);

#endif
