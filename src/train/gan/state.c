#include "train/gan/state.h"

#include <stdio.h>

#include "train/gan/data.h"

static const char DATA[] = "run.data";

#define FIELD(kind, key, member, count)                                                                                \
    { "run." key, IDEM_STATE_##kind, offsetof(idem_gan_state, member), count }
static const idem_state_field fields[] = {
    FIELD(INT, "threads", run.threads, 1),
    FIELD(U64, "data_count", run.data_count, 1),
    FIELD(I64, "iteration", run.iteration, 1),
    FIELD(I64, "shown", run.shown, 1),
    FIELD(I64, "sampled", sampled, 1),
    FIELD(U64, "drawn", drawn, IDEM_GAN_RNGS),
    FIELD(DOUBLE, "strength", strength, 1),
    FIELD(DOUBLE, "sign_sum", sign_sum, 1),
    FIELD(I64, "sign_count", sign_count, 1),
    FIELD(I64, "skipped", run.skipped, 1),
    FIELD(I64, "skipped_in_a_row", run.skipped_in_a_row, 1),
    FIELD(I64, "metrics_offset", run.metrics_offset, 1),
    FIELD(DOUBLE, "sum", run.sum, IDEM_GAN_SUMS),
    FIELD(I64, "count", run.count, IDEM_GAN_SUMS),
};

static int store(const void *state, idem_weights *w) {
    const idem_gan_state *s = state;
    return idem_weights_set_meta(w, DATA, s->data) || (!s->by_place && idem_gan_data_store_split(w)) ? -1 : 0;
}

static int read(void *state, const idem_weights *w) {
    idem_gan_state *s = state;
    const char *data = idem_weights_meta(w, DATA);
    snprintf(s->data, sizeof s->data, "%s", data ? data : "");
    s->by_place = !idem_gan_data_split(w);
    return 0;
}

const idem_run_form idem_gan_form = {.recipe = &idem_gan_fields,
                                     .recipe_bytes = sizeof(idem_gan_recipe),
                                     .field = fields,
                                     .fields = sizeof fields / sizeof *fields,
                                     .state_bytes = sizeof(idem_gan_state),
                                     .store = store,
                                     .read = read};
