#include "train/mapper/state.h"

#include <stdio.h>

static const char GENERATOR[] = "generator";

#define FIELD(kind, key, member, count)                                                                                \
    { "run." key, IDEM_STATE_##kind, offsetof(idem_mapper_state, member), count }
static const idem_state_field fields[] = {
    FIELD(INT, "threads", run.threads, 1),
    FIELD(U64, "data_count", run.data_count, 1),
    FIELD(I64, "iteration", run.iteration, 1),
    FIELD(I64, "evaluated", evaluated, 1),
    FIELD(U64, "cursor.pictures", cursor.pictures, 1),
    FIELD(U64, "cursor.codes", cursor.codes, 1),
    FIELD(I64, "metrics_offset", run.metrics_offset, 1),
    FIELD(DOUBLE, "sum", run.sum, IDEM_RUN_SUMS),
    FIELD(I64, "count", run.count, IDEM_RUN_SUMS),
    FIELD(I64, "skipped_landmarks", skipped_landmarks, 1),
    FIELD(I64, "skipped_steps", run.skipped, 1),
    FIELD(I64, "skipped_in_a_row", run.skipped_in_a_row, 1),
};

static int store(const void *state, idem_weights *w) {
    const idem_mapper_state *s = state;
    return idem_weights_set_meta(w, GENERATOR, s->generator);
}

static int read(void *state, const idem_weights *w) {
    idem_mapper_state *s = state;
    const char *hash = idem_weights_meta(w, GENERATOR);
    snprintf(s->generator, sizeof s->generator, "%s", hash ? hash : "");
    return 0;
}

const idem_run_form idem_mapper_form = {.recipe = &idem_recipe_fields,
                                        .recipe_bytes = sizeof(idem_recipe),
                                        .field = fields,
                                        .fields = sizeof fields / sizeof *fields,
                                        .state_bytes = sizeof(idem_mapper_state),
                                        .store = store,
                                        .read = read};

int idem_mapper_state_check(const idem_mapper_state *s, const char *run, const idem_model *m) {
    return *s->generator && (!m || idem_model_is(m, s->generator))
               ? 0
               : idem_fail("%s: this run trains for the generator with hash %s, not for %s: name its generator", run,
                           *s->generator ? s->generator : "?", m ? idem_model_about(m)->hash : "any");
}

int idem_mapper_state_load(const char *run, idem_weights **tensors, idem_mapper_saved *saved, idem_model *m) {
    const int found = idem_run_form_load(&idem_mapper_form, run, &saved->state, &saved->recipe, tensors);
    if (found != 1 || (!idem_mapper_state_check(&saved->state, run, m) && (!m || !idem_model_expect(m, *tensors))))
        return found;
    idem_weights_free(*tensors);
    *tensors = NULL;
    return -1;
}
