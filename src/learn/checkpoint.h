/* Checkpoints of a run: RUN/checkpoint-ITERATION.safetensors, float32, written aside and renamed. All tensors are those
 * of idem_model_trained (weights, moments); everything else is metadata. The last two are kept. */
#ifndef IDEM_LEARN_CHECKPOINT_H
#define IDEM_LEARN_CHECKPOINT_H

#include "format/weights.h"
#include "learn/data.h"
#include "learn/recipe.h"

enum { IDEM_RUN_SUMS = 8 };

/* What a run is beside its tensors. */
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

/* Writes `tensors` with the state and the generator's hash as metadata (set on `tensors`), then removes all but the
 * last two. */
int idem_checkpoint_save(const char *run, idem_weights *tensors, const idem_run_state *state, const char *generator);

/* The newest checkpoint that can be read: 1 and both outputs, 0 when the folder has none, -1. A damaged one is passed
 * over with a warning. */
int idem_checkpoint_load(const char *run, idem_weights **tensors, idem_run_state *state, const char *generator);

#endif
