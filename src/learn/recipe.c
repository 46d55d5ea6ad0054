#include "learn/recipe.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(idem_recipe, field)

const idem_recipe_field idem_recipe_fields[] = {
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
    {"weight-adversarial", IDEM_FIELD_REAL, AT(weight_adversarial), 0, 1e6, "1", false,
     "weight of M's adversarial loss"},
    {"gamma", IDEM_FIELD_REAL, AT(gamma), 0, 1e6, "10", false,
     "R1: gamma/2 times the squared gradient of D_W at real w"},
    {"cross-every", IDEM_FIELD_COUNT, AT(cross_every), 1, 1e6, "3", false,
     "every Nth iteration pairs different faces, the others one face with itself"},
    {"mirror-identity", IDEM_FIELD_REAL, AT(mirror_identity), 0, 1, "0", false,
     "share of same-face pairs whose identity picture is mirrored, so that pose must come from the other"},
    {"adversarial-every", IDEM_FIELD_COUNT, AT(adversarial_every), 1, 1e6, "2", false,
     "every Nth iteration takes the adversarial and the critic's step"},
    {"adversarial-halved", IDEM_FIELD_FLAG, AT(adversarial_halved), 0, 1, "0", false,
     "take them every iteration, with both cross-entropies halved"},
    {"warmup", IDEM_FIELD_COUNT, AT(warmup), 0, 1e9, "0", false, "iterations over which the rate rises to the base"},
    {"decay", IDEM_FIELD_REAL, AT(decay), 0, 1, "0", false,
     "share of the iterations, at the end, over which the rate falls to 0 (half a cosine)"},
    {"mean-bias", IDEM_FIELD_FLAG, AT(mean_bias), 0, 1, "0", false, "start M's last bias at the generator's mean w"},
    {"ema", IDEM_FIELD_REAL, AT(ema), 0, 0.999999, "0", false,
     "evaluate and save a moving average of E_attr and M with this decay; 0: the weights themselves"},
    {"truncation", IDEM_FIELD_REAL, AT(truncation), 0, 2, "0.7", false,
     "of the pictures and codes drawn on the fly, all layers"},
    {"log-every", IDEM_FIELD_COUNT, AT(log_every), 1, 1e9, "10", true, "iterations between lines of metrics.jsonl"},
    {"eval-every", IDEM_FIELD_COUNT, AT(eval_every), 1, 1e9, "1000", true, "iterations between evaluations"},
    {"eval-pairs", IDEM_FIELD_COUNT, AT(eval_pairs), 2, 100000, "300", false, "held-out pairs an evaluation uses"},
    {"checkpoint-every", IDEM_FIELD_COUNT, AT(checkpoint_every), 1, 1e9, "500", true, "iterations between checkpoints"},
    {"seed", IDEM_FIELD_SEED, AT(seed), 0, 0, "1", false, "of weights, data and everything else random"},
};
const int idem_recipe_field_count = sizeof idem_recipe_fields / sizeof idem_recipe_fields[0];

void idem_recipe_defaults(idem_recipe *r) {
    memset(r, 0, sizeof *r);
    for (int i = 0; i < idem_recipe_field_count; i++)
        idem_recipe_set(r, &idem_recipe_fields[i], idem_recipe_fields[i].preset);
}

const idem_recipe_field *idem_recipe_find(const char *name) {
    for (int i = 0; i < idem_recipe_field_count; i++)
        if (!strcmp(idem_recipe_fields[i].name, name))
            return &idem_recipe_fields[i];
    return NULL;
}

static int set_seed(uint64_t *to, const char *text) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end || errno || strchr(text, '-'))
        return idem_fail("seed: \"%s\" is not a whole number from 0 to 18446744073709551615", text);
    *to = value;
    return 0;
}

int idem_recipe_set(idem_recipe *r, const idem_recipe_field *f, const char *text) {
    void *at = (char *)r + f->offset;
    if (f->kind == IDEM_FIELD_SEED)
        return set_seed(at, text);
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value))
        return idem_fail("%s: \"%s\" is not a number", f->name, text);
    if (value < f->low || value > f->high)
        return idem_fail("%s: %s is outside the accepted range, %.15g to %.15g", f->name, text, f->low, f->high);
    if (f->kind == IDEM_FIELD_REAL) {
        *(double *)at = value;
        return 0;
    }
    if (value != floor(value))
        return idem_fail("%s: %s is not a whole number", f->name, text);
    if (f->kind == IDEM_FIELD_FLAG)
        *(bool *)at = value != 0;
    else
        *(int64_t *)at = (int64_t)value;
    return 0;
}

const char *idem_recipe_get(const idem_recipe *r, const idem_recipe_field *f, char text[32]) {
    const void *at = (const char *)r + f->offset;
    switch (f->kind) {
    case IDEM_FIELD_SEED:
        snprintf(text, 32, "%" PRIu64, *(const uint64_t *)at);
        break;
    case IDEM_FIELD_COUNT:
        snprintf(text, 32, "%" PRId64, *(const int64_t *)at);
        break;
    case IDEM_FIELD_REAL: /* the shortest text that reads back as the same number */
        for (int digits = 6; digits <= 17; digits++) {
            snprintf(text, 32, "%.*g", digits, *(const double *)at);
            if (strtod(text, NULL) == *(const double *)at)
                break;
        }
        break;
    case IDEM_FIELD_FLAG:
        snprintf(text, 32, "%d", *(const bool *)at);
        break;
    }
    return text;
}

int idem_recipe_store(const idem_recipe *r, idem_weights *w) {
    char key[64], text[32];
    for (int i = 0; i < idem_recipe_field_count; i++) {
        snprintf(key, sizeof key, "option.%s", idem_recipe_fields[i].name);
        if (idem_weights_set_meta(w, key, idem_recipe_get(r, &idem_recipe_fields[i], text)))
            return -1;
    }
    return idem_weights_set_meta(w, "recipe", "paper");
}

int idem_recipe_load(idem_recipe *r, const idem_weights *w) {
    const char *recipe = idem_weights_meta(w, "recipe");
    if (!recipe || strcmp(recipe, "paper"))
        return idem_fail("the recipe is \"%s\", expected \"paper\"", recipe ? recipe : "");
    char key[64];
    idem_recipe_defaults(r);
    for (int i = 0; i < idem_recipe_field_count; i++) {
        snprintf(key, sizeof key, "option.%s", idem_recipe_fields[i].name);
        const char *text = idem_weights_meta(w, key);
        if (text && idem_recipe_set(r, &idem_recipe_fields[i], text))
            return -1;
    }
    return 0;
}

int idem_recipe_check_resume(const idem_recipe *saved, const idem_recipe *next) {
    for (int i = 0; i < idem_recipe_field_count; i++) {
        const idem_recipe_field *f = &idem_recipe_fields[i];
        char before[32], now[32];
        idem_recipe_get(saved, f, before);
        idem_recipe_get(next, f, now);
        bool tied = f->offset == AT(iterations) && saved->decay > 0;
        if (strcmp(before, now) && (!f->may_change || tied))
            return idem_fail("--%s is %s but the run was started with %s: leave it out to continue that run, or start "
                             "another in a new folder",
                             f->name, now, before);
    }
    return 0;
}
