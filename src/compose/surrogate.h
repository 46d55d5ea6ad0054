/* Surrogates: faces of nobody, drawn from the generator, that stand for persons in anonymised pictures. A surrogate is
 * a stranger to the person, by both recognisers, and as far from the surrogates in use as the farthest of
 * IDEM_SURROGATE_CANDIDATES is: the generator's faces cannot all be strangers to each other.
 *
 *     idem_surrogates *s = idem_surrogates_new(studio, seed);     // seed: 32 bytes, secret
 *     int i = idem_surrogates_choose(s, feature, judge);          // of the person it shall stand for
 *     const idem_surrogate *face = idem_surrogates_at(s, i);
 *
 * Who knows the seed knows the faces, so it comes from the system and stands in no output. */
#ifndef IDEM_COMPOSE_SURROGATE_H
#define IDEM_COMPOSE_SURROGATE_H

#include <stdint.h>

#include "compose/studio.h"
#include "nets/judge.h"

enum { IDEM_SURROGATE_CANDIDATES = 64, IDEM_SECRET = 32 };

typedef struct {
    const float *id;      /* code by E_id, of unit length: what a face is painted from */
    const float *feature; /* vectors of the recognisers, as of photographs */
    const float *judge;
} idem_surrogate;

typedef struct idem_surrogates idem_surrogates;

/* Random bytes of the system; -1: it has none. */
int idem_secret_draw(uint8_t *secret, size_t n);
/* Only for tests: a secret that anybody can derive. */
void idem_secret_of_test_seed(uint8_t secret[IDEM_SECRET], uint64_t seed);
/* HMAC-SHA256 (RFC 2104) of a message by a secret. */
void idem_secret_derive(uint8_t out[IDEM_SECRET], const uint8_t secret[IDEM_SECRET], const void *message, size_t n);

/* The studio must outlive it. NULL with a message: the generator has no mapping network, a network is missing. */
idem_surrogates *idem_surrogates_new(idem_studio *s, const uint8_t seed[IDEM_SECRET]);
void idem_surrogates_free(idem_surrogates *s); /* NULL is allowed */

/* One more in use: the number of it, from 0. feature, judge: vectors of whom it must be a stranger to; NULL: of
 * nobody. It depends on the seed, on how many were drawn before, and on those in use. -1: none of many candidates is a
 * stranger. */
int idem_surrogates_choose(idem_surrogates *s, const float *feature, const float *judge);
/* Candidates drawn so far. To go on from that number forgets those that wait to be chosen. */
uint32_t idem_surrogates_drawn(const idem_surrogates *s);
void idem_surrogates_set_drawn(idem_surrogates *s, uint32_t drawn);

int idem_surrogates_count(const idem_surrogates *s);
/* Valid until the next is chosen. */
idem_surrogate idem_surrogates_at(const idem_surrogates *s, int i);
/* Forgets the oldest, so that at most n are left; the others move up. */
void idem_surrogates_forget_first(idem_surrogates *s, int n);

/* Share of the pairs of those in use whose cosine is above the thresholds of verification, by E_id's recogniser and by
 * the judge; NaN: fewer than two. */
void idem_surrogates_alike(const idem_surrogates *s, double *feature, double *judge);

/* All numbers of those in use, to be kept and taken back: [count, width] floats. */
size_t idem_surrogates_width(const idem_surrogates *s);
void idem_surrogates_copy(const idem_surrogates *s, float *rows);
int idem_surrogates_take(idem_surrogates *s, const float *rows, int n);

#endif
