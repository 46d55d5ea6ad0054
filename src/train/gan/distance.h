/* Inside src/train/gan only: the Frechet distance between samples of a run's generator and its training pictures. The
 * features of the training pictures are computed once and stored in a file of the run. Ranks share out the pictures. */
#ifndef IDEM_TRAIN_GAN_DISTANCE_H
#define IDEM_TRAIN_GAN_DISTANCE_H

#include <signal.h>

#include "measure/share.h"
#include "train/gan/data.h"
#include "train/gan/sampler.h"

typedef struct idem_gan_distance idem_gan_distance;

typedef struct {
    double distance, halves; /* halves: between two random halves of the training pictures */
    size_t n;                /* samples, and training pictures; n / 2 in each half */
    const char *features;
} idem_gan_measure;

/* most: maximum number of samples and of training pictures. file: the stored features, in the run's folder; NULL on
 * ranks above 0. */
idem_gan_distance *idem_gan_distance_new(const idem_gan_data *data, const char *file, size_t most,
                                         const idem_measure_share *share, const volatile sig_atomic_t *stop,
                                         const idem_plan_options *options);
void idem_gan_distance_free(idem_gan_distance *d); /* NULL is allowed */

/* With fixed codes, not truncated. Only rank 0 gets the distance. -1 also if interrupted. */
int idem_gan_distance_measure(idem_gan_distance *d, idem_gan_sampler *s, idem_gan_measure *m);

#endif
