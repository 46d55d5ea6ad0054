/* The figures of a report, from plain arrays. n pictures or pairs; embeddings are unit vectors [n, D]; landmarks are
 * the 51 inner points [n, 51, 2] in whole-picture units; pictures are [n, S, S, 3] in [0, 1], clipped.
 *
 * Raw cosines differ by recogniser, so identity is also given as S = (cos - s0) / (1 - s0), s0 the mean cosine of
 * strangers: 0 is a stranger, 1 the same picture. id_kept = S(id, out), attr_leak = S(attr, out). */
#ifndef IDEM_MEASURE_SCORES_H
#define IDEM_MEASURE_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A figure with its error and n. A figure with too small an n is invalid: reports then have null or "-" and the n that
 * it needs (measure/figures.h). */
typedef struct {
    double mean;
    double error;   /* standard error of the mean; NaN: unknown, as when n < 2 */
    int64_t n;      /* number of items of the mean */
    int64_t needs;  /* the least n for a valid figure; 0: not measured */
    const char *of; /* what n counts; NULL: pairs */
} idem_figure;

/* A verdict assumes normally distributed means with known errors. */
enum { IDEM_NEEDS_VERDICT = 30 };

/* needs 1. */
idem_figure idem_figure_of(const double *x, int n);
/* A share of 0 or 1 has no spread to estimate its error from: it gets the error of Laplace's rule, the standard
 * deviation of the beta distribution. */
idem_figure idem_figure_of_share(idem_figure f, int64_t trials);
/* Trials needed for a share of `rate`: ten expected events, 10 / rate. */
int64_t idem_needs_of_rate(double rate);
/* Whether it is valid: n >= needs >= 1. */
bool idem_figure_holds(const idem_figure *f);
double idem_figure_value(const idem_figure *f); /* the mean; NaN if invalid */

/* The verdict whether a <= b: mean 1 or 0. n: the smaller of both; needs: `least`, or more if a exceeds b by less than
 * two standard errors of the difference: the n at which the same difference would be two standard errors. */
idem_figure idem_figure_at_most(const idem_figure *a, const idem_figure *b, int64_t least);

/* Mean cosine of `pairs` random pairs of different rows, by seed: s0. n >= 2. */
double idem_score_strangers(const float *e, int n, int dim, int pairs, uint64_t seed);
/* The same for rows of different persons, person[n], with at least two persons. */
double idem_score_strangers_of(const float *e, const int *person, int n, int dim, int pairs, uint64_t seed);

typedef struct {
    idem_figure cos_id_out, cos_attr_out, cos_id_attr;
    idem_figure id_kept, attr_leak; /* S by strangers' mean s0 */
    double strangers;
} idem_identity_scores;
void idem_score_identity(idem_identity_scores *s, const float *id, const float *attr, const float *out, int n, int dim,
                         double strangers);

/* Share of outputs whose nearest source by cosine is the right one. Candidates are groups of `group` consecutive pairs;
 * remaining pairs at the end are compared with the last `group` sources. Chance is 1 / candidates. */
idem_figure idem_score_retrieval(const float *out, const float *id, int n, int dim, int group);
int idem_score_candidates(int n, int group); /* the smaller of both */
/* Among all sources; any of the same person counts as right. */
idem_figure idem_score_retrieval_of(const float *out, const float *id, const int *person, int n, int dim);

/* Mean distance of 51 points / distance of the outer eye corners in b (300-W's inter-ocular distance). */
idem_figure idem_score_nme(const float *a, const float *b, int n);
/* Mean squared error of the 102 numbers in units of a 160-pixel picture. */
idem_figure idem_score_landmark_mse160(const float *a, const float *b, int n);

/* Mean over pictures of the mean squared difference of their numbers. */
idem_figure idem_score_mse(const float *a, const float *b, int n, int size);
/* Mean over pictures of 10 log10(1 / MSE), MSE floored at 1e-10. */
idem_figure idem_score_psnr(const float *a, const float *b, int n, int size);
/* Mean |a - b| over the pixels with outside[S * S] 1; picture i of a compared with picture order[i] of b (NULL: i). */
idem_figure idem_score_colour(const float *a, const float *b, const int *order, int n, int size,
                              const uint8_t *outside);

/* Mean |a - b| in degrees over the pairs where |from - b| >= apart: the deviation of the result's yaw from the wanted
 * one, for sources that differ. */
idem_figure idem_score_yaw(const float *out, const float *want, const float *from, int n, double apart);

/* order[i] != i for all i: a seeded cyclic permutation, the control in which attribute pictures are shuffled. n >= 2.
 */
void idem_score_shuffle(int *order, int n, uint64_t seed);
/* Rows of x [n, width] in that order. */
void idem_score_reorder(float *out, const float *x, const int *order, int n, size_t width);

#endif
