/* Only for src/train/mapper: the state of a mapper's run beside its tensors, and its checkpoints. */
#ifndef IDEM_TRAIN_MAPPER_STATE_H
#define IDEM_TRAIN_MAPPER_STATE_H

#include "data/data.h"
#include "model/model.h"
#include "train/mapper/recipe.h"
#include "train/run_form.h"

typedef struct {
    idem_run_state run;
    int64_t evaluated; /* iteration of the last evaluation; -1: none yet */
    idem_data_cursor cursor;
    int64_t skipped_landmarks;
    char generator[65]; /* its hash; "": unknown */
} idem_mapper_state;

typedef struct {
    idem_recipe recipe;
    idem_mapper_state state;
} idem_mapper_saved;

extern const idem_run_form idem_mapper_form;

/* -1 if the run trains for another generator than m's. run: its folder. */
int idem_mapper_state_check(const idem_mapper_state *s, const char *run, const idem_model *m);
/* The newest checkpoint: 1 and both outputs, 0 if there is none, -1 (also if it is of another generator than m's).
 * Sets the run's recogniser and frame in m (idem_model_expect). m NULL: of any generator. */
int idem_mapper_state_load(const char *run, idem_weights **tensors, idem_mapper_saved *saved, idem_model *m);

#endif
