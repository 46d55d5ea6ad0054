/* Realism: whether pictures composed from photographs still show faces, by networks that give refinement no gradient.
 * Beside identity and pose (evaluate.h) it shows whether a code was only fitted to satisfy recognisers.
 *
 *     idem_realism *r = idem_realism_new(m, NULL, 8, &IDEM_MEASURE_ALONE, NULL);
 *     idem_realism_run(r, &(idem_composed){people, n, attr, out, plain}, &report); */
#ifndef IDEM_MEASURE_REALISM_H
#define IDEM_MEASURE_REALISM_H

#include <jansson.h>

#include "measure/people.h"
#include "measure/scores.h"
#include "measure/share.h"
#include "model/model.h"

typedef struct {
    const idem_people *people;
    int n;              /* pairs */
    const int *attr;    /* [n]: pictures of people */
    const float *out;   /* [n, S, S, 3] in [0, 1]: the composed pictures */
    const float *plain; /* [n, S, S, 3]: the mapper's answers; NULL: `out` are these */
} idem_composed;

typedef struct {
    /* Share whose most probable expression is the attribute picture's, and another pair's. */
    idem_figure expression, expression_shuffled;
    /* Share in which the finder finds one face, within IDEM_WELL_FRAMED hundredths of the frame's side (align.h); of
     * the outputs, and of the cut attribute pictures. */
    idem_figure framed, framed_photographs;
    /* Mean gradient of the brightness in the blending zone (0 < mask < 1), divided by the photograph's there; 1: no
     * visible seam. Of the attribute pictures that were cut out of photographs. */
    idem_figure seam;
    const char *features; /* of the distances; owned by r */
    double frechet;       /* of the outputs to the attribute pictures, n of each */
    double frechet_plain; /* of the mapper's answers to them */
} idem_realism_report;

enum { IDEM_WELL_FRAMED = 8 };

typedef struct idem_realism idem_realism;

/* Opens the finder and an observer; models: the folder of their networks (idem_models_find). Ranks of a share look at
 * their parts, and all have all figures. */
idem_realism *idem_realism_new(idem_model *m, const char *models, int batch, const idem_measure_share *share,
                               const idem_plan_options *options);
void idem_realism_free(idem_realism *r); /* NULL is allowed */

/* Calls `measured` with the number of pictures done since the last call; 2 n altogether. */
void idem_realism_watch(idem_realism *r, void (*measured)(void *user, int pictures), void *user);

int idem_realism_run(idem_realism *r, const idem_composed *c, uint64_t seed, idem_realism_report *report);

/* Adds the figures to a report's object: {expression_agrees, one_well_framed_face, seam_gradient, frechet: {features,
 * n, distance, of_the_mapper_alone, ratio}, shuffled: {..}}. */
int idem_realism_put(json_t *to, const idem_realism_report *report);

#endif
