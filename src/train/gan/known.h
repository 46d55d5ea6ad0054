/* Inside src/train/gan only: training pictures whose codes are known. A mapper of the start generator maps every
 * picture, as identity and as attributes, to a code, and the code is refined to fit the picture (model/refine.h). The
 * generator is then trained to paint each picture from its code, which stays or moves along: it learns
 * pictures that it could not paint before (for one person: "MyStyle", Nitzan et al. 2022, by pivotal tuning, Roich et
 * al. 2021).
 *
 * The codes are appended to a file of the run as they are computed, so an interruption loses one at most:
 * "IDEMKNOW", L, W (32-bit, little-endian), 64 hex digits for the pictures (idem_gan_data_hash), 64 for the networks
 * and the number of steps; then ws, L * W floats per picture, in the order of idem_gan_data_look. Letters: S the
 * generator's side, L rows of ws, W the width of w. */
#ifndef IDEM_TRAIN_GAN_KNOWN_H
#define IDEM_TRAIN_GAN_KNOWN_H

#include <signal.h>

#include "engine/plan.h"
#include "format/weights.h"
#include "train/gan/data.h"

typedef struct idem_gan_known idem_gan_known;

typedef struct {
    const char *generator, *mapper; /* mapper NULL: the file must hold all codes */
    int steps;                      /* of refining; 0: the mapper's codes */
    int layers, w_dim;              /* of the generator in training */
    uint64_t seed;                  /* of the order of items */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while codes are computed; may be NULL */
    void *user;
    idem_plan_options plan;
} idem_gan_known_options;

/* -1: these two files cannot compute codes. */
int idem_gan_known_check(const char *generator, const char *mapper);

/* Reads `file`, and with a mapper completes or starts it. d must outlive the result. */
idem_gan_known *idem_gan_known_open(idem_gan_data *d, const char *file, const idem_gan_known_options *o);
void idem_gan_known_free(idem_gan_known *k); /* NULL is allowed */

/* Items first .. first + n - 1 of an endless stream, every picture once per epoch: ws [n, L, W] and pictures [n, S, S,
 * 3] in [-1, 1]. */
void idem_gan_known_take(idem_gan_known *k, uint64_t first, size_t n, float *ws, float *pictures);

/* From here on the codes are those of the tensor "known.ws" [N, L, W] of w, which must outlive k; it is added, with
 * "known.v" [L, W], if it is missing and `move` says that codes will move. */
int idem_gan_known_keep(idem_gan_known *k, idem_weights *w, bool move);

/* Moves the codes of these items against the gradient `slope` [n, L, W] of their loss: each number by `rate` times its
 * standard deviation over all codes as they were found, times its gradient over the root of the gradients' mean square
 * (known.v, decay 0.99, corrected for its start; steps: taken before). A gradient that is not finite moves nothing. */
void idem_gan_known_move(idem_gan_known *k, uint64_t first, size_t n, const float *slope, double rate, int64_t steps);

/* Sets the mapping networks of w, g.style.* and its average's, so that their codes are distributed like the rows' means
 * of the codes (mapping.h). */
int idem_gan_known_fit(const idem_gan_known *k, idem_weights *w);

#endif
