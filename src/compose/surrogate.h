/* Surrogates: faces of nobody, drawn from the generator, that replace persons in anonymised pictures. A surrogate is a
 * stranger to the person, by both recognisers, and of IDEM_SURROGATE_CANDIDATES candidates the one farthest from the
 * surrogates in use: the generator's faces cannot all be strangers to each other.
 *
 *     idem_surrogates *s = idem_surrogates_new(studio, seed);     // seed: 32 bytes, secret
 *     int i = idem_surrogates_choose(s, feature, judge);          // of the person that it replaces
 *     const idem_surrogate *face = idem_surrogates_at(s, i);
 *
 * The seed determines the faces, so it is random and in no output. */
#ifndef IDEM_COMPOSE_SURROGATE_H
#define IDEM_COMPOSE_SURROGATE_H

#include <stdint.h>

#include "compose/ranks.h"
#include "compose/studio.h"
#include "nets/judge.h"

enum { IDEM_SURROGATE_CANDIDATES = 64, IDEM_SECRET = 32 };

typedef struct {
    const float *id;      /* code by E_id, of unit length, for painting */
    const float *feature; /* vectors of the recognisers, as for photographs */
    const float *judge;
} idem_surrogate;

typedef struct idem_surrogates idem_surrogates;

/* The system's random bytes; -1: not available. */
int idem_secret_draw(uint8_t *secret, size_t n);
/* Only for tests: a secret that anybody can derive. */
void idem_secret_of_test_seed(uint8_t secret[IDEM_SECRET], uint64_t seed);
/* HMAC-SHA256 (RFC 2104) of a message by a secret. */
void idem_secret_derive(uint8_t out[IDEM_SECRET], const uint8_t secret[IDEM_SECRET], const void *message, size_t n);

/* The studio must outlive it. NULL with a message: the generator has no mapping network, a network is missing. */
idem_surrogates *idem_surrogates_new(idem_studio *s, const uint8_t seed[IDEM_SECRET]);
void idem_surrogates_free(idem_surrogates *s); /* NULL is allowed */

/* Chooses a further surrogate; returns its number, from 0. feature, judge: vectors of the person to whom it must be a
 * stranger; may be NULL. Depends on the seed, the number drawn before, and those in use. -1: none of many candidates is
 * a stranger. */
int idem_surrogates_choose(idem_surrogates *s, const float *feature, const float *judge);
/* Number of candidates drawn so far. Setting it drops waiting candidates. */
uint32_t idem_surrogates_drawn(const idem_surrogates *s);
void idem_surrogates_set_drawn(idem_surrogates *s, uint32_t drawn);

/* From now on these ranks choose together, the same surrogates with the same vectors, and share out the drawing of
 * candidates. It must outlive the surrogates. NULL: none. */
void idem_surrogates_set_ranks(idem_surrogates *s, idem_rank_table *ranks);
/* n more are likely to be chosen: ranks that share out drawing draw the candidates for all of them at once. */
int idem_surrogates_expect(idem_surrogates *s, int n);

int idem_surrogates_count(const idem_surrogates *s);
/* Valid until the next is chosen. */
idem_surrogate idem_surrogates_at(const idem_surrogates *s, int i);
/* Drops the oldest, so that at most n remain; the others move up. */
void idem_surrogates_forget_first(idem_surrogates *s, int n);

/* Share of the pairs in use with a cosine above the thresholds of verification, by E_id's recogniser and by the judge;
 * NaN: fewer than two. */
void idem_surrogates_alike(const idem_surrogates *s, double *feature, double *judge);

/* All surrogates in use, for storing and restoring: [count, width] floats. */
size_t idem_surrogates_width(const idem_surrogates *s);
void idem_surrogates_copy(const idem_surrogates *s, float *rows);
int idem_surrogates_take(idem_surrogates *s, const float *rows, int n);
/* Candidates that are drawn and not chosen, IDEM_SURROGATE_CANDIDATES at most: their number, and the same for them. */
int idem_surrogates_waiting(const idem_surrogates *s);
void idem_surrogates_copy_waiting(const idem_surrogates *s, float *rows);
void idem_surrogates_take_waiting(idem_surrogates *s, const float *rows, int n);

#endif
