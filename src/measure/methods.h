/* Methods of composing a pair, which a study compares: a mapper, either picture copied, style mixing of the true codes,
 * a mapper with refinement, another mapper of the same generator. */
#ifndef IDEM_MEASURE_METHODS_H
#define IDEM_MEASURE_METHODS_H

#include "measure/pairs.h"

typedef enum {
    IDEM_BY_MAPPER,
    IDEM_BY_IDENTITY,
    IDEM_BY_ATTRIBUTES,
    IDEM_BY_MIXING,
    IDEM_BY_REFINING
} idem_method_kind;

typedef struct idem_method idem_method;

/* Opens the networks; options NULL: all zero. m must outlive the method. */
idem_method *idem_method_mapper(idem_model *m, int batch, const idem_plan_options *options);
/* The mapper of another file, for the same generator, with the recogniser it was trained with. */
idem_method *idem_method_other(const idem_model *m, const char *path, const char *models, int batch,
                               const idem_plan_options *options);
idem_method *idem_method_refining(idem_model *m, int steps, const idem_plan_options *options);
idem_method *idem_method_copy(idem_method_kind kind);
/* Layers below `crossover` from one picture, the others from the other; from_attributes: the lower ones from the
 * attribute picture. */
idem_method *idem_method_mixing(idem_model *m, int crossover, bool from_attributes, int batch,
                                const idem_plan_options *options);
void idem_method_free(idem_method *x); /* NULL is allowed */

idem_method_kind idem_method_kind_of(const idem_method *x);
const char *idem_method_name(const idem_method *x); /* "mapper", "refined, 12 steps", ... */
int idem_method_steps(const idem_method *x);        /* refinement steps; else 0 */
bool idem_method_rebuilds(const idem_method *x);    /* supports one picture on both sides */
bool idem_method_has_codes(const idem_method *x);   /* gives one w per pair */

/* Pairs first .. first + n - 1, with given pictures -> y [n, S, S, 3], not clipped, and w [n, W] for methods that have
 * codes (may be NULL). same: the identity pictures on both sides; only for methods that rebuild. */
int idem_method_run(idem_method *x, idem_pairs *pairs, int first, int n, const float *x_id, const float *x_attr,
                    bool same, float *y, float *w);

#endif
