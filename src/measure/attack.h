/* Learned attacks on anonymisation: maps from the code of an anonymised face to that of its original, trained on pairs
 * that the attacker made with the same method from other people's pictures. Identity that such a map recovers was not
 * removed. */
#ifndef IDEM_MEASURE_ATTACK_H
#define IDEM_MEASURE_ATTACK_H

#include <stdint.h>

/* Codes [n, dim] of unit length: from, of anonymised faces; to, of their originals. */
typedef struct {
    const float *from, *to;
    int n, dim;
} idem_attack_pairs;

enum { IDEM_ATTACK_LEAST = 20 };

/* Each writes to out [n, dim], unit vectors: the attack's guesses of the originals of x [n, dim]; out may be x. A fifth
 * of the pairs is for validation: it chooses the ridge penalty, and the epoch. -1: fewer than IDEM_ATTACK_LEAST pairs,
 * or memory is short. */

/* Ridge regression of the centred codes (Hoerl, Kennard 1970). */
int idem_attack_ridge(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed);
/* A network of one hidden layer of 1,024 numbers beside a linear path, trained on 1 - cosine by Adam. */
int idem_attack_network(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed);

#endif
