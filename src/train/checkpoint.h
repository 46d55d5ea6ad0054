/* Checkpoints of a run: RUN/checkpoint-ITERATION.safetensors, float32, written aside and renamed. Tensors are weights
 * and moments; everything else is metadata (fields.h, state.h). The last two are kept. */
#ifndef IDEM_TRAIN_CHECKPOINT_H
#define IDEM_TRAIN_CHECKPOINT_H

#include <stdbool.h>

#include "format/weights.h"

/* 1 when there are any in the folder, readable or not; 0, or -1. */
int idem_checkpoint_any(const char *run);

/* Then removes all but the last two. */
int idem_checkpoint_save(const char *run, int64_t iteration, const idem_weights *tensors);

/* Removes that of iteration 0, when the run cannot begin after all; a failure does not matter. */
void idem_checkpoint_drop_first(const char *run);

/* Takes a run's state from the metadata; -1: not a checkpoint of this kind of run. */
typedef int idem_checkpoint_reader(void *state, const idem_weights *tensors);

/* The newest checkpoint that can be read: 1 and the tensors, 0 when there is no such folder or nothing in it, -1. A
 * damaged one is passed over with a warning, and stays the failure if there is no other. */
int idem_checkpoint_load(const char *run, idem_weights **tensors, idem_checkpoint_reader *read, void *state);

/* Before the graphs of a run that goes on are built: those of ONNX models are built for so many threads as the run was
 * started with. -1 when the command line asked for another number (0: for none). */
int idem_checkpoint_threads(int asked, int saved);

/* Metadata "run.data" of a run's tensors becomes `digest`, of its list of files; -1 when a resumed run was started on
 * another list. */
int idem_checkpoint_data(idem_weights *tensors, bool resumed, const char *dir, const char *digest);

/* The message of a run that was stopped, "interrupted" and how to go on. `saved`: what idem_checkpoint_save gave; if -1
 * its message is part of this one. Always -1. */
int idem_checkpoint_stopped(const char *run, int64_t iteration, int saved);

#endif
