/* Photographs for training: the largest face of each picture of a folder tree as cut by face/cut.h, searched once and
 * stored in a cache file. Pictures without a face and unreadable ones are left out. The order and the held-out ones
 * depend on the seed and the contents of the files.
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
    double weather;       /* strength of idem_weather for training; 0: none */
    int pairs;            /* most held-out pairs; a tenth of the photographs if that is less, but at least two pairs */
    const char *expected; /* required digest; NULL: any */
    bool borrow;          /* the cache is another process's, and has all photographs */
    int threads;
    const char *models; /* the folder of the networks that find faces; NULL: as in base/models.h */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* during the search for faces; may be NULL */
    void (*bad)(void *user, const char *why);                /* gets what is left out; may be NULL */
    void *user;
} idem_photographs_options;

/* Texts are not kept. NULL also if there are fewer than six photographs, or others than expected: the cache is then
 * unchanged. */
idem_photographs *idem_photographs_open(const char *dir, const char *cache, const idem_photographs_options *o);
void idem_photographs_free(idem_photographs *p); /* NULL is allowed */

size_t idem_photographs_count(const idem_photographs *p); /* to train on */
size_t idem_photographs_pairs(const idem_photographs *p); /* held out */
/* 64 hex digits of the rule of cutting faces, and of the contents of the files in order, held-out ones first. */
const char *idem_photographs_digest(const idem_photographs *p);

/* Item k of the endless stream: every photograph once per epoch, each time with another weather. */
void idem_photographs_take(idem_photographs *p, uint64_t k, float *x);
/* The identity (0) or attribute (1) pictures of held-out pairs first .. first + n - 1. */
void idem_photographs_held_out(const idem_photographs *p, int side, size_t first, size_t n, float *x);

/* The number of photographs among the first k items of a mixed stream with `share` (0 .. 1) of photographs, spread
 * evenly. Item k is a photograph if this is larger for k + 1. */
uint64_t idem_photographs_before(double share, uint64_t k);

#endif
