/* Pictures before and after anonymising: for each pair the largest face of the original and the face at its place
 * afterwards. If no face is found there any more, the recognisers see the place by the original's landmarks, as an
 * attacker who knows it would do. */
#ifndef IDEM_MEASURE_ANONYMITY_PICTURES_H
#define IDEM_MEASURE_ANONYMITY_PICTURES_H

#include <stdbool.h>

#include "face/expression.h"
#include "face/landmarks.h"
#include "nets/judge.h"

enum { IDEM_BEFORE, IDEM_AFTER, IDEM_ANONYMITY_SIDE = 128 };

typedef struct {
    char *name; /* without folders */
    int person;
    bool hidden;  /* no face was found at the original's place; the following fields are then the original's twice */
    double width; /* of the original's face, pixels: the detector's box */
    float points[2][IDEM_POINTS][2]; /* before, after; in the original's frame (face/align.h) */
    float pose[2][3];                /* yaw, pitch, roll in degrees */
    float expression[2][IDEM_EXPRESSIONS];
} idem_anonymity_picture;

typedef struct {
    idem_anonymity_picture *at;
    float *feature[2], *judge[2]; /* [n, dim], [n, IDEM_JUDGE_DIM] before and after: unit vectors */
    uint8_t *aligned[2];          /* [n, IDEM_ANONYMITY_SIDE ^ 2, 3]: in the original's frame */
    int n, dim;
    int capacity; /* private */
} idem_anonymity_pictures;
void idem_anonymity_pictures_free(idem_anonymity_pictures *p);

typedef struct idem_anonymity_reader idem_anonymity_reader;

/* models: as in idem_models_find. codes: only vectors are computed. NULL with a message. */
idem_anonymity_reader *idem_anonymity_reader_new(const char *models, bool codes, const idem_plan_options *options);
void idem_anonymity_reader_free(idem_anonymity_reader *r); /* NULL is allowed */

/* Reads a further pair. -1 of the kind IDEM_INPUT: a file is unreadable, or the original shows no face; nothing is
 * added. */
int idem_anonymity_read(idem_anonymity_reader *r, idem_anonymity_pictures *p, const char *original,
                        const char *anonymised, int person);

#endif
