/* The recipe `paper`: every weight and rate of the method as one struct, and a table of its fields from which the
 * command line, the checkpoint and the check on resume are all made. */
#ifndef IDEM_LEARN_RECIPE_H
#define IDEM_LEARN_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"

typedef struct {
    uint64_t seed;
    int64_t iterations, batch;
    double rate, rate_adversarial, rate_critic; /* the last two are factors of the first */
    double weight_id, weight_landmark, weight_reconstruction, weight_adversarial, gamma;
    int64_t cross_every, adversarial_every;
    double mirror_identity; /* share of the same-face pairs */
    bool adversarial_halved;
    int64_t warmup; /* iterations */
    double decay;   /* share of the iterations */
    bool mean_bias;
    double ema; /* decay of the average of E_attr and M; 0: none */
    double truncation;
    int64_t log_every, eval_every, eval_pairs, checkpoint_every;
} idem_recipe;

typedef enum { IDEM_FIELD_SEED, IDEM_FIELD_COUNT, IDEM_FIELD_REAL, IDEM_FIELD_FLAG } idem_field_kind;

typedef struct {
    const char *name; /* as the option is called, without dashes in front */
    idem_field_kind kind;
    size_t offset;
    double low, high;   /* accepted range; unused for seeds and flags */
    const char *preset; /* the default, as text */
    bool may_change;    /* on resume */
    const char *help;
} idem_recipe_field;

extern const idem_recipe_field idem_recipe_fields[];
extern const int idem_recipe_field_count;

void idem_recipe_defaults(idem_recipe *r);
/* NULL, no message, when there is no such field. */
const idem_recipe_field *idem_recipe_find(const char *name);
/* From text; flags take 0 or 1. -1: not a number, or outside the field's range. */
int idem_recipe_set(idem_recipe *r, const idem_recipe_field *f, const char *text);
/* Exact text of a field's value into text[32]; returns text. */
const char *idem_recipe_get(const idem_recipe *r, const idem_recipe_field *f, char text[32]);

/* Metadata "option.NAME". load: an option the file does not know has its default (it is of an
 * earlier program); -1: no recipe, or a value that is not valid. */
int idem_recipe_store(const idem_recipe *r, idem_weights *w);
int idem_recipe_load(idem_recipe *r, const idem_weights *w);
/* -1, naming both values, when `next` differs from `saved` in a field that may not change. With a decaying rate the
 * number of iterations may not change either. */
int idem_recipe_check_resume(const idem_recipe *saved, const idem_recipe *next);

#endif
