/* The report of a measurement of anonymity: figures of both recognisers, attacks, utility and groups, as a struct and
 * as JSON (figures as in measure/figures.h). */
#ifndef IDEM_MEASURE_ANONYMITY_REPORT_H
#define IDEM_MEASURE_ANONYMITY_REPORT_H

#include <jansson.h>

#include "measure/anonymity.h"
#include "measure/anonymity_groups.h"
#include "measure/anonymity_utility.h"
#include "measure/features.h"

enum { IDEM_RECOGNISERS = 2, IDEM_ATTACKS = 2, IDEM_ATTACK_GALLERY = 50 };

typedef struct {
    idem_figure rank1; /* among IDEM_ATTACK_GALLERY persons, or all */
    double chance;
    idem_figure tar; /* at the threshold of originals */
} idem_learned;

typedef struct {
    int pictures, hidden;
    idem_anonymity by[IDEM_RECOGNISERS];
    int attack_pairs; /* 0: no attack was trained */
    idem_learned learned[IDEM_RECOGNISERS][IDEM_ATTACKS];
    idem_anonymity_utility utility;
    double frechet, frechet_halves; /* NaN: no features were given */
    const char *features;
    idem_group *groups;
    int n_groups;
} idem_anonymity_report;

/* train: pairs to train attacks on, or NULL. features: for Frechet distances, for pictures of side IDEM_ANONYMITY_SIDE,
 * or NULL. groups: from idem_anonymity_groups; the report frees them. */
int idem_anonymity_measure(idem_anonymity_report *r, const idem_anonymity_pictures *p,
                           const idem_anonymity_pictures *train, idem_features *features, uint64_t seed);
/* {pictures, hidden, recogniser: {...}, judge: {...}, utility: {...}, groups: [...], worst: {...}} */
json_t *idem_anonymity_json(const idem_anonymity_report *r);
void idem_anonymity_report_free(idem_anonymity_report *r);

#endif
