/* Inside src/train/gan only: an iteration after its real pictures are loaded: a step of D, at intervals one on R1, a
 * step of G, at intervals one on path lengths, and the average. A step with a loss or gradient that is not finite is
 * skipped; the others are taken. */
#ifndef IDEM_TRAIN_GAN_ITERATION_H
#define IDEM_TRAIN_GAN_ITERATION_H

#include "model/average.h"
#include "train/gan/graph.h"
#include "train/gan/known.h"
#include "train/gan/state.h"
#include "train/gan/report.h"

/* The tensor that holds the mean path length, [1]. */
extern const char idem_gan_path_mean[];

typedef struct {
    const idem_gan_recipe *recipe;
    idem_gan_state *state; /* random counters and augmentation; the common part is only read */
    idem_gan_graph *graph;
    idem_weights *weights;
    idem_average *average;
    idem_gan_known *known; /* NULL without */
} idem_gan_iteration;

/* After -1 state and weights may have changed. */
int idem_gan_iterate(const idem_gan_iteration *t, idem_gan_report *r);

#endif
