#include "train/mapper/state.h"

#include <string.h>

#include "engine/op.h"
#include "train/checkpoint.h"
#include "train/state.h"

#define FIELD(kind, name, count)                                                                                       \
    { "run." #name, IDEM_STATE_##kind, offsetof(idem_run_state, name), count }

static const idem_state_field fields[] = {
    FIELD(INT, threads, 1),           FIELD(U64, data_count, 1),         FIELD(I64, iteration, 1),
    FIELD(I64, evaluated, 1),         FIELD(U64, cursor.pictures, 1),    FIELD(U64, cursor.codes, 1),
    FIELD(I64, metrics_offset, 1),    FIELD(DOUBLE, sum, IDEM_RUN_SUMS), FIELD(I64, count, IDEM_RUN_SUMS),
    FIELD(I64, skipped_landmarks, 1), FIELD(I64, skipped_steps, 1),      FIELD(I64, skipped_in_a_row, 1),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

int idem_run_state_read(void *state, const idem_weights *w) {
    idem_run_state *s = state;
    *s = (idem_run_state){0};
    if (idem_state_load(fields, FIELDS, s, w))
        return -1;
    if (s->iteration < 0 || s->metrics_offset < 0 || s->threads < 1 || s->threads > IDEM_THREADS_MOST)
        return idem_fail("metadata holds numbers that no run has; the file is damaged");
    return idem_recipe_load(&s->recipe, w);
}

int idem_run_state_save(const char *run, idem_weights *tensors, const idem_run_state *state, const char *generator) {
    if (idem_state_store(fields, FIELDS, state, tensors) || idem_recipe_store(&state->recipe, tensors) ||
        idem_weights_set_meta(tensors, "generator", generator))
        return -1;
    return idem_checkpoint_save(run, state->iteration, tensors);
}

int idem_run_state_load(const char *run, idem_weights **tensors, idem_run_state *state, const idem_model *m) {
    int status = idem_checkpoint_load(run, tensors, idem_run_state_read, state);
    if (status != 1)
        return status;
    const char *hash = idem_weights_meta(*tensors, "generator");
    if (hash && (!m || idem_model_is(m, hash)))
        return 1;
    /* The message first: the hash goes with the tensors. */
    status = idem_fail("%s: this run trains for the generator with hash %s, not for %s: name its generator", run,
                       hash ? hash : "?", m ? idem_model_about(m)->hash : "any");
    idem_weights_free(*tensors);
    *tensors = NULL;
    return status;
}
