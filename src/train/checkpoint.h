/* Checkpoints of a run: RUN/checkpoint-ITERATION.safetensors, float32, written aside and renamed. Tensors are weights
 * and moments; everything else is metadata (fields.h, state.h). The last two are kept. */
#ifndef IDEM_TRAIN_CHECKPOINT_H
#define IDEM_TRAIN_CHECKPOINT_H

#include <stdbool.h>

#include "format/weights.h"

/* 1 if the folder has any, readable or not; 0, or -1. */
int idem_checkpoint_any(const char *run);

/* Then removes all but the last two. */
int idem_checkpoint_save(const char *run, int64_t iteration, const idem_weights *tensors);

/* Removes that of iteration 0 if the run cannot begin; failures are ignored. */
void idem_checkpoint_drop_first(const char *run);

/* Reads a run's state from the metadata; -1: not a checkpoint of this kind of run. */
typedef int idem_checkpoint_reader(void *state, const idem_weights *tensors);

/* The newest readable checkpoint: 1 and the tensors, 0 if there is no such folder or it has none, -1. A damaged one is
 * skipped with a warning, and is the failure if there is no other. */
int idem_checkpoint_load(const char *run, idem_weights **tensors, idem_checkpoint_reader *read, void *state);

/* Before the graphs of a resumed run are built: those of ONNX models depend on the run's thread count. -1 if the caller
 * asked for another number (0: any). */
int idem_checkpoint_threads(int asked, int saved);
/* -1 unless a run goes on with the precision with which it began (engine/precision.h). */
int idem_checkpoint_precision(bool bf16, bool saved);

/* Sets metadata "run.data" of a run's tensors to `digest`, of its list of files; -1 if a resumed run was started with
 * another list. */
int idem_checkpoint_data(idem_weights *tensors, bool resumed, const char *dir, const char *digest);

/* The message of a stopped run: "interrupted" and how to continue. `saved`: the result of idem_checkpoint_save; if -1
 * its message is included. Always -1. */
int idem_checkpoint_stopped(const char *run, int64_t iteration, int saved);

#endif
