#include "train/gan/recipe.h"

#include <string.h>

#include "base/status.h"
#include "train/gan/heads.h"

#define AT(field) offsetof(idem_gan_recipe, field)

static const idem_field rows[] = {
    {"pictures", IDEM_FIELD_COUNT, AT(pictures), 1, 1e12, "1000000", true, "pictures to show in all"},
    {"batch", IDEM_FIELD_COUNT, AT(batch), 2, 1024, "16", true, "pictures of an iteration"},
    {"size", IDEM_FIELD_COUNT, AT(size), 8, 1024, "128", false, "side of the pictures: a power of two"},
    {"z", IDEM_FIELD_COUNT, AT(z_dim), 4, 1024, "256", false, "numbers of z"},
    {"w", IDEM_FIELD_COUNT, AT(w_dim), 4, 1024, "256", false, "numbers of w"},
    {"mapping-layers", IDEM_FIELD_COUNT, AT(mapping_layers), 1, 8, "4", false, "layers from z to w"},
    {"width", IDEM_FIELD_COUNT, AT(width), 8, 1e6, "2048", false,
     "the generator has WIDTH / side channels at a side, 8 or more"},
    {"width-max", IDEM_FIELD_COUNT, AT(width_max), 8, 1024, "128", false, "and no more than this"},
    {"d-width", IDEM_FIELD_COUNT, AT(d_width), 8, 1e6, "2048", false, "the same for the discriminator"},
    {"d-width-max", IDEM_FIELD_COUNT, AT(d_width_max), 8, 1024, "128", false, "and no more than this"},
    {"d-weight", IDEM_FIELD_REAL, AT(d_weight), 0, 1e6, "1", false,
     "weight of the discriminator of pictures in the generator's loss; 0: none, only the heads on features teach, in "
     "two "
     "thirds of the time"},
    {"rate", IDEM_FIELD_REAL, AT(rate), 0, 1, "0.0025", true, "learning rate of both networks"},
    {"gamma", IDEM_FIELD_REAL, AT(gamma), 0, 1e6, "1", true,
     "R1: gamma/2 times the squared gradient of the discriminator at real pictures"},
    {"r1-every", IDEM_FIELD_COUNT, AT(r1_every), 1, 1e6, "16", false, "iterations between steps on R1"},
    {"features", IDEM_FIELD_REAL, AT(features), 0, 1e6, "1", false,
     "weight of a second discriminator, small heads on frozen features of the pose network, which needs far fewer "
     "pictures; 0: none"},
    {"features-mobilenet", IDEM_FIELD_REAL, AT(features_mobilenet), 0, 1e6, "0", false,
     "weight of further heads, on features of MobileNetV2, which measures distances: these are then flattered; 0: "
     "none"},
    {"features-batch", IDEM_FIELD_COUNT, AT(features_batch), 0, 1024, "0", false,
     "pictures of an iteration that the heads see; 0: all of them"},
    {"features-shift", IDEM_FIELD_COUNT, AT(features_shift), 0, 1024, "4", false,
     "pixels by which each is moved at random, at most, before these networks see it: seen in one place, pictures get "
     "a lattice"},
    {"features-blur", IDEM_FIELD_REAL, AT(features_blur), 0, IDEM_GAN_BLUR_MOST, "0", false,
     "standard deviation, in pixels, of a blur before the heads' networks: what is too fine for them to judge, "
     "hatches first, is left to the other losses; 0: none"},
    {"rebuild", IDEM_FIELD_REAL, AT(rebuild), 0, 1e6, "0", true,
     "weight in the generator's loss of pictures whose codes are known, as a mapper finds them: it learns to paint "
     "these people; 0: none"},
    {"rebuild-edges", IDEM_FIELD_REAL, AT(rebuild_edges), 0, 1e6, "0", true,
     "weight, beside their loss on pixels, of what differs between neighbours: against hatches; 0: none"},
    {"rebuild-features", IDEM_FIELD_REAL, AT(rebuild_features), 0, 1e6, "0", true,
     "weight, beside their loss on pixels, of the distance of their features by MobileNetV2, which makes them sharper; "
     "distances, measured by the same network, are then flattered; 0: none"},
    {"rebuild-batch", IDEM_FIELD_COUNT, AT(rebuild_batch), 1, 1024, "8", false,
     "pictures of an iteration that are made from such codes"},
    {"rebuild-steps", IDEM_FIELD_COUNT, AT(rebuild_steps), 0, 1000, "12", false,
     "steps of refining each code before the training begins"},
    {"rebuild-first", IDEM_FIELD_COUNT, AT(rebuild_first), 0, 1e9, "0", true,
     "iterations at the start in which the generator learns from such codes alone, in a fifth of an iteration's time"},
    {"rebuild-rate", IDEM_FIELD_REAL, AT(rebuild_rate), 0, 10, "0", true,
     "how far each code moves along in these iterations whenever its picture is shown, in deviations of the codes; 0: "
     "they stay"},
    {"rebuild-mapping", IDEM_FIELD_FLAG, AT(rebuild_mapping), 0, 1, "0", true,
     "the mapping network does not learn: before each sample grid it is set so that random codes are distributed like "
     "the known ones"},
    {"path-length", IDEM_FIELD_REAL, AT(path), 0, 1e6, "0", false,
     "weight of the path-length regularisation (StyleGAN2 takes 2); 0: none"},
    {"path-every", IDEM_FIELD_COUNT, AT(path_every), 1, 1e6, "4", false, "iterations between steps on path lengths"},
    {"mixing", IDEM_FIELD_REAL, AT(mixing), 0, 1, "0.9", true, "share of the pictures made of two styles"},
    {"ema", IDEM_FIELD_REAL, AT(ema), 1, 1e9, "5000", true, "half-life of the average of the generator, in pictures"},
    {"d-first", IDEM_FIELD_COUNT, AT(d_first), 0, 1e9, "0", false,
     "iterations at the start in which the discriminator learns alone"},
    {"no-flip", IDEM_FIELD_FLAG, AT(no_flip), 0, 1, "0", false, "do not mirror pictures at random"},
    {"no-noise", IDEM_FIELD_FLAG, AT(no_noise), 0, 1, "0", false,
     "no noise in the generator's layers: a picture is its code and nothing else"},
    {"augment", IDEM_FIELD_REAL, AT(augment), 0, 1, "0", false, "strength of the augmentation at the start"},
    {"augment-target", IDEM_FIELD_REAL, AT(augment_target), 0, 1, "0.6", true,
     "sign rate of the discriminator on real pictures that the strength is steered to; 0: the strength stays"},
    {"augment-pictures", IDEM_FIELD_REAL, AT(augment_pictures), 1, 1e9, "100000", true,
     "pictures over which the strength can rise from 0 to 1"},
    {"held-out", IDEM_FIELD_COUNT, AT(held_out), 0, 1e6, "0", false, "pictures kept apart and never shown"},
    {"log-every", IDEM_FIELD_COUNT, AT(log_every), 1, 1e9, "16", true, "iterations between lines of metrics.jsonl"},
    {"checkpoint-every", IDEM_FIELD_COUNT, AT(checkpoint_every), 1, 1e9, "100", true, "iterations between checkpoints"},
    {"sample-every", IDEM_FIELD_COUNT, AT(sample_every), 1, 1e12, "4000", true,
     "pictures between sample grids, with generator.safetensors"},
    {"distance-every", IDEM_FIELD_COUNT, AT(distance_every), 0, 1e12, "100000", true,
     "pictures between Frechet distances; 0: none"},
    {"distance-pictures", IDEM_FIELD_COUNT, AT(distance_pictures), 4, 1e6, "5000", true,
     "pictures made for a distance, and training pictures, at most"},
    {"seed", IDEM_FIELD_SEED, AT(seed), 0, 0, "1", false, "of weights, data and everything else random"},
};
_Static_assert(sizeof rows / sizeof rows[0] <= IDEM_FIELDS_MOST, "arrays of callers hold IDEM_FIELDS_MOST");
const idem_fields idem_gan_fields = {"generator", rows, sizeof rows / sizeof rows[0]};

