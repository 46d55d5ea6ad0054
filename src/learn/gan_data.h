/* Pictures of a folder tree (JPEG, PNG, WebP) for generator training: cut to the middle square, resized once (Lanczos)
 * and kept as bytes in a cache file that is mapped into memory; files that cannot be read are passed over. Order and
 * mirroring are a pure function of the seed.
 *
 * The cache: "IDEMPIC2", the SHA-256 of the list of files (names and sizes, as hex text), side, number of files and of
 * pictures (64-bit, little-endian), the pictures of side * side * 3 bytes, and which of the files each is (32-bit). It
 * is made anew when the list has changed. */
#ifndef IDEM_LEARN_GAN_DATA_H
#define IDEM_LEARN_GAN_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>

typedef struct idem_gan_data idem_gan_data;

typedef struct {
    int size; /* side */
    uint64_t seed;
    int held_out; /* pictures that are never shown, chosen by the seed */
    bool mirror;
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while the cache is made; may be NULL */
    void (*bad)(void *user, const char *why);                /* a file that is passed over; may be NULL */
    void *user;
} idem_gan_data_options;

idem_gan_data *idem_gan_data_open(const char *dir, const char *cache, const idem_gan_data_options *o);
void idem_gan_data_free(idem_gan_data *d); /* NULL is allowed */

size_t idem_gan_data_count(const idem_gan_data *d);    /* training pictures */
size_t idem_gan_data_held_out(const idem_gan_data *d); /* the others */
size_t idem_gan_data_bad(const idem_gan_data *d);      /* files passed over */
int idem_gan_data_side(const idem_gan_data *d);
/* 64 hex digits: of the files' names and sizes, of seed and number of those held out. Which pictures `look` gives. */
const char *idem_gan_data_hash(const idem_gan_data *d);

/* Items first .. first + n - 1 of the endless stream, [n, S, S, 3] in [-1, 1]: every picture once an epoch, each time
 * mirrored or not. */
void idem_gan_data_take(idem_gan_data *d, uint64_t first, size_t n, float *x);
/* Pictures first .. first + n - 1 as they are, of the training ones or of the held-out ones, in a random order fixed by
 * the seed. */
void idem_gan_data_look(const idem_gan_data *d, bool held_out, size_t first, size_t n, float *x);
/* The file of such a picture, below the folder. */
const char *idem_gan_data_name(const idem_gan_data *d, bool held_out, size_t i);

#endif
