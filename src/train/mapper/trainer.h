/* Training of E_attr, M and D_W by the recipe `paper`: one forward pass an iteration, then up to three Adam steps in a
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

/* Texts are read while the trainer is made, and may go afterwards; `stop` and `user` must outlive it. */
typedef struct {
    const idem_world *world; /* the ranks that train together, each on its part of the batch; NULL: this process alone.
                                Rank 0 alone writes; callbacks are every rank's */
    const char *run;  /* folder, made when absent; NULL: nothing is written, only idem_trainer_step may be used */
    const char *data; /* folder in the published layout; NULL: pairs are drawn on the fly */
    const char *photographs; /* folder tree of photographs or aligned faces, by the recipe's share; NULL: none */
    const char *models;      /* the folder of the networks that find their faces; NULL: as base/models.h says */
    idem_attr_choice attr;   /* E_attr of a new mapper; what a mapper that is there already has to agree with */
    bool resume;             /* continue the newest checkpoint of `run`, or start if there is none */
    int threads;             /* 0: all cores, or the checkpoint's */
    bool profile, trap_nan;
    idem_second_opinion judge;         /* for evaluations; .describe NULL: none */
    const volatile sig_atomic_t *stop; /* nonzero: run saves a checkpoint and returns -1, "interrupted" */
    double deadline;                   /* idem_clock's: run then saves a checkpoint and returns 0; 0: none */
    void (*on_step)(void *user, const idem_train_report *r);
    /* The second of held-out photographs; NULL: the run has none. */
    void (*on_evaluation)(void *user, int64_t iteration, const idem_held_out_scores *s,
                          const idem_held_out_scores *photographs);
    void (*on_photographs)(void *user, size_t done, size_t count); /* while faces are looked for */
    void (*on_left_out)(void *user, const char *why);              /* a picture without a face, or that is none */
    void (*on_line)(void *user, const char *json);                 /* each line of metrics.jsonl */
    void *user;
} idem_trainer_setup;

/* The options of the run in folder `run`, for a command line that lets them be changed: 1 and *r filled, 0 when it has
 * no checkpoint. *threads: those it was started with, and computes with. The model is told which recogniser and frame
 * the run trains with (idem_model_expect). */
int idem_trainer_saved_recipe(const char *run, idem_model *m, idem_recipe *r, int *threads);

/* The model needs the frozen nets; a mapper it has already is trained further, else a fresh one is made by the seed. -1
 * also when `recipe` differs from the resumed run's in what may not change. */
idem_trainer *idem_trainer_new(idem_model *m, const idem_recipe *recipe, const idem_trainer_setup *setup);
void idem_trainer_free(idem_trainer *t); /* NULL is allowed */

/* One iteration in memory. An interrupted one leaves everything as it was. */
int idem_trainer_step(idem_trainer *t, idem_train_report *r);
/* The same on the caller's batch: pictures [B, S, S, 3] in [0, 1] (x_attr is not read in same-face iterations), real
 * codes [B, W]. The data's cursor stays where it is. */
int idem_trainer_step_on(idem_trainer *t, const float *x_id, const float *x_attr, const float *w_real,
                         idem_train_report *r);
/* All that is left of the recipe, with its lines, evaluations and checkpoints. */
int idem_trainer_run(idem_trainer *t);

int64_t idem_trainer_iteration(const idem_trainer *t); /* completed */
bool idem_trainer_resumed(const idem_trainer *t);      /* there was a checkpoint */
size_t idem_trainer_pictures(const idem_trainer *t);   /* training pictures of the data; 0: drawn on the fly */
int64_t idem_trainer_skipped_landmarks(const idem_trainer *t);
/* NULL: none are mixed in. */
const idem_photographs *idem_trainer_photographs(const idem_trainer *t);
size_t idem_trainer_plan_bytes(const idem_trainer *t);
size_t idem_trainer_state_bytes(const idem_trainer *t); /* weights and moments */
idem_plan *idem_trainer_plan(const idem_trainer *t, bool cross, bool adversarial);

#endif
