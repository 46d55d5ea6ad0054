/* How well people are hidden from somebody who has other pictures of them: figures from plain arrays, by one
 * recogniser. A probe is anonymised picture A; it is compared with another original B of the same person (a genuine
 * pair) and with originals of others. Thresholds come from pairs of originals of two persons, which an attacker has
 * too.
 *
 *     idem_anonymity_set s = {.person = person, .original = e, .anonymised = f, .n = n, .dim = 512};
 *     idem_anonymity a;
 *     if (idem_anonymity_of(&a, &s, 0.342, seed)) ...
 *
 * Pairs of one person depend on each other, so standard errors are those of persons (ratio estimator). The protocols
 * are those of the field: TAR at a FAR of 0.1 %; rank 1 among originals; share of matches lost; equal error rate;
 * nearest of all originals ("Re-ID"); anonymised pictures enrolled as the gallery ("parrot": Newton, Sweeney, Malin
 * 2005). */
#ifndef IDEM_MEASURE_ANONYMITY_H
#define IDEM_MEASURE_ANONYMITY_H

#include <stdint.h>

#include "measure/scores.h"

enum { IDEM_ANONYMITY_GALLERY = 100, IDEM_ANONYMITY_PERCENTILES = 6 };

/* Unit vectors [n, dim] of n pictures before and after; person[n]: any numbers, equal for pictures of one person. */
typedef struct {
    const int *person;
    const float *original, *anonymised;
    int n, dim;
} idem_anonymity_set;

/* Cosines; percentiles: 5, 25, 50, 75, 95, 100. */
typedef struct {
    idem_figure mean;
    double percentile[IDEM_ANONYMITY_PERCENTILES];
} idem_spread;
extern const int idem_anonymity_percentiles[IDEM_ANONYMITY_PERCENTILES];

typedef struct {
    int persons, with_another; /* persons with at least two pictures, who can be probed */
    int64_t genuine, impostor; /* ordered genuine pairs; impostor pairs of originals */
    idem_figure threshold; /* of the originals at FAR 0.1 %; needs 10,000 impostor pairs, as do figures that use it */
    idem_figure threshold_best;  /* of the highest accuracy on the originals' pairs */
    idem_figure tar_before, tar; /* share of genuine pairs above `threshold`: original A, anonymised A */
    idem_figure tar_known;       /* anonymised, at the threshold given by the caller */
    idem_figure rank1,
        rank1_100; /* B ranks before one original each of all others, or of 99 of them: the mean over all choices */
    idem_figure chance, chance_100;
    idem_figure rank1_before;    /* the first with original A */
    idem_figure reid;            /* A itself is the nearest of all n originals; chance 1 / n */
    idem_figure eer;             /* anonymised probes against originals; 0.5 is chance */
    idem_figure lost, lost_best; /* share of the genuine pairs above the threshold before that are not above it after,
                                    for both thresholds */
    idem_spread self, other;     /* cosines (anonymised A, original A), (anonymised A, original B) */
    idem_figure parrot_tar, parrot_rank1; /* anonymised B and others instead of originals */
} idem_anonymity;

/* known: a threshold of the recogniser, such as IDEM_FEATURE_THRESHOLD. -1: fewer than 2 persons, none with two
 * pictures, or numbers that are not finite. */
int idem_anonymity_of(idem_anonymity *a, const idem_anonymity_set *s, double known, uint64_t seed);

/* The rank-1 rate of the set's anonymised vectors, probes, against its originals, among `candidates` persons (B and
 * candidates - 1 others, one picture each, the mean over all choices of others); candidates 0: all. *chance: 1 / number
 * of candidates. */
idem_figure idem_anonymity_rank1(const idem_anonymity_set *s, int candidates, double *chance);

/* Share above a threshold of genuine pairs (anonymised A, original B) whose A has wanted[A] (NULL: all). */
idem_figure idem_anonymity_tar(const idem_anonymity_set *s, double threshold, const uint8_t *wanted);
/* The rank-1 rate of the wanted A among all. */
idem_figure idem_anonymity_rank1_of(const idem_anonymity_set *s, const uint8_t *wanted);

#endif
