#include "train/gan/part.h"

#include <inttypes.h>

#include "base/status.h"

int idem_gan_part_make(idem_gan_part *p, const idem_gan_recipe *r, int rank, int ranks) {
    const int64_t least = (int64_t)ranks * IDEM_DISCRIMINATOR_GROUP, row = r->batch / IDEM_DISCRIMINATOR_GROUP;
    *p = (idem_gan_part){rank, ranks, r->batch / ranks};
    if (ranks == 1)
        return 0;
    if (r->batch % least)
        return idem_fail("settings.batch is %" PRId64 ": %d ranks share multiples of %" PRId64
                         ", as the discriminator compares groups of %d pictures",
                         r->batch, ranks, least, IDEM_DISCRIMINATOR_GROUP);
    if (r->features_batch < r->batch && r->features_batch % row)
        return idem_fail("settings.features-batch is %" PRId64 ": %d ranks share multiples of %" PRId64
                         ", a quarter of the batch",
                         r->features_batch, ranks, row);
    return r->rebuild > 0 ? idem_fail("settings.rebuild is %g, but %d ranks cannot share pictures whose codes are "
                                      "known: start one process, without mpirun or srun",
                                      r->rebuild, ranks)
                          : 0;
}
