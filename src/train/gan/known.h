/* Inside src/train/gan only: training pictures whose codes are known. A mapper of the generator that a run starts from
 * answers for every picture, with the picture on both sides, and each code is fitted to it by some steps of refining
 * (model/refine.h). From then on codes and pictures stay as they are, and the generator learns that these codes are
 * these pictures: what it could not paint comes within reach of the codes that mean it (as "MyStyle", Nitzan et al.
 * 2022, does for one person, by pivotal tuning, Roich et al. 2021).
 *
 * The codes are kept in a file of the run, which grows while they are made, so that an interruption loses little:
 * "IDEMKNOW", L, W (32-bit, little-endian), 64 hex digits of the pictures (idem_gan_data_hash), 64 of the networks and
 * the steps; rows ws of L * W floats, in the order of idem_gan_data_look. Letters: S the generator's side, L rows of
 * ws, W the width of w. */
#ifndef IDEM_TRAIN_GAN_KNOWN_H
#define IDEM_TRAIN_GAN_KNOWN_H

#include <signal.h>

#include "engine/plan.h"
#include "train/gan/data.h"

typedef struct idem_gan_known idem_gan_known;

typedef struct {
    const char *generator, *mapper; /* NULL: all codes have to be in the file */
    int steps;                      /* of refining each; 0: the mapper's answers as they are */
    int layers, w_dim;              /* of the generator in training */
    uint64_t seed;                  /* of the order in which they are drawn */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while codes are made; may be NULL */
    void *user;
    idem_plan_options plan;
} idem_gan_known_options;

/* -1: no codes can be made by these two files. */
int idem_gan_known_check(const char *generator, const char *mapper);

/* Reads, goes on with or begins `file`. d must outlive what is returned. */
idem_gan_known *idem_gan_known_open(idem_gan_data *d, const char *file, const idem_gan_known_options *o);
void idem_gan_known_free(idem_gan_known *k); /* NULL is allowed */

/* Items first .. first + n - 1 of an endless stream, every picture once an epoch: ws [n, L, W] and pictures [n, S, S,
 * 3] in [-1, 1]. */
void idem_gan_known_take(idem_gan_known *k, uint64_t first, size_t n, float *ws, float *pictures);

#endif
