/* The position of codes relative to the generator's. A mapper without a critic gives codes outside W: their distance to
 * the nearest of many codes of the mapping network shows it, and so does a plot in the plane of the first principal
 * components.
 *
 *     idem_w_space *s = idem_w_space_new(m, 0.9f, IDEM_W_CODES, seed, NULL);
 *     idem_w_space_place(s, w, n, nearest, plane); */
#ifndef IDEM_MEASURE_W_SPACE_H
#define IDEM_MEASURE_W_SPACE_H

#include <stdint.h>

#include "engine/plan.h"
#include "model/model.h"

enum { IDEM_W_CODES = 10000, IDEM_W_FRESH = 1000 };

typedef struct idem_w_space idem_w_space;

/* `codes` of the mapping network truncated by psi (at least 3). */
idem_w_space *idem_w_space_new(idem_model *m, float psi, int codes, uint64_t seed, const idem_plan_options *plan);
/* From given codes [n, W]. */
idem_w_space *idem_w_space_of(const float *w, int n, int width);
void idem_w_space_free(idem_w_space *s); /* NULL is allowed */

/* n codes [n, W] -> Euclidean distance to the nearest of them [n], and the coordinates along the first two principal
 * components, relative to their mean [n, 2]; both may be NULL. */
int idem_w_space_place(const idem_w_space *s, const float *w, int n, float *nearest, float *plane);

/* Mean distance of IDEM_W_FRESH further codes of the generator to the nearest: a lower bound to be expected of mappers.
 * 0 after idem_w_space_of. */
double idem_w_space_itself(const idem_w_space *s);
/* The first codes [*n, 2] in that plane, for drawing. */
const float *idem_w_space_plane(const idem_w_space *s, int *n);
/* Share of the variance along either component. */
const double *idem_w_space_shares(const idem_w_space *s);

#endif
