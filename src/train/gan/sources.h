/* What a generator's run is made from: pictures, and with settings.rebuild their codes. A resumed run must get the
 * same, and all ranks. */
#ifndef IDEM_TRAIN_GAN_SOURCES_H
#define IDEM_TRAIN_GAN_SOURCES_H

#include "nets/stylegan2.h"
#include "train/gan/data.h"
#include "train/gan/known.h"
#include "train/gan/state.h"
#include "train/run.h"

typedef struct {
    const char *data;   /* folder tree of pictures */
    const char *start;  /* generator with the initial weights of a new run; NULL: random */
    const char *mapper; /* of that generator: computes the codes for recipe.rebuild; NULL: the run has them */
    void (*reading)(void *user, size_t done, size_t count);  /* of pictures; may be NULL */
    void (*encoding)(void *user, size_t done, size_t count); /* of known codes; may be NULL */
    void (*bad)(void *user, const char *why);                /* an unreadable picture, left out; may be NULL */
} idem_gan_sources;

/* Only for src/train/gan. user: the run's. */

/* Before the run's folder is touched: -1 if settings and networks of known codes do not fit each other. folder: the
 * run's, or NULL. */
int idem_gan_sources_check(const idem_gan_sources *s, const idem_gan_recipe *r, const char *folder);

/* Rank 0 writes the cache of pictures in the run's folder, which the others read. Sets state->data. */
idem_gan_data *idem_gan_sources_pictures(const idem_gan_sources *s, idem_run *run, const idem_gan_recipe *r,
                                         idem_gan_state *state);

/* *codes, which are those of the run's tensors if they move; NULL without settings.rebuild. */
int idem_gan_sources_codes(idem_gan_known **codes, const idem_gan_sources *s, const idem_run *run,
                           const idem_gan_recipe *r, const idem_stylegan2 *about, idem_gan_data *pictures,
                           const idem_plan_options *plan);

#endif
