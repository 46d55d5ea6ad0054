#include "model/origin.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void idem_origin_add(idem_origin *o, const char *key, const char *value) {
    assert(o->n < IDEM_ORIGIN_MAX);
    o->texts[2 * o->n] = key;
    o->texts[2 * o->n + 1] = value;
    o->texts[2 * ++o->n] = NULL;
}

void idem_origin_by(idem_origin *o, idem_source_type source, const char *generator, const char *mapper,
                    const uint64_t *seed) {
    *o = (idem_origin){.marks = {o->texts, source}};
    if (seed)
        snprintf(o->seed, sizeof o->seed, "%" PRIu64, *seed);
    idem_origin_add(o, "Software", "idem");
    idem_origin_add(o, "synthetic", "true");
    idem_origin_add(o, "generator", generator);
    if (mapper)
        idem_origin_add(o, "mapper", mapper);
    if (seed)
        idem_origin_add(o, "seed", o->seed);
}

void idem_origin_no_seed(idem_origin *o) {
    idem_origin_add(o, "seed", "none");
}

void idem_origin_of(idem_origin *o, idem_source_type source, const idem_model *m, const uint64_t *seed) {
    const idem_model_info *info = idem_model_about(m);
    idem_origin_by(o, source, info->hash, info->mapper, seed);
}
