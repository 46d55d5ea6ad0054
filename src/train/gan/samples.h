/* Sample files of generator training: a grid of fixed codes, rows of interpolations between two codes, and the averaged
 * generator. */
#ifndef IDEM_TRAIN_GAN_SAMPLES_H
#define IDEM_TRAIN_GAN_SAMPLES_H

#include "train/gan/recipe.h"
#include "train/gan/sampler.h"
#include "train/run.h"

typedef struct {
    idem_run *run;
    const idem_gan_recipe *recipe;
    idem_gan_sampler *sampler;
} idem_gan_samples;

/* RUN/samples/grid-SHOWN.png and strip-SHOWN.png, also as events, and RUN/generator.safetensors, by rank 0. 0 or -1. */
int idem_gan_samples_write(const idem_gan_samples *s);

#endif
