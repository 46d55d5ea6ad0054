/* The figures of a model on photographs of persons: cross pairs of different persons, composed, refined and measured as
 * drawn pairs are (evaluate.h), and their realism (realism.h), with the mapper's own answers beside them.
 * docs/evaluation.md says what each figure means.
 *
 *     idem_photo_figures *f = idem_photo_figures_new(m, "lfw", &(idem_photo_options){.pairs = 300, .refine = 25, ..});
 *     idem_photo_figures_run(f);
 *     json_t *report = idem_photo_figures_json(f);
 */
#ifndef IDEM_MEASURE_PHOTOGRAPHS_H
#define IDEM_MEASURE_PHOTOGRAPHS_H

#include <jansson.h>

#include "measure/evaluate.h"
#include "measure/realism.h"

typedef struct {
    int pairs, batch;
    int refine; /* steps (model/refine.h); 0: the mapper's own answers */
    uint64_t seed;
    const char *models; /* the folder of the downloaded networks; NULL: as base/models.h says */
    idem_plan_options plan;
    /* May be NULL. what: a word or two on what is done. */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t count);
    void (*bad)(void *user, const char *why); /* photographs left out */
    void *user;
} idem_photo_options;

typedef struct idem_photo_figures idem_photo_figures;

/* Reads the photographs: as many as pairs, or all if there are fewer; then each has its part in several pairs. */
idem_photo_figures *idem_photo_figures_new(idem_model *m, const char *dir, const idem_photo_options *o);
void idem_photo_figures_free(idem_photo_figures *f); /* NULL is allowed */

int idem_photo_figures_run(idem_photo_figures *f);

/* After run: idem_report_json's object and the figures of realism, "mapper_alone" with the report without refining, and
 * "photographs": {pictures, persons, left_out}. */
json_t *idem_photo_figures_json(const idem_photo_figures *f);
/* The first `most` pairs, unselected: identity, attributes, output side by side. */
int idem_photo_figures_sheet(const idem_photo_figures *f, int most, idem_image *page);

#endif
