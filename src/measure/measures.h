/* The figures of a pair, as the paper and its followers print them: a table of names, units and directions, and a row
 * of numbers per pair. Computed from plain arrays, so that tests can check them. R: recognisers, F: figures.
 *
 *     idem_measures *m = idem_measures_new(&about);
 *     float row[IDEM_MEASURES_MAX];
 *     idem_measures_cross(m, i, &seen, at, out, attributes, row); */
#ifndef IDEM_MEASURE_MEASURES_H
#define IDEM_MEASURE_MEASURES_H

#include <stdbool.h>

#include "measure/observer.h"

typedef enum { IDEM_NEITHER, IDEM_HIGHER, IDEM_LOWER } idem_better;

/* Per recogniser, then of all pairs, then of one picture on both sides. */
enum {
    IDEM_M_COS_ID_OUT,
    IDEM_M_COS_ATTR_OUT,
    IDEM_M_COS_ID_ATTR,
    IDEM_M_ID_KEPT,
    IDEM_M_ATTR_LEAK,
    IDEM_M_SCORE,
    IDEM_M_TOP1,
    IDEM_M_TOP5,
    IDEM_M_SAME_COS,
    IDEM_M_OF_RECOGNISER
};
enum {
    IDEM_M_YAW,
    IDEM_M_PITCH,
    IDEM_M_ROLL,
    IDEM_M_POSE_MEAN,
    IDEM_M_POSE_L2,
    IDEM_M_EXPRESSION_AGREES,
    IDEM_M_EXPRESSION_L2,
    IDEM_M_EXPRESSION_LANDMARKS,
    IDEM_M_NME,
    IDEM_M_LANDMARK_MSE160,
    IDEM_M_COLOUR,
    IDEM_M_STRUCTURE,
    IDEM_M_NO_FACE,
    IDEM_M_W_DISTANCE,
    IDEM_M_SAME_RMSE,
    IDEM_M_SAME_PSNR,
    IDEM_M_SAME_MSSSIM,
    IDEM_M_SAME_EXPRESSION_L2,
    IDEM_M_SAME_EXPRESSION_LANDMARKS,
    IDEM_M_SAME_POSE_L2,
    IDEM_M_OF_ALL
};
enum { IDEM_MEASURES_MAX = IDEM_RECOGNISERS_MAX * IDEM_M_OF_RECOGNISER + IDEM_M_OF_ALL };

typedef struct {
    char key[64];      /* "judge.id_kept", "pose_l2" */
    const char *group; /* "identity", "pose", "expression", "landmarks", "around the face", "reconstruction" ... */
    const char *label; /* for people */
    const char *unit;  /* "" */
    idem_better better;
    bool share;     /* numbers are 0 or 1 */
    int64_t needs;  /* least n for its mean */
    int digits;     /* decimals worth printing */
    int recogniser; /* -1: none */
} idem_measure;

/* Data shared by all pairs; arrays are borrowed. */
typedef struct {
    int recognisers, dim[IDEM_RECOGNISERS_MAX];
    const char *key[IDEM_RECOGNISERS_MAX];
    int n, candidates;                      /* pairs; number of sources for retrieval (pair_scores.h) */
    const idem_seen *id, *attr;             /* of all n pairs */
    int size;                               /* S */
    const uint8_t *outside;                 /* [S, S] */
    double strangers[IDEM_RECOGNISERS_MAX]; /* s0 of each */
} idem_measures_about;

typedef struct {
    idem_measures_about about;
    int n; /* F */
    idem_measure table[IDEM_MEASURES_MAX];
} idem_measures;

void idem_measures_make(idem_measures *m, const idem_measures_about *about);
/* Places in a row. */
int idem_measure_of(const idem_measures *m, int recogniser, int which); /* IDEM_M_COS_ID_OUT .. */
int idem_measure_of_all(const idem_measures *m, int which);             /* IDEM_M_YAW .. */

/* Sets a row [F] to NaN. */
void idem_measures_clear(const idem_measures *m, float *row);
/* Figures of pair i: from the observations of its picture (row `at`), the picture and the attribute picture [S, S, 3].
 * -1: out of memory. */
int idem_measures_cross(const idem_measures *m, int i, const idem_seen *out, int at, const float *x_out,
                        const float *x_attr, float *row);
/* Figures of the identity picture of pair i on both sides: from the observations of the composed picture. */
void idem_measures_same(const idem_measures *m, int i, const idem_seen *out, int at, const float *x_out,
                        const float *x_id, float msssim, float *row);

#endif
