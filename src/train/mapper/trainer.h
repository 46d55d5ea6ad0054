/* Training of E_attr, M and D_W by the recipe `paper`: one forward pass per iteration, then up to three Adam steps in a
 * fixed order.
 *
 *     idem_trainer *t = idem_trainer_new(m, &recipe, &(idem_trainer_setup){.run = "run1", .stop = &stop});
 *     int status = t ? idem_trainer_run(t) : -1;   // -1 "interrupted": a checkpoint was written, resume continues
 *     idem_trainer_free(t);
 *
 * RUN/ holds checkpoint-*.safetensors, mapper-start.safetensors (16-bit, before the first iteration),
 * mapper.safetensors (16-bit, after each evaluation and at the end),
 * metrics.jsonl, events/, samples/ and photographs.cache. A resumed run equals the uninterrupted one bit for bit on the
 * same machine. */
#ifndef IDEM_TRAIN_MAPPER_TRAINER_H
#define IDEM_TRAIN_MAPPER_TRAINER_H

#include <signal.h>

#include "measure/held_out.h"
#include "model/model.h"
#include "train/mapper/recipe.h"
#include "train/mapper/report.h"
#include "train/world.h"

typedef struct idem_trainer idem_trainer;

/* Texts are read only while the trainer is made; `stop` and `user` must outlive it. */
typedef struct {
    const idem_world *world; /* the ranks that train together, each on its part of the batch; NULL: only this process.
                                Only rank 0 writes; all ranks call callbacks */
    const char *run;  /* folder, created if missing; NULL: nothing is written, only idem_trainer_step may be used */
    const char *data; /* folder in the published layout; NULL: pairs are drawn on the fly */
    const char *photographs; /* folder tree of photographs or aligned faces, by the recipe's share; NULL: none */
    const char *models;      /* the folder of the networks that find their faces; NULL: as in base/models.h */
    idem_attr_choice attr;   /* E_attr of a new mapper; an existing mapper must agree with it */
    bool resume;             /* continue the newest checkpoint of `run`, or start if there is none */
    int threads;             /* 0: all cores, or the checkpoint's */
    bool profile, trap_nan;
    idem_second_opinion judge;         /* for evaluations; .describe NULL: none */
    const volatile sig_atomic_t *stop; /* nonzero: run saves a checkpoint and returns -1, "interrupted" */
    double deadline;                   /* idem_clock's: run then saves a checkpoint and returns 0; 0: none */
    void (*on_step)(void *user, const idem_train_report *r);
    /* The second report is of held-out photographs; NULL: the run has none. */
    void (*on_evaluation)(void *user, int64_t iteration, const idem_held_out_scores *s,
                          const idem_held_out_scores *photographs);
    void (*on_photographs)(void *user, size_t done, size_t count); /* during the search for faces */
    void (*on_left_out)(void *user, const char *why);              /* a picture without a face, or an unreadable one */
    void (*on_line)(void *user, const char *json);                 /* each line of metrics.jsonl */
    void *user;
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

int64_t idem_trainer_iteration(const idem_trainer *t); /* completed */
bool idem_trainer_resumed(const idem_trainer *t);      /* from a checkpoint */
size_t idem_trainer_pictures(const idem_trainer *t);   /* training pictures of the data; 0: drawn on the fly */
int64_t idem_trainer_skipped_landmarks(const idem_trainer *t);
/* NULL: none. */
const idem_photographs *idem_trainer_photographs(const idem_trainer *t);
size_t idem_trainer_plan_bytes(const idem_trainer *t);
size_t idem_trainer_state_bytes(const idem_trainer *t); /* weights and moments */
idem_plan *idem_trainer_plan(const idem_trainer *t, bool cross, bool adversarial);

#endif
