/* Training of M by the recipe `summary`: pictures of a folder tree to codes z of a frozen generator.
 *
 * RUN/ holds checkpoint-*.safetensors, mapper.safetensors (16-bit), metrics.jsonl, events/ and samples/ (pictures above
 * their results). A resumed run equals the uninterrupted one bit for bit on the same machine. */
#ifndef IDEM_TRAIN_SUMMARY_TRAINER_H
#define IDEM_TRAIN_SUMMARY_TRAINER_H

#include "model/model.h"
#include "train/run.h"
#include "train/summary/recipe.h"

typedef struct idem_summary_trainer idem_summary_trainer;

typedef struct {
    int64_t iteration; /* completed, including this one */
    bool skipped;      /* a number was not finite */
    double loss, l_r, l_d, pixels, features, likeness;
} idem_summary_report;

/* Texts are read only while the trainer is made. */
typedef struct {
    idem_run_options run; /* .world NULL */
    const char *data;     /* folder; NULL: only step_on */
    void (*on_step)(void *user, const idem_summary_report *r);
    void (*on_bad)(void *user, const char *why); /* an unreadable picture, which is skipped; may be NULL */
} idem_summary_setup;

/* The options of the run in folder `run`: 1 and *r filled, 0 if it has no checkpoint. Sets the run's recogniser in the
 * model (idem_model_expect). */
int idem_summary_saved_recipe(const char *run, idem_model *m, idem_summary_recipe *r);

/* The model needs only its generator and recogniser (idem_model_load_recogniser). */
idem_summary_trainer *idem_summary_trainer_new(idem_model *m, const idem_summary_recipe *recipe,
                                               const idem_summary_setup *setup);
void idem_summary_trainer_free(idem_summary_trainer *t); /* NULL is allowed */

int idem_summary_trainer_step(idem_summary_trainer *t, idem_summary_report *r);
/* The same with the caller's pictures [B, S, S, 3] in [0, 1]; the position in the data is unchanged. */
int idem_summary_trainer_step_on(idem_summary_trainer *t, const float *x, idem_summary_report *r);
/* The rest of the recipe, with its lines, samples and checkpoints. */
int idem_summary_trainer_run(idem_summary_trainer *t);

const idem_run *idem_summary_trainer_about(const idem_summary_trainer *t); /* how far it is */
size_t idem_summary_trainer_bytes(const idem_summary_trainer *t);          /* of activations */

#endif
