/* Pictures of a folder tree for generator training: cropped to the middle square, resized once (Lanczos) and stored as
 * bytes in a cache file (picture_cache.h); unreadable files are left out. The order, the mirroring and the held-out
 * pictures depend on the seed and on the contents of the files, not on their names. Files with equal content are either
 * all held out or none of them. */
#ifndef IDEM_TRAIN_GAN_DATA_H
#define IDEM_TRAIN_GAN_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>

#include "format/weights.h"

typedef struct idem_gan_data idem_gan_data;

typedef struct {
    int size; /* side */
    uint64_t seed;
    int held_out; /* pictures that are never shown, chosen by the seed */
    bool mirror;
    bool by_place; /* for runs and generators without metadata "split": held out by position in the list of names */
    const char *expected; /* required idem_gan_data_hash; NULL: any */
    bool borrow;          /* the cache is another process's, and has all pictures */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while the cache is written; may be NULL */
    void (*bad)(void *user, const char *why);                /* an unreadable file; may be NULL */
    void *user;
} idem_gan_data_options;

idem_gan_data *idem_gan_data_open(const char *dir, const char *cache, const idem_gan_data_options *o);
void idem_gan_data_free(idem_gan_data *d); /* NULL is allowed */

size_t idem_gan_data_count(const idem_gan_data *d);    /* training pictures */
size_t idem_gan_data_held_out(const idem_gan_data *d); /* the others */
size_t idem_gan_data_bad(const idem_gan_data *d);      /* files and folders left out */
int idem_gan_data_side(const idem_gan_data *d);
/* 64 hex digits: hash of the side, the number of held-out pictures, and the contents in order. Equal hashes: `look`
 * gives equal pictures. */
const char *idem_gan_data_hash(const idem_gan_data *d);

/* Metadata "split" of a run and its generator: pictures were held out by content. */
int idem_gan_data_store_split(idem_weights *w);
bool idem_gan_data_split(const idem_weights *w);

/* Items first .. first + n - 1 of the endless stream, [n, S, S, 3] in [-1, 1]: every picture once per epoch, mirrored
 * at random. */
void idem_gan_data_take(idem_gan_data *d, uint64_t first, size_t n, float *x);
/* Training or held-out pictures first .. first + n - 1, not mirrored, in a random order that depends on the seed. */
void idem_gan_data_look(const idem_gan_data *d, bool held_out, size_t first, size_t n, float *x);
/* The file name of such a picture, relative to the folder. */
const char *idem_gan_data_name(const idem_gan_data *d, bool held_out, size_t i);

#endif
