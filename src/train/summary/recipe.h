/* The recipe `summary`: the pseudo code of a third-party summary of the paper, for comparison (docs/recipes.md explains
 * it). Options as one struct and a table of its fields. */
#ifndef IDEM_TRAIN_SUMMARY_RECIPE_H
#define IDEM_TRAIN_SUMMARY_RECIPE_H

#include "train/fields.h"

typedef struct {
    uint64_t seed;
    int64_t iterations, batch, crop;
    double rate;
    double alpha, beta;                                /* of L_r and L_d */
    int64_t log_every, sample_every, checkpoint_every; /* iterations */
} idem_summary_recipe;

extern const idem_fields idem_summary_fields;

void idem_summary_defaults(idem_summary_recipe *r);

#endif
