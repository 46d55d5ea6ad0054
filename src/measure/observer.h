/* The observer: the outputs of all networks on pictures in a generator's frame, batch by batch. Recogniser 0 is the one
 * of training, 1 the judge, the others are witnesses named by the caller; none of them gives a gradient here.
 *
 *     idem_observer *o = idem_observer_new(m, &(idem_observer_options){.batch = 8, .whole = true});
 *     idem_seen s;
 *     idem_seen_new(&s, o, n, true);
 *     idem_observer_run(o, n, pictures, &s, 0); */
#ifndef IDEM_MEASURE_OBSERVER_H
#define IDEM_MEASURE_OBSERVER_H

#include "measure/share.h"
#include "measure/witness.h"
#include "model/model.h"

enum { IDEM_RECOGNISERS_MAX = 8, IDEM_EXPRESSIONS = 7, IDEM_POINT_NUMBERS = 2 * IDEM_LANDMARKS };
enum { IDEM_RECOGNISER_TRAIN, IDEM_RECOGNISER_JUDGE, IDEM_RECOGNISER_WITNESS };

/* Names of the classes of fr_expression, in the order of its logits. */
extern const char *const idem_expressions[IDEM_EXPRESSIONS];

typedef struct {
    const char *path;
    const char *preprocess; /* face/recogniser.h; NULL: the network's */
} idem_witness_file;

typedef struct {
    const char *models; /* the folder of the downloaded networks; NULL: as in base/models.h */
    int batch;          /* 1 or more */
    bool whole;         /* also expression, whether a face is found, and features; else these stay NULL */
    bool no_features;   /* with whole: leaves out the features and their network */
    const char
        *inception; /* with whole: weights of the published FID's InceptionV3 for the features; NULL: MobileNetV2 */
    const idem_witness_file *witnesses; /* at most IDEM_RECOGNISERS_MAX - 2 */
    int n_witnesses;
    idem_plan_options plan;
} idem_observer_options;

typedef struct idem_observer idem_observer;

/* m needs its frozen networks and must outlive the observer. */
idem_observer *idem_observer_new(idem_model *m, const idem_observer_options *options);
void idem_observer_free(idem_observer *o); /* NULL is allowed */

typedef struct {
    char key[32];     /* "train", "judge", "witness", "witness2", ... */
    const char *name; /* displayed name: the file's name */
    int dim;          /* of its unit vectors */
} idem_observer_recogniser;
int idem_observer_recognisers(const idem_observer *o);
const idem_observer_recogniser *idem_observer_about(const idem_observer *o, int recogniser);
const char *idem_observer_features_name(const idem_observer *o);
size_t idem_observer_features_width(const idem_observer *o);  /* 0 without features */
const uint8_t *idem_observer_outside(const idem_observer *o); /* [S, S]: 1 outside the face */
idem_plan *idem_observer_plan(const idem_observer *o);        /* to share its buffer */

/* Observations of n pictures. */
typedef struct {
    int n;
    float *id[IDEM_RECOGNISERS_MAX]; /* [n, dim] */
    float *points;                   /* [n, 51, 2] in whole-picture units */
    float *pose;                     /* [n, 3]: yaw, pitch, roll in degrees */
    float *expression;               /* [n, 7]: probabilities */
    uint8_t *face;                   /* [n]: the detector finds a face */
    float *features;                 /* [n, D] */
} idem_seen;
/* features false: features are not stored or computed. */
int idem_seen_new(idem_seen *s, const idem_observer *o, int n, bool features);
void idem_seen_free(idem_seen *s);
/* Copies rows from .. from + n - 1 to rows at `to`, except features. */
void idem_seen_copy(const idem_observer *o, idem_seen *into, int to, const idem_seen *s, int from, int n);

/* Rows of the first n pictures, of which each of several ranks sees its own: 0 before, all of them after. Without
 * faces. */
void idem_seen_clear(const idem_observer *o, idem_seen *s, int n);
int idem_seen_join(const idem_observer *o, idem_seen *s, int n, const idem_measure_share *share);

/* pictures [n, S, S, 3] in [0, 1] -> rows at .. at + n - 1. -1: interrupted, or numbers that are not finite. */
int idem_observer_run(idem_observer *o, int n, const float *pictures, idem_seen *s, int at);
/* The same without features, and only by the training recogniser and the landmark network. */
int idem_observer_look(idem_observer *o, int n, const float *pictures, idem_seen *s, int at);
int idem_observer_glance(idem_observer *o, int n, const float *pictures, idem_seen *s, int at);
/* MS-SSIM of n pairs of pictures; NaN if the side is below 11 (model/msssim.h). Only with whole. */
int idem_observer_msssim(idem_observer *o, int n, const float *x, const float *y, float *msssim);

#endif