void idem_gan_defaults(idem_gan_recipe *r) {
    memset(r, 0, sizeof *r);
    idem_fields_defaults(&idem_gan_fields, r);
}

int idem_gan_recipe_check(const idem_gan_recipe *r) {
    if (!(r->d_weight > 0 || r->features > 0 || r->features_mobilenet > 0))
        return idem_fail("settings.d-weight is 0, and settings.features and settings.features-mobilenet too: expected "
                         "one of them above 0, as the generator would have no discriminator");
    return r->z_dim >= r->w_dim || !r->rebuild_mapping
               ? 0
               : idem_fail("settings.z is %d and settings.w %d: with settings.rebuild-mapping z must be at least as "
                           "large as w",
                           (int)r->z_dim, (int)r->w_dim);
}

int idem_gan_width(int64_t width, int64_t width_max, int r) {
    int64_t c = width / ((int64_t)4 << r);
    c = c < width_max ? c : width_max;
    return (int)(c < 8 ? 8 : c);
}

double idem_gan_d_share(const idem_gan_recipe *r) {
    return r->d_weight > 0 ? (double)r->r1_every / (double)(r->r1_every + 1) : 1;
}

double idem_gan_g_share(const idem_gan_recipe *r) {
    return r->path > 0 ? (double)r->path_every / (double)(r->path_every + 1) : 1;
}
