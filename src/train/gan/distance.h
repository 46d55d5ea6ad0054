/* Inside src/train/gan only: the Frechet distance between samples of a run's generator and its training pictures. The
 * features of the training pictures are computed once and stored in a file of the run. Ranks share out the pictures. */
#ifndef IDEM_TRAIN_GAN_DISTANCE_H
#define IDEM_TRAIN_GAN_DISTANCE_H

#include "train/gan/data.h"
#include "train/gan/sampler.h"
#include "train/run.h"

typedef struct idem_gan_distance idem_gan_distance;

/* most: maximum number of samples and of training pictures. run must outlive it. */
idem_gan_distance *idem_gan_distance_new(const idem_gan_data *data, const idem_run *run, size_t most,
                                         const idem_plan_options *options);
void idem_gan_distance_free(idem_gan_distance *d); /* NULL is allowed */

/* Writes the distance of samples from fixed codes, not truncated, and of two random halves of the training pictures, as
 * a line of metrics.jsonl, and passes it to `note` as text, which may be NULL. All ranks call it. -1 also if
 * interrupted. */
int idem_gan_distance_write(idem_gan_distance *d, idem_gan_sampler *s, void (*note)(void *user, const char *line));

#endif
