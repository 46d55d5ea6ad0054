/* The likeness of a place to the person who was there, by both recognisers; and hiding until neither matches. */
#ifndef IDEM_COMPOSE_LIKENESS_H
#define IDEM_COMPOSE_LIKENESS_H

#include "compose/hide.h"
#include "compose/studio.h"

/* Of vectors of unit length. */
double idem_unit_cosine(const float *a, const float *b, size_t n);

/* A person's vector, with this share, and another's, of unit length. A share below 0 leaves the other's weight at 1 and
 * moves it away from the person. */
void idem_unit_mix(float *to, const float *other, const float *person, double share, size_t n);

/* The person: landmarks (unit coordinates) and the recognisers' vectors. */
typedef struct {
    const float (*points)[2];
    const float *feature, *judge;
} idem_was;

typedef struct {
    double feature, judge; /* cosines */
    bool above;            /* one of them is above its threshold (verification.h) */
} idem_likeness;

int idem_likeness_measure(idem_studio *s, const idem_image *photo, const idem_was *was, idem_likeness *l);

/* Hides the region except the n of `but`, by `fallback`, and by stronger methods as long as a recogniser matches the
 * person. was NULL: the person is unknown, and l is unchanged. */
int idem_likeness_hide(idem_studio *s, idem_image *photo, const idem_region *region, idem_hiding fallback,
                       const idem_region *but, int n, const idem_was *was, idem_likeness *l);

#endif
