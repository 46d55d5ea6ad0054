/* New faces of no real person: codes sampled from the generator and their pictures. */
#ifndef IDEM_COMPOSE_SAMPLES_H
#define IDEM_COMPOSE_SAMPLES_H

#include "compose/studio.h"

typedef struct {
    uint64_t seed;
    double truncation; /* codes are pulled to their mean: 0: the mean face, 1: not at all */
    int cutoff;        /* number of truncated layers, from the first; -1: all */
} idem_sampler_options;

/* Faces first .. first + n - 1 of that seed, each a function of only the seed and its number: ws [n, L, W] and pictures
 * y [n, S, S, 3], which may overshoot [0, 1]; y may be NULL. n at most the studio's batch. */
int idem_samples(idem_studio *s, const idem_sampler_options *options, uint64_t first, int n, float *ws, float *y);

#endif
