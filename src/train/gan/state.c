#include "train/gan/state.h"

#include <stdio.h>
#include <string.h>

#include "engine/op.h"
#include "train/checkpoint.h"
#include "train/gan/data.h"
#include "train/state.h"

#define FIELD(kind, name, count)                                                                                       \
    { "run." #name, IDEM_STATE_##kind, offsetof(idem_gan_state, name), count }
static const idem_state_field fields[] = {
    FIELD(INT, threads, 1),
    FIELD(U64, data_count, 1),
    FIELD(I64, iteration, 1),
    FIELD(I64, shown, 1),
    FIELD(I64, sampled, 1),
    FIELD(U64, drawn, IDEM_GAN_RNGS),
    FIELD(DOUBLE, strength, 1),
    FIELD(DOUBLE, sign_sum, 1),
    FIELD(I64, sign_count, 1),
    FIELD(I64, skipped, 1),
    FIELD(I64, skipped_in_a_row, 1),
    FIELD(I64, metrics_offset, 1),
    FIELD(DOUBLE, sum, IDEM_GAN_SUMS),
    FIELD(I64, count, IDEM_GAN_SUMS),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

int idem_gan_state_store(const idem_gan_state *s, const idem_gan_recipe *r, idem_weights *w) {
    return idem_state_store(fields, FIELDS, s, w) || idem_fields_store(&idem_gan_fields, r, w) ||
                   idem_weights_set_meta(w, "run.data", s->data) || (!s->by_place && idem_gan_data_store_split(w))
               ? -1
               : 0;
}

static int read_saved(void *to, const idem_weights *w) {
    idem_gan_saved *s = to;
    memset(s, 0, sizeof *s);
    if (idem_state_load(fields, FIELDS, &s->state, w))
        return -1;
    if (s->state.iteration < 0 || s->state.shown < 0 || s->state.metrics_offset < 0 || s->state.threads < 1 ||
        s->state.threads > IDEM_THREADS_MOST)
        return idem_fail("metadata holds numbers that no run has; the file is damaged");
    const char *data = idem_weights_meta(w, "run.data");
    snprintf(s->state.data, sizeof s->state.data, "%s", data ? data : "");
    s->state.by_place = !idem_gan_data_split(w);
    return idem_fields_load(&idem_gan_fields, &s->recipe, w);
}

int idem_gan_state_load(const char *run, idem_weights **w, idem_gan_saved *saved) {
    return idem_checkpoint_load(run, w, read_saved, saved);
}
