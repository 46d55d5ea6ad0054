/* Pictures of a folder tree for generator training: cut to the middle square, resized once (Lanczos)
 * and kept as bytes in a cache file (picture_cache.h); what cannot be read is left out. Order, mirroring and which are
 * held out follow from the seed and the contents of the files; their names do not matter. Files of one content are held
 * out together or not at all. */
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
    bool by_place;        /* of runs and generators without "split": chosen by the place of a name on the list */
    const char *expected; /* idem_gan_data_hash of the pictures there have to be; NULL: any */
    bool borrow;          /* the cache is another process's, and has all pictures */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while the cache is made; may be NULL */
    void (*bad)(void *user, const char *why);                /* a file that is passed over; may be NULL */
    void *user;
} idem_gan_data_options;

idem_gan_data *idem_gan_data_open(const char *dir, const char *cache, const idem_gan_data_options *o);
void idem_gan_data_free(idem_gan_data *d); /* NULL is allowed */

size_t idem_gan_data_count(const idem_gan_data *d);    /* training pictures */
size_t idem_gan_data_held_out(const idem_gan_data *d); /* the others */
size_t idem_gan_data_bad(const idem_gan_data *d);      /* files and folders left out */
int idem_gan_data_side(const idem_gan_data *d);
/* 64 hex digits: of side, number of those held out, and the contents in order. Which pictures `look` gives. */
const char *idem_gan_data_hash(const idem_gan_data *d);

/* Metadata "split" of a run and its generator: pictures were held out by content. */
int idem_gan_data_store_split(idem_weights *w);
bool idem_gan_data_split(const idem_weights *w);

/* Items first .. first + n - 1 of the endless stream, [n, S, S, 3] in [-1, 1]: every picture once an epoch, each time
 * mirrored or not. */
void idem_gan_data_take(idem_gan_data *d, uint64_t first, size_t n, float *x);
/* Pictures first .. first + n - 1 as they are, of the training ones or of the held-out ones, in a random order fixed by
 * the seed. */
void idem_gan_data_look(const idem_gan_data *d, bool held_out, size_t first, size_t n, float *x);
/* The file of such a picture, below the folder. */
const char *idem_gan_data_name(const idem_gan_data *d, bool held_out, size_t i);

#endif
