/* Inside src/train/gan only: what a run of generator training is beside its tensors, and where it is in its
 * checkpoints. */
#ifndef IDEM_TRAIN_GAN_STATE_H
#define IDEM_TRAIN_GAN_STATE_H

#include "format/weights.h"
#include "train/gan/recipe.h"

enum { IDEM_GAN_RNG_CODES, IDEM_GAN_RNG_MIX, IDEM_GAN_RNG_NOISE, IDEM_GAN_RNG_AUGMENT, IDEM_GAN_RNGS };
enum { IDEM_GAN_SUM_D, IDEM_GAN_SUM_G, IDEM_GAN_SUM_R1, IDEM_GAN_SUM_SIGN, IDEM_GAN_SUM_HEADS, IDEM_GAN_SUMS };

typedef struct {
    int threads;         /* results depend on it */
    uint64_t data_count; /* training pictures */
    int64_t iteration, shown;
    int64_t sampled; /* pictures shown at the last samples; -1: none yet */
    uint64_t drawn[IDEM_GAN_RNGS];
    double strength, sign_sum; /* of the augmentation; of the signs since it was steered last */
    int64_t sign_count, skipped, skipped_in_a_row, metrics_offset;
    double sum[IDEM_GAN_SUMS]; /* since the last line of metrics.jsonl */
    int64_t count[IDEM_GAN_SUMS];
    char data[65]; /* idem_gan_data_hash of the pictures; "": not known yet, or a run of before there was one */
    bool by_place; /* such a run: as idem_gan_data_options has it */
} idem_gan_state;

typedef struct {
    idem_gan_recipe recipe;
    idem_gan_state state;
} idem_gan_saved;

/* Into the metadata of a checkpoint's tensors. */
int idem_gan_state_store(const idem_gan_state *s, const idem_gan_recipe *r, idem_weights *w);
/* The newest checkpoint: as idem_checkpoint_load. */
int idem_gan_state_load(const char *run, idem_weights **w, idem_gan_saved *saved);

#endif
