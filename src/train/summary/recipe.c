#include "train/summary/recipe.h"

#include <string.h>

#define AT(field) offsetof(idem_summary_recipe, field)

static const idem_field rows[] = {
    {"iterations", IDEM_FIELD_COUNT, AT(iterations), 1, 1e9, "10000", true, "mini-batches in all"},
    {"batch", IDEM_FIELD_COUNT, AT(batch), 1, 4096, "32", false, "pictures in a mini-batch"},
    {"rate", IDEM_FIELD_REAL, AT(rate), 0, 1, "0.001", false, "learning rate of M"},
    {"alpha", IDEM_FIELD_REAL, AT(alpha), 0, 1e6, "0.5", false, "weight of the reconstruction loss L_r"},
    {"beta", IDEM_FIELD_REAL, AT(beta), 0, 1e6, "0.5", false, "weight of the disentanglement loss L_d"},
    {"crop", IDEM_FIELD_COUNT, AT(crop), 8, 8192, "256", false,
     "side of the random crop, pixels; of a smaller picture the largest square"},
    {"log-every", IDEM_FIELD_COUNT, AT(log_every), 1, 1e9, "10", true, "iterations between lines of metrics.jsonl"},
    {"sample-every", IDEM_FIELD_COUNT, AT(sample_every), 1, 1e9, "500", true,
     "iterations between sample grids and mapper.safetensors"},
    {"checkpoint-every", IDEM_FIELD_COUNT, AT(checkpoint_every), 1, 1e9, "500", true, "iterations between checkpoints"},
    {"seed", IDEM_FIELD_SEED, AT(seed), 0, 0, "1", false, "of weights, data and all other random numbers"},
};
_Static_assert(sizeof rows / sizeof rows[0] <= IDEM_FIELDS_MOST, "arrays of callers hold IDEM_FIELDS_MOST");
const idem_fields idem_summary_fields = {"summary", rows, sizeof rows / sizeof rows[0]};

void idem_summary_defaults(idem_summary_recipe *r) {
    memset(r, 0, sizeof *r);
    idem_fields_defaults(&idem_summary_fields, r);
}
