/* Verification: how well a score separates pairs of the same person from pairs of different persons. Figures from plain
 * arrays; a pair counts as the same person if its score is above a threshold. */
#ifndef IDEM_MEASURE_VERIFICATION_H
#define IDEM_MEASURE_VERIFICATION_H

#include <stdint.h>

#include "measure/scores.h"

/* Cosines exceeded by one in a thousand pairs of different persons: measured on 44,550 such pairs of photographs of 100
 * persons. */
#define IDEM_THRESHOLD_FAR 0.001
#define IDEM_FEATURE_THRESHOLD 0.342
#define IDEM_JUDGE_THRESHOLD 0.929
/* Mean cosines of the same pairs: s0 of S = (cos - s0) / (1 - s0) if there are no strangers to measure it on
 * (scores.h). */
#define IDEM_FEATURE_STRANGERS 0.010
#define IDEM_JUDGE_STRANGERS 0.840

typedef struct {
    int genuine, impostor;
    idem_figure accuracy; /* ten-fold: each fold is decided with the best threshold of the other nine; mean of the folds
                             and  its standard error; needs 10 pairs of either kind */
    idem_figure threshold;     /* best on all pairs; needs the same */
    double far;                /* the requested false accept rate */
    idem_figure tar;           /* true accept rate at it; needs 10 / far impostor pairs and 10 genuine ones */
    idem_figure far_threshold; /* the lowest threshold with at most this rate; needs the same */
} idem_verification;

/* score[n], same[n] (1: genuine). Fold of a pair: the k-th tenth of its kind, in the order given (LFW's own folds for a
 * list in LFW's order). -1: fewer than 2 pairs of either kind, or a score that is not finite. */
int idem_verification_of(idem_verification *v, const double *score, const uint8_t *same, int n, double far);

#endif
