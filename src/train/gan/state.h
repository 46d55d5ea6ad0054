/* Inside src/train/gan only: the state of generator training apart from its tensors, and its metadata in checkpoints.
 */
#ifndef IDEM_TRAIN_GAN_STATE_H
#define IDEM_TRAIN_GAN_STATE_H

#include "train/gan/recipe.h"
#include "train/run_form.h"

enum { IDEM_GAN_RNG_CODES, IDEM_GAN_RNG_MIX, IDEM_GAN_RNG_NOISE, IDEM_GAN_RNG_AUGMENT, IDEM_GAN_RNGS };
enum { IDEM_GAN_SUMS = 5 };

typedef struct {
    idem_run_state run;
    int64_t sampled; /* pictures shown at the last samples; -1: none */
    uint64_t drawn[IDEM_GAN_RNGS];
    double strength, sign_sum; /* of the augmentation; sum of signs since its last update */
    int64_t sign_count;
    char data[65]; /* idem_gan_data_hash of the pictures; "": not known yet, or a run from before it was stored */
    bool by_place; /* such a run; see idem_gan_data_options */
} idem_gan_state;

extern const idem_run_form idem_gan_form;

#endif
