/* Inside src/train/gan only: pictures of the average of the generator in training, and the file it is saved in. */
#ifndef IDEM_TRAIN_GAN_SAMPLER_H
#define IDEM_TRAIN_GAN_SAMPLER_H

#include "engine/plan.h"
#include "train/gan/recipe.h"

#define IDEM_GAN_AVERAGE "g_ema."

typedef struct idem_gan_sampler idem_gan_sampler;

/* Uses the tensors g_ema.* of w, which must outlive the sampler. */
idem_gan_sampler *idem_gan_sampler_new(idem_weights *w, const idem_plan_options *options);
void idem_gan_sampler_free(idem_gan_sampler *s); /* NULL is allowed */

size_t idem_gan_sampler_z(const idem_gan_sampler *s); /* width of z */

/* Mean w of 4,096 fixed codes: [W]. Valid until the next call. */
const float *idem_gan_sampler_mean(idem_gan_sampler *s);
/* z [n, Z] -> pictures [n, S, S, 3], about [-1, 1], truncated by psi towards the last result of idem_gan_sampler_mean.
 */
int idem_gan_sampler_run(idem_gan_sampler *s, size_t n, const float *z, float psi, float *pictures);

/* Writes g_ema.* and latent_avg in the layout and shapes of the PyTorch conversion, with the training as metadata.
 * hash: receives the hash of the generator in the file (as idem_model_info); may be NULL. */
int idem_gan_sampler_save(idem_gan_sampler *s, const idem_gan_recipe *r, int64_t shown, const char *path,
                          idem_dtype dtype, char hash[17]);

#endif
