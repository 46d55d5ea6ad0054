/* Photographs to train on: the largest face of each picture of a folder tree as face/cut.h gives it, looked for once
 * and kept in a cache file. Pictures without a face and those that cannot be read are left out. Order and which are
 * held out follow from the seed and the contents of the files.
 *
 * S: the side of the pictures, [n, S, S, 3] floats in [0, 1]. */
#ifndef IDEM_DATA_PHOTOGRAPHS_H
#define IDEM_DATA_PHOTOGRAPHS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct idem_photographs idem_photographs;

typedef struct {
    int size; /* S */
    uint64_t seed;
    double weather;       /* strength of idem_weather for what is trained on; 0: as they are */
    int pairs;            /* held out at most; a tenth of the photographs if that is less, but two pairs */
    const char *expected; /* digest that they have to have; NULL: any */
    int threads;
    const char *models; /* the folder of the networks that find faces; NULL: as base/models.h says */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while faces are looked for; may be NULL */
    void (*bad)(void *user, const char *why);                /* what is left out; may be NULL */
    void *user;
} idem_photographs_options;

/* Texts are not kept. -1 also when there are fewer than six photographs, or others than expected: the
 * cache then stays as it was. */
idem_photographs *idem_photographs_open(const char *dir, const char *cache, const idem_photographs_options *o);
void idem_photographs_free(idem_photographs *p); /* NULL is allowed */

size_t idem_photographs_count(const idem_photographs *p); /* to train on */
size_t idem_photographs_pairs(const idem_photographs *p); /* held out */
/* 64 hex digits of how faces are cut, and of the contents of the files in order, those held out first. */
const char *idem_photographs_digest(const idem_photographs *p);

/* Item k of the endless stream: every photograph once an epoch, each time in another weather. */
void idem_photographs_take(idem_photographs *p, uint64_t k, float *x);
/* The identity (0) or attribute (1) pictures of held-out pairs first .. first + n - 1. */
void idem_photographs_held_out(const idem_photographs *p, int side, size_t first, size_t n, float *x);

/* How many of the first k items of a mixed stream are photographs, where `share` (0 .. 1) of all are: as evenly spread
 * as can be. Item k is one when this is more for k + 1. */
uint64_t idem_photographs_before(double share, uint64_t k);

#endif
