/* Training of a StyleGAN2 generator on a folder of pictures.
 *
 *     idem_gan_trainer *t = idem_gan_trainer_new(&recipe, &(idem_gan_setup){.run = "run1", .data = "pictures"});
 *     int status = t ? idem_gan_trainer_run(t) : -1;   // -1 "interrupted": a checkpoint was saved
 *     idem_gan_trainer_free(t);
 *
 * RUN/ holds checkpoint-*.safetensors, generator.safetensors (the average, 16-bit), pictures.cache, metrics.jsonl,
 * events/ and samples/. A resumed run equals the uninterrupted one bit for bit on the same machine. */
#ifndef IDEM_TRAIN_GAN_TRAINER_H
#define IDEM_TRAIN_GAN_TRAINER_H

#include <signal.h>

#include "engine/plan.h"
#include "train/gan/recipe.h"
#include "train/gan/report.h"
#include "train/world.h"

typedef struct idem_gan_trainer idem_gan_trainer;

/* Strings are read only while the trainer is made; `stop` and `user` must outlive it. */
typedef struct {
    const idem_world *world; /* the ranks; NULL: only this process */
    const char *run, *data;  /* folders */
    const char *start;       /* generator with the initial weights of a new run; NULL: random */
    const char *mapper;      /* of that generator: computes the codes for recipe.rebuild; NULL: the run has them */
    bool resume;             /* continue the newest checkpoint of `run`, or start if there is none */
    int threads;             /* 0: all cores, or the checkpoint's */
    const volatile sig_atomic_t *stop; /* of any rank; tested between iterations */
    double deadline;                   /* by idem_clock: run then saves a checkpoint and returns 0; 0: none */
    void (*on_cache)(void *user, size_t done, size_t count);
    void (*on_codes)(void *user, size_t done, size_t count);
    void (*on_bad)(void *user, const char *why); /* an unreadable picture, left out; may be NULL */
    void (*on_step)(void *user, const idem_gan_report *r);
    void (*on_note)(void *user, const char *line); /* an option that changed on resume; a distance */
    void (*on_line)(void *user, const char *json); /* each line of metrics.jsonl */
    void *user;
} idem_gan_setup;

/* 1: *r is filled, 0: the folder has no checkpoint, -1: failed. */
int idem_gan_saved_recipe(const char *run, idem_gan_recipe *r);

idem_gan_trainer *idem_gan_trainer_new(const idem_gan_recipe *recipe, const idem_gan_setup *setup);
void idem_gan_trainer_free(idem_gan_trainer *t); /* NULL is allowed */

/* One iteration, without files. */
int idem_gan_trainer_step(idem_gan_trainer *t, idem_gan_report *r);
/* The remaining iterations of the recipe, with log lines, samples and checkpoints. */
int idem_gan_trainer_run(idem_gan_trainer *t);

bool idem_gan_trainer_resumed(const idem_gan_trainer *t);       /* from a checkpoint */
size_t idem_gan_trainer_state_bytes(const idem_gan_trainer *t); /* weights and moments */
int64_t idem_gan_trainer_shown(const idem_gan_trainer *t);      /* pictures */
size_t idem_gan_trainer_count(const idem_gan_trainer *t);       /* training pictures */
size_t idem_gan_trainer_bytes(const idem_gan_trainer *t);       /* of activations */
const idem_weights *idem_gan_trainer_weights(const idem_gan_trainer *t);

#endif
