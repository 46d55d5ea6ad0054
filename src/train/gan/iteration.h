/* Inside src/train/gan only: what an iteration does once its real pictures are there: a step of D, now and then one on
 * R1, a step of G, now and then one on path lengths, and the average. Each is taken by itself: one whose numbers are
 * not finite is left out. */
#ifndef IDEM_TRAIN_GAN_ITERATION_H
#define IDEM_TRAIN_GAN_ITERATION_H

#include "model/average.h"
#include "train/gan/graph.h"
#include "train/gan/known.h"
#include "train/gan/state.h"
#include "train/gan/report.h"

/* The tensor of runs with path lengths that holds their mean, [1]. */
extern const char idem_gan_path_mean[];

typedef struct {
    const idem_gan_recipe *recipe;
    idem_gan_state *state; /* what was drawn, and the augmentation; the common part is only read */
    idem_gan_graph *graph;
    idem_weights *weights;
    idem_average *average;
    idem_gan_known *known; /* NULL without */
} idem_gan_iteration;

/* -1: something may have changed. */
int idem_gan_iterate(const idem_gan_iteration *t, idem_gan_report *r);

#endif
