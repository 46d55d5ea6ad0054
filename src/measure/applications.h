/* The paper's applications as pictures, of the first pairs of a source: every identity with every attribute picture;
 * interpolation between identities with fixed attributes, and between attributes with a fixed identity, in z (codes of
 * identity and attributes) and in W; one identity over a sequence. */
#ifndef IDEM_MEASURE_APPLICATIONS_H
#define IDEM_MEASURE_APPLICATIONS_H

#include "measure/pairs.h"
#include "media/image.h"

typedef enum {
    IDEM_APPLICATION_GRID,
    IDEM_APPLICATION_INTERPOLATION,
    IDEM_APPLICATION_SEQUENCE,
    IDEM_APPLICATIONS
} idem_application;

extern const char *const idem_application_captions[IDEM_APPLICATIONS];

/* pages [IDEM_APPLICATIONS], freed by the caller with idem_image_free; empty on failure. Needs 2 pairs. */
int idem_applications_draw(idem_image *pages, idem_model *m, idem_pairs *pairs, int batch,
                           const idem_plan_options *plan);

#endif
