/* Inside src/train/mapper only: what a mapper's run is beside its tensors, and its checkpoints. */
#ifndef IDEM_TRAIN_MAPPER_STATE_H
#define IDEM_TRAIN_MAPPER_STATE_H

#include "data/data.h"
#include "model/model.h"
#include "train/mapper/recipe.h"

enum { IDEM_RUN_SUMS = 8 };

typedef struct {
    idem_recipe recipe;
    int threads;         /* results depend on it */
    uint64_t data_count; /* pictures of the folder; 0: on the fly */
    int64_t iteration;   /* completed */
    int64_t evaluated;   /* iteration of the last evaluation; -1: none yet */
    idem_data_cursor cursor;
    int64_t metrics_offset; /* bytes of metrics.jsonl */
    /* running sums of the numbers since the last line of metrics.jsonl */
    double sum[IDEM_RUN_SUMS];
    int64_t count[IDEM_RUN_SUMS];
    int64_t skipped_landmarks, skipped_steps, skipped_in_a_row;
} idem_run_state;

/* Writes a checkpoint of the tensors of idem_model_trained with the state and the generator's hash. */
int idem_run_state_save(const char *run, idem_weights *tensors, const idem_run_state *state, const char *generator);
/* An idem_run_state out of the metadata; -1: not the checkpoint of such a run. */
int idem_run_state_read(void *state, const idem_weights *tensors);
/* The newest checkpoint: 1 and both outputs, 0 when there is none, -1 (also when it is of another generator
 * than m's; NULL: of any). */
int idem_run_state_load(const char *run, idem_weights **tensors, idem_run_state *state, const idem_model *m);

#endif
