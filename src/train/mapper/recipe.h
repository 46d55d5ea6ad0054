/* The recipe `paper`: every weight and rate of the method as one struct, and a table of its fields from which the
 * command line, the checkpoint and the check on resume are derived. */
#ifndef IDEM_TRAIN_MAPPER_RECIPE_H
#define IDEM_TRAIN_MAPPER_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "train/fields.h"

typedef struct {
    uint64_t seed;
    int64_t iterations, batch;
    double rate, rate_adversarial, rate_critic; /* the last two are factors of the first */
    double weight_id, weight_landmark, weight_reconstruction, weight_surround, weight_adversarial, gamma;
    int64_t cross_every, adversarial_every;
    double mirror_identity; /* share of the same-face pairs */
    bool mirror_target;
    bool adversarial_halved;
    int64_t warmup; /* iterations */
    double decay;   /* share of the iterations */
    bool mean_bias;
    double clip; /* gradients are clipped to this times the usual length; 0: never */
    double ema;  /* decay of the average of E_attr and M; 0: none */
    double truncation;
    double photograph_share; /* of the pictures; 0 without photographs */
    double photograph_vary;  /* strength of idem_weather, 0 .. 1 */
    int64_t log_every, eval_every, eval_pairs, checkpoint_every;
} idem_recipe;

extern const idem_fields idem_recipe_fields;

void idem_recipe_defaults(idem_recipe *r);

/* Metadata "option.NAME". load: options missing in the file, from an earlier version, have their defaults; -1: no
 * recipe, or an invalid value. */
int idem_recipe_store(const idem_recipe *r, idem_weights *w);
int idem_recipe_load(idem_recipe *r, const idem_weights *w);
/* Of two idem_recipe: -1 with a message naming both values if they differ in a field that may not change. With a
 * decaying rate the number of iterations may not change either. */
int idem_recipe_check_resume(const void *saved_recipe, const void *next_recipe);

/* -1 if `ranks` processes cannot share the batch evenly. */
int idem_recipe_check_ranks(const idem_recipe *r, int ranks);

#endif
