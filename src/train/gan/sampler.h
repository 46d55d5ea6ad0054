/* Inside src/train/gan only: pictures of a generator whose weights go on changing (the average of the trained one), and
 * the file it is saved in. */
#ifndef IDEM_TRAIN_GAN_SAMPLER_H
#define IDEM_TRAIN_GAN_SAMPLER_H

#include "engine/plan.h"
#include "train/gan/recipe.h"

#define IDEM_GAN_AVERAGE "g_ema."

typedef struct idem_gan_sampler idem_gan_sampler;

/* Of the tensors g_ema.* of w, which must outlive it. */
idem_gan_sampler *idem_gan_sampler_new(idem_weights *w, const idem_plan_options *options);
void idem_gan_sampler_free(idem_gan_sampler *s); /* NULL is allowed */

size_t idem_gan_sampler_z(const idem_gan_sampler *s); /* width of z */

/* Mean w of 4,096 codes, always the same ones: [W]. Valid until the next call. */
const float *idem_gan_sampler_mean(idem_gan_sampler *s);
/* z [n, Z] -> pictures [n, S, S, 3], about [-1, 1], truncated by psi towards the mean of the last call above. */
int idem_gan_sampler_run(idem_gan_sampler *s, size_t n, const float *z, float psi, float *pictures);

/* Writes g_ema.* and latent_avg in the layout and shapes of the PyTorch conversion, and how it came about as metadata.
 * hash: of the generator as the file holds it (idem_model_info's); NULL: not wanted. */
int idem_gan_sampler_save(idem_gan_sampler *s, const idem_gan_recipe *r, int64_t shown, const char *path,
                          idem_dtype dtype, char hash[17]);

#endif
