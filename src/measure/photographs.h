/* The figures of a model on photographs of persons: cross pairs of different persons, composed, refined and measured
 * like drawn pairs (evaluate.h), and their realism (realism.h), beside the mapper's answers without refinement.
 * docs/evaluation.md explains each figure.
 *
 *     idem_photo_figures *f = idem_photo_figures_new(m, "lfw", &(idem_photo_options){.pairs = 300, .refine = 25, ..});
 *     idem_photo_figures_run(f);
 *     json_t *report = idem_photo_figures_json(f); */
#ifndef IDEM_MEASURE_PHOTOGRAPHS_H
#define IDEM_MEASURE_PHOTOGRAPHS_H

#include <jansson.h>

#include "measure/evaluate.h"
#include "measure/realism.h"

typedef struct {
    int pairs, batch;
    int refine; /* steps (model/refine.h); 0: the mapper's answers */
    uint64_t seed;
    const char *models; /* the folder of the downloaded networks; NULL: as in base/models.h */
    idem_plan_options plan;
    idem_measure_share share; /* ranks that measure the same folder together, all of it; .ranks 1: this process alone */
    /* May be NULL. what: a word or two on the current work. */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t count);
    void (*bad)(void *user, const char *why); /* photographs left out */
    void *user;
} idem_photo_options;

typedef struct idem_photo_figures idem_photo_figures;

/* Reads the photographs: as many as pairs, or all if there are fewer; each is then in several pairs. */
idem_photo_figures *idem_photo_figures_new(idem_model *m, const char *dir, const idem_photo_options *o);
void idem_photo_figures_free(idem_photo_figures *f); /* NULL is allowed */

int idem_photo_figures_run(idem_photo_figures *f);

/* After run: idem_report_json's object and the figures of realism, "mapper_alone" with the report without refinement,
 * and "photographs": {pictures, persons, left_out}. */
json_t *idem_photo_figures_json(const idem_photo_figures *f);
/* A sheet of the first `most` pairs, unselected: identity, attributes, output. */
int idem_photo_figures_sheet(const idem_photo_figures *f, int most, idem_image *page);

#endif
