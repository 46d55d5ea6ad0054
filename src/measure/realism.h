/* Realism: whether pictures composed of photographs are still pictures of faces, told by what refining them gives no
 * gradient of. Beside identity and pose (evaluate.h) it is what shows that a code was fitted to please recognisers.
 *
 *     idem_realism *r = idem_realism_new(m, NULL, 8, NULL);
 *     idem_realism_run(r, &(idem_composed){people, n, attr, out, plain}, &report);
 */
#ifndef IDEM_MEASURE_REALISM_H
#define IDEM_MEASURE_REALISM_H

#include <jansson.h>

#include "measure/people.h"
#include "measure/scores.h"
#include "model/model.h"

typedef struct {
    const idem_people *people;
    int n;              /* pairs */
    const int *attr;    /* [n]: pictures of people */
    const float *out;   /* [n, S, S, 3] in [0, 1]: what was made of them */
    const float *plain; /* [n, S, S, 3]: the mapper's own answers; NULL: these are */
} idem_composed;

typedef struct {
    /* Share whose most probable expression is the attribute picture's, and another pair's. */
    idem_figure expression, expression_shuffled;
    /* Share in which the finder sees one face, and that in the frame (align.h) to a hundredth of its side times
     * IDEM_WELL_FRAMED; of the outputs, of the attribute pictures as they were cut. */
    idem_figure framed, framed_photographs;
    /* Mean gradient of the brightness where pasting blends (0 < mask < 1), over the photograph's there: 1 where nothing
     * shows. Of the attribute pictures that were cut out of photographs. */
    idem_figure seam;
    const char *features; /* of the distances; the report lives no longer than r */
    double frechet;       /* of the outputs to the attribute pictures, n of each */
    double frechet_plain; /* of the mapper's own answers to them */
} idem_realism_report;

enum { IDEM_WELL_FRAMED = 8 };

typedef struct idem_realism idem_realism;

/* Opens the finder and an observer; models: the folder of their networks (idem_models_find). */
idem_realism *idem_realism_new(idem_model *m, const char *models, int batch, const idem_plan_options *options);
void idem_realism_free(idem_realism *r); /* NULL is allowed */

/* Calls `measured` with the number of pictures done since the last call: 2 n in all. */
void idem_realism_watch(idem_realism *r, void (*measured)(void *user, int pictures), void *user);

int idem_realism_run(idem_realism *r, const idem_composed *c, uint64_t seed, idem_realism_report *report);

/* Adds the figures to a report's object: {expression_agrees, one_well_framed_face, seam_gradient, frechet: {features,
 * n, distance, of_the_mapper_alone, ratio}, shuffled: {..}}. */
int idem_realism_put(json_t *to, const idem_realism_report *report);

#endif
