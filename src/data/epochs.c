#include "data/epochs.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/status.h"

int idem_epochs_make(idem_epochs *e, uint64_t seed, const char *stream, const uint32_t *items, size_t n) {
    *e = (idem_epochs){.seed = seed, .stream = stream, .items = items, .n = n, .epoch = UINT64_MAX};
    e->order = malloc(n * sizeof *e->order);
    return e->order ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the order of %zu pictures", n);
}

void idem_epochs_free(idem_epochs *e) {
    free(e->order);
    e->order = NULL;
}

uint32_t idem_epochs_item(idem_epochs *e, uint64_t k) {
    const uint64_t epoch = k / e->n;
    if (e->epoch != epoch) {
        for (size_t i = 0; i < e->n; i++)
            e->order[i] = e->items ? e->items[i] : (uint32_t)i;
        idem_rng rng = idem_rng_make(e->seed, e->stream);
        rng.counter = epoch << 32; /* more numbers than one epoch can draw */
        idem_rng_shuffle(&rng, e->order, e->n);
        e->epoch = epoch;
    }
    return e->order[k % e->n];
}
