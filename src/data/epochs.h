/* An endless stream of items: every item once per epoch, each epoch in another random order. Item k is a function of
 * only the seed, the stream's name and k, so that a resumed run continues exactly. */
#ifndef IDEM_DATA_EPOCHS_H
#define IDEM_DATA_EPOCHS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t seed;
    const char *stream;    /* of the random numbers; borrowed */
    const uint32_t *items; /* [n], borrowed; NULL: 0 .. n - 1 */
    size_t n;
    uint64_t epoch;  /* of order; UINT64_MAX: none yet */
    uint32_t *order; /* [n], owned */
} idem_epochs;

/* 1 <= n <= UINT32_MAX. 0 or -1. */
int idem_epochs_make(idem_epochs *e, uint64_t seed, const char *stream, const uint32_t *items, size_t n);
void idem_epochs_free(idem_epochs *e); /* does nothing for zeros */

/* Makes the order of k's epoch if it is another one: for one thread at a time. */
uint32_t idem_epochs_item(idem_epochs *e, uint64_t k);

#endif
