/* Inside src/train/gan only: which pictures of a batch are this rank's. The standard deviation that the discriminator
 * sees is over groups of pictures that are a quarter of the batch apart, so a rank has whole groups: the batch is four
 * rows, and a rank's part the same columns of each. */
#ifndef IDEM_TRAIN_GAN_PART_H
#define IDEM_TRAIN_GAN_PART_H

#include <stdint.h>

#include "nets/discriminator.h"
#include "train/gan/recipe.h"

typedef struct {
    int rank, ranks;
    int64_t batch; /* pictures of this part; with several ranks a multiple of the group */
} idem_gan_part;

/* -1 with a message if ranks cannot share the recipe's batch so that their parts together are what one process does. */
int idem_gan_part_make(idem_gan_part *p, const idem_gan_recipe *r, int rank, int ranks);

/* The place in the batch of this part's picture i. Increases with i. */
static inline int64_t idem_gan_part_place(const idem_gan_part *p, int64_t i) {
    const int64_t columns = p->batch / IDEM_DISCRIMINATOR_GROUP;
    return p->ranks == 1 ? i : (i / columns * p->ranks + p->rank) * columns + i % columns;
}

#endif
