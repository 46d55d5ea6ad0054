/* Training of a StyleGAN2 generator on a folder of pictures.
 *
 *     idem_gan_trainer *t = idem_gan_trainer_new(&recipe, &(idem_gan_setup){.run = {"run1"}, .sources = {"pictures"}});
 *     int status = t ? idem_gan_trainer_run(t) : -1;   // -1 "interrupted": a checkpoint was saved
 *     idem_gan_trainer_free(t);
 *
 * RUN/ holds checkpoint-*.safetensors, generator.safetensors (the average, 16-bit), pictures.cache, metrics.jsonl,
 * events/ and samples/. A resumed run equals the uninterrupted one bit for bit on the same machine. */
#ifndef IDEM_TRAIN_GAN_TRAINER_H
#define IDEM_TRAIN_GAN_TRAINER_H

#include "engine/plan.h"
#include "train/gan/recipe.h"
#include "train/gan/report.h"
#include "train/gan/sources.h"
#include "train/run.h"

typedef struct idem_gan_trainer idem_gan_trainer;

/* Strings are read only while the trainer is made. */
typedef struct {
    idem_run_options run;
    idem_gan_sources sources;
    void (*on_step)(void *user, const idem_gan_report *r);
    void (*on_note)(void *user, const char *line); /* a setting that changed on resume; a distance */
} idem_gan_setup;

/* 1: *r is filled, 0: the folder has no checkpoint, -1: failed. */
int idem_gan_saved_recipe(const char *run, idem_gan_recipe *r);

idem_gan_trainer *idem_gan_trainer_new(const idem_gan_recipe *recipe, const idem_gan_setup *setup);
void idem_gan_trainer_free(idem_gan_trainer *t); /* NULL is allowed */

/* The remaining iterations of the recipe, with log lines, samples and checkpoints. */
int idem_gan_trainer_run(idem_gan_trainer *t);

const idem_run *idem_gan_trainer_about(const idem_gan_trainer *t); /* how far it is */
size_t idem_gan_trainer_bytes(const idem_gan_trainer *t);          /* of activations */

#endif
