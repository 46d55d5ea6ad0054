/* Only for src/train: how checkpoints store a kind of run. Weights and moments are tensors; the options of the recipe
 * (fields.h) and the state (state.h) are metadata. */
#ifndef IDEM_TRAIN_RUN_FORM_H
#define IDEM_TRAIN_RUN_FORM_H

#include "format/weights.h"
#include "train/fields.h"
#include "train/state.h"

enum { IDEM_RUN_SUMS = 8 };

/* The state of every run: the first member of each trainer's state. */
typedef struct {
    int threads, bf16;   /* results depend on them */
    uint64_t data_count; /* training pictures; 0: drawn on the fly, or unknown yet */
    int64_t iteration;   /* completed */
    int64_t shown;       /* pictures, for runs that count them */
    int64_t metrics_offset;
    int64_t skipped, skipped_in_a_row; /* iterations with a number that was not finite */
    double sum[IDEM_RUN_SUMS];         /* of the losses since the last line of metrics.jsonl */
    int64_t count[IDEM_RUN_SUMS];
} idem_run_state;

typedef struct {
    const idem_fields *recipe;
    size_t recipe_bytes;
    const idem_state_field *field; /* of a struct that begins with an idem_run_state */
    int fields;
    size_t state_bytes;
    int (*store)(const void *state, idem_weights *w); /* stores what the fields do not contain; may be NULL */
    int (*read)(void *state, const idem_weights *w);
} idem_run_form;

int idem_run_form_store(const idem_run_form *f, const void *state, const void *recipe, idem_weights *w);
/* -1: not a checkpoint of this kind of run, or damaged. */
int idem_run_form_read(const idem_run_form *f, void *state, void *recipe, const idem_weights *w);

int idem_run_form_save(const idem_run_form *f, const char *run, const void *state, const void *recipe, idem_weights *w);
/* The newest checkpoint: as idem_checkpoint_load. */
int idem_run_form_load(const idem_run_form *f, const char *run, void *state, void *recipe, idem_weights **w);

#endif
