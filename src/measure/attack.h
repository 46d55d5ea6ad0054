/* Learned attacks on anonymisation: maps from the code of an anonymised face to that of its original, fitted to pairs
 * that the attacker made himself with the same method from other people's pictures. What such a map finds again was
 * not removed but only moved. */
#ifndef IDEM_MEASURE_ATTACK_H
#define IDEM_MEASURE_ATTACK_H

#include <stdint.h>

/* Codes [n, dim] of unit length: from, of anonymised faces; to, of their originals. */
typedef struct {
    const float *from, *to;
    int n, dim;
} idem_attack_pairs;

enum { IDEM_ATTACK_LEAST = 20 };

/* Each writes to out [n, dim], unit vectors: what the attack takes x [n, dim] for; out may be x. A fifth of the pairs
 * is kept apart to choose by: the ridge penalty, and when to stop training. -1: fewer than IDEM_ATTACK_LEAST pairs, or
 * memory is short. */

/* Ridge regression of the centred codes (Hoerl, Kennard 1970). */
int idem_attack_ridge(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed);
/* A network of one hidden layer of 1,024 numbers beside a linear path, trained on 1 - cosine by Adam. */
int idem_attack_network(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed);

#endif
