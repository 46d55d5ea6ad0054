/* A study: the pairs of a source, composed by several methods (methods.h), and the figures of every pair (measures.h)
 * per method. idem report prints it. Pictures are not kept: a pair costs the vectors of its two pictures and a row of
 * numbers per method.
 *
 *     idem_study *s = idem_study_run(m, pairs, &(idem_study_options){.batch = 10, .seed = 1});
 *     idem_spread kept = idem_study_spread(s, 0, idem_measure_of(idem_study_about(s)->measures, 1, IDEM_M_ID_KEPT),
 * NULL); */
#ifndef IDEM_MEASURE_STUDY_H
#define IDEM_MEASURE_STUDY_H

#include <jansson.h>

#include "measure/pair_groups.h"
#include "measure/measures.h"
#include "measure/methods.h"
#include "measure/spread.h"
#include "measure/w_space.h"
#include "media/image.h"

enum { IDEM_STUDY_EXAMPLES = 6, IDEM_STUDY_CANDIDATES = 1000, IDEM_STUDY_FRECHET_LEAST = 4, IDEM_STUDY_ROWS_MAX = 32 };

typedef struct {
    int batch;
    uint64_t seed;
    double truncation; /* of the codes with which the mapper's are compared */
    const char *models, *inception;
    const idem_witness_file *witnesses;
    int n_witnesses;
    const int *refine; /* steps, one row each */
    int n_refine;
    const char *const *compare; /* files of mappers, one row each */
    int n_compare;
    const char *tables[2]; /* groups.csv of the identity and of the attribute pictures; NULL: none */
    idem_plan_options plan;
    void (*progress)(void *user, uint64_t done, uint64_t total); /* in pictures; a refined one counts as its steps */
    idem_pairs_told *told;                                       /* gets a line of text for display */
    void *user;
} idem_study_options;

/* One method. */
typedef struct {
    idem_method *method;
    struct idem_moments *features, *likeness[IDEM_RECOGNISERS_MAX]; /* of its outputs */
    float *values;                                                  /* [pairs, F] */
    float *plane;                                                   /* [pairs, 2] of methods with codes; else NULL */
    double seconds_per_picture;
    idem_figure frechet;                         /* to the attribute pictures; error NaN */
    idem_figure diversity[IDEM_RECOGNISERS_MAX]; /* mean cosine of pairs of outputs */
    idem_image examples[IDEM_STUDY_EXAMPLES];
} idem_study_row;

typedef struct idem_study idem_study;

/* Unusable pairs (unreadable; given pictures without a face) are reported and left out of `pairs`; at least 2 must
 * remain. The model and the pairs must outlive the study. */
idem_study *idem_study_run(idem_model *m, idem_pairs *pairs, const idem_study_options *options);
void idem_study_free(idem_study *s); /* NULL is allowed */

typedef struct {
    const idem_measures *measures;
    int pairs, rows;
    int left_out;              /* unusable pairs */
    int sources_without_face;  /* drawn ones, which count */
    const idem_study_row *row; /* [rows] */
    const idem_pair_groups *groups;
    const idem_observer *observer;
    const idem_w_space *codes;
    const idem_image (*examples)[2]; /* [examples]: the two sources */
    int n_examples;
    idem_figure source_diversity[IDEM_RECOGNISERS_MAX]; /* of the attribute pictures, for comparison */
    double seconds, truncation;
    uint64_t seed;
    bool drawn; /* the generator drew the pairs */
} idem_study_facts;
const idem_study_facts *idem_study_about(const idem_study *s);

/* Of a figure over all pairs, or over a group of them. */
idem_spread idem_study_spread(const idem_study *s, int row, int measure, const idem_pair_group *group);

#endif
