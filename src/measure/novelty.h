/* Does a generator make new people? From unit vectors of a recogniser, by row: samples, portraits held out of training,
 * and the training pictures. S = (cos - s0) / (1 - s0), s0 the mean of strangers among the training pictures
 * (measure/scores.h). */
#ifndef IDEM_MEASURE_NOVELTY_H
#define IDEM_MEASURE_NOVELTY_H

#include <stdbool.h>
#include <stdint.h>

#include "measure/scores.h"

typedef struct {
    const float *plain, *mirrored; /* [n, D]: of the pictures, and of their mirror images, as training also mirrors */
    int n;
} idem_novelty_set;

typedef struct {
    int which; /* training picture */
    double s;
    bool mirrored;
} idem_nearest;

typedef struct {
    int n;
    idem_figure share;   /* share of the n (n - 1) / 2 pairs with a cosine above the threshold: needs 10 / far pairs */
    idem_figure nearest; /* S to the nearest training picture, of n */
    double nearest_most; /* the largest of them */
} idem_novelty_figures;

typedef struct {
    double strangers; /* s0 */
    idem_novelty_figures samples, portraits;
} idem_novelty;

/* nearest [samples.n]: of each sample; may be NULL. At least 2 rows of each; threshold: cosine exceeded by a share
 * `far` of pairs of different persons. */
int idem_novelty_of(idem_novelty *out, const idem_novelty_set *samples, const idem_novelty_set *portraits,
                    const float *training, int n_training, int dim, double threshold, double far, uint64_t seed,
                    idem_nearest *nearest);

/* The verdict whether pairs of samples exceed the threshold at most twice as often as pairs of portraits. */
idem_figure idem_novelty_varied(const idem_novelty *v);
/* The verdict whether samples are no nearer to the training pictures than portraits are. */
idem_figure idem_novelty_new(const idem_novelty *v);

#endif
