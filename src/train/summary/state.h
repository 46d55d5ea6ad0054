/* Only for src/train/summary: the state of a run of the recipe `summary` beside its tensors. */
#ifndef IDEM_TRAIN_SUMMARY_STATE_H
#define IDEM_TRAIN_SUMMARY_STATE_H

#include "train/run_form.h"
#include "train/summary/recipe.h"

enum { IDEM_SUMMARY_SUMS = 6 };

typedef struct {
    idem_run_state run;
    int64_t sampled; /* iteration of the last samples; -1: none yet */
} idem_summary_state;

extern const idem_run_form idem_summary_form;

#endif
