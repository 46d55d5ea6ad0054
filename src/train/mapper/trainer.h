/* Training of E_attr, M and D_W by the recipe `paper`: one forward pass per iteration, then up to three Adam steps in a
 * fixed order.
 *
 *     idem_trainer *t = idem_trainer_new(m, &recipe, &(idem_trainer_setup){.run = {"run1", .stop = &stop}});
 *     int status = t ? idem_trainer_run(t) : -1;   // -1 "interrupted": a checkpoint was written, resume continues
 *     idem_trainer_free(t);
 *
 * RUN/ holds checkpoint-*.safetensors, mapper-start.safetensors (16-bit, before the first iteration),
 * mapper.safetensors (16-bit, after each evaluation and at the end),
 * metrics.jsonl, events/, samples/ and photographs.cache. A resumed run equals the uninterrupted one bit for bit on the
 * same machine. */
#ifndef IDEM_TRAIN_MAPPER_TRAINER_H
#define IDEM_TRAIN_MAPPER_TRAINER_H

#include "measure/held_out.h"
#include "model/model.h"
#include "train/mapper/sources.h"
#include "train/mapper/report.h"

typedef struct idem_trainer idem_trainer;

/* Texts are read only while the trainer is made. */
typedef struct {
    idem_run_options run; /* without a folder only idem_trainer_step may be used */
    idem_mapper_sources sources;
    idem_attr_choice attr; /* E_attr of a new mapper; an existing mapper must agree with it */
    bool profile, trap_nan;
    idem_second_opinion judge; /* for evaluations; .describe NULL: none */
    void (*on_step)(void *user, const idem_train_report *r);
    /* The second report is of held-out photographs; NULL: the run has none. */
    void (*on_evaluation)(void *user, int64_t iteration, const idem_held_out_scores *s,
                          const idem_held_out_scores *photographs);
} idem_trainer_setup;

/* The options of the run in folder `run`, for a command line that may change them: 1 and *r filled, 0 if it has no
 * checkpoint. *threads: the run's thread count. Sets the run's recogniser and frame in the model (idem_model_expect).
 */
int idem_trainer_saved_recipe(const char *run, idem_model *m, idem_recipe *r, int *threads);

/* The model needs the frozen nets; an existing mapper is trained further, else a new one is made by the seed. NULL also
 * if `recipe` differs from the resumed run's in fields that may not change. */
idem_trainer *idem_trainer_new(idem_model *m, const idem_recipe *recipe, const idem_trainer_setup *setup);
void idem_trainer_free(idem_trainer *t); /* NULL is allowed */

/* One iteration in memory. An interrupted one changes nothing. */
int idem_trainer_step(idem_trainer *t, idem_train_report *r);
/* The same with the caller's batch: pictures [B, S, S, 3] in [0, 1] (x_attr is not read in same-face iterations), real
 * codes [B, W]. The data's cursor is unchanged. */
int idem_trainer_step_on(idem_trainer *t, const float *x_id, const float *x_attr, const float *w_real,
                         idem_train_report *r);
/* The rest of the recipe, with its lines, evaluations and checkpoints. */
int idem_trainer_run(idem_trainer *t);

const idem_run *idem_trainer_about(const idem_trainer *t);               /* how far it is */
const idem_photographs *idem_trainer_photographs(const idem_trainer *t); /* NULL: none */
idem_plan *idem_trainer_plan(const idem_trainer *t, bool cross, bool adversarial);

#endif
