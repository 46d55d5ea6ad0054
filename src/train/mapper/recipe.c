#include "train/mapper/recipe.h"

#include <inttypes.h>
#include <string.h>

#include "base/status.h"

#define AT(field) offsetof(idem_recipe, field)

static const idem_field rows[] = {
    {"iterations", IDEM_FIELD_COUNT, AT(iterations), 1, 1e9, "100000", true, "mini-batches in all"},
    {"batch", IDEM_FIELD_COUNT, AT(batch), 2, 4096, "6", false, "pairs in a mini-batch"},
    {"rate", IDEM_FIELD_REAL, AT(rate), 0, 1, "5e-05", false, "base learning rate, of E_attr and M (1e-5 at 1024 px)"},
    {"rate-adversarial", IDEM_FIELD_REAL, AT(rate_adversarial), 0, 100, "0.1", false,
     "rate of their adversarial step, times the base"},
    {"rate-critic", IDEM_FIELD_REAL, AT(rate_critic), 0, 100, "0.4", false, "rate of the critic D_W, times the base"},
    {"weight-id", IDEM_FIELD_REAL, AT(weight_id), 0, 1e6, "1", false, "weight of the identity loss"},
    {"weight-landmark", IDEM_FIELD_REAL, AT(weight_landmark), 0, 1e6, "0.001", false, "weight of the landmark loss"},
    {"weight-rec", IDEM_FIELD_REAL, AT(weight_reconstruction), 0, 1e6, "0.02", false,
     "weight of the reconstruction loss (same-face iterations)"},
    {"weight-surround", IDEM_FIELD_REAL, AT(weight_surround), 0, 1e6, "0", false,
     "weight of the L1 to the attribute picture outside the face (iterations of different faces)"},
    {"weight-adversarial", IDEM_FIELD_REAL, AT(weight_adversarial), 0, 1e6, "1", false,
     "weight of M's adversarial loss"},
    {"gamma", IDEM_FIELD_REAL, AT(gamma), 0, 1e6, "10", false,
     "R1: gamma/2 times the squared gradient of D_W at real w"},
    {"cross-every", IDEM_FIELD_COUNT, AT(cross_every), 1, 1e6, "3", false,
     "every Nth iteration pairs different faces, the others one face with itself"},
    {"mirror-identity", IDEM_FIELD_REAL, AT(mirror_identity), 0, 1, "0", false,
     "share of same-face pairs whose identity picture is mirrored, so that pose must come from the other"},
    {"mirror-target", IDEM_FIELD_FLAG, AT(mirror_target), 0, 1, "0", false,
     "compare identities with the mean of the identity picture's and its mirror image's, which contains less of its "
     "pose"},
    {"adversarial-every", IDEM_FIELD_COUNT, AT(adversarial_every), 1, 1e6, "2", false,
     "every Nth iteration takes the adversarial and the critic's step"},
    {"adversarial-halved", IDEM_FIELD_FLAG, AT(adversarial_halved), 0, 1, "0", false,
     "take them every iteration, with both cross-entropies halved"},
    {"warmup", IDEM_FIELD_COUNT, AT(warmup), 0, 1e9, "0", false, "iterations over which the rate rises to the base"},
    {"decay", IDEM_FIELD_REAL, AT(decay), 0, 1, "0", false,
     "share of the iterations, at the end, over which the rate falls to 0 (half a cosine)"},
    {"mean-bias", IDEM_FIELD_FLAG, AT(mean_bias), 0, 1, "0", false, "start M's last bias at the generator's mean w"},
    {"clip", IDEM_FIELD_REAL, AT(clip), 0, 1e6, "0", true,
     "clip gradients to this times the length that Adam's second moments predict (3 is usual); 0: never"},
    {"ema", IDEM_FIELD_REAL, AT(ema), 0, 0.999999, "0", false,
     "evaluate and save a moving average of E_attr and M with this decay; 0: the weights themselves"},
    {"truncation", IDEM_FIELD_REAL, AT(truncation), 0, 2, "0.7", false,
     "of the pictures and codes drawn on the fly, all layers"},
    {"photograph-share", IDEM_FIELD_REAL, AT(photograph_share), 0, 1, "0", false,
     "share of the identity and attribute pictures that options.photographs gives; 0.5 with that option, if not given"},
    {"photograph-vary", IDEM_FIELD_REAL, AT(photograph_vary), 0, 1, "0", false,
     "random change of light, colours, sharpness and grain of a photograph each time it is shown; 0: none"},
    {"log-every", IDEM_FIELD_COUNT, AT(log_every), 1, 1e9, "10", true, "iterations between lines of metrics.jsonl"},
    {"eval-every", IDEM_FIELD_COUNT, AT(eval_every), 1, 1e9, "1000", true, "iterations between evaluations"},
    {"eval-pairs", IDEM_FIELD_COUNT, AT(eval_pairs), 2, 100000, "300", false, "held-out pairs an evaluation uses"},
    {"checkpoint-every", IDEM_FIELD_COUNT, AT(checkpoint_every), 1, 1e9, "500", true, "iterations between checkpoints"},
    {"seed", IDEM_FIELD_SEED, AT(seed), 0, 0, "1", false, "of weights, data and all other random numbers"},
};
_Static_assert(sizeof rows / sizeof rows[0] <= IDEM_FIELDS_MOST, "arrays of callers hold IDEM_FIELDS_MOST");
const idem_fields idem_recipe_fields = {"paper", rows, sizeof rows / sizeof rows[0]};

void idem_recipe_defaults(idem_recipe *r) {
    memset(r, 0, sizeof *r);
    idem_fields_defaults(&idem_recipe_fields, r);
}

int idem_recipe_store(const idem_recipe *r, idem_weights *w) {
    return idem_fields_store(&idem_recipe_fields, r, w);
}

int idem_recipe_load(idem_recipe *r, const idem_weights *w) {
    memset(r, 0, sizeof *r);
    return idem_fields_load(&idem_recipe_fields, r, w);
}

int idem_recipe_check_resume(const void *saved_recipe, const void *next_recipe) {
    const idem_recipe *saved = saved_recipe, *next = next_recipe;
    if (saved->decay > 0 && saved->iterations != next->iterations)
        return idem_field_refuse(idem_fields_find(&idem_recipe_fields, "iterations"), saved, next);
    return idem_fields_check_resume(&idem_recipe_fields, saved, next);
}

int idem_recipe_check_ranks(const idem_recipe *r, int ranks) {
    return !(r->batch % ranks)
               ? 0
               : idem_fail("the batch is %" PRId64 ", and %d ranks cannot share it evenly: make it a multiple of %d",
                           r->batch, ranks, ranks);
}
