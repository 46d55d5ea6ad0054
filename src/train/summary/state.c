#include "train/summary/state.h"

#define FIELD(kind, key, member, count)                                                                                \
    { "run." key, IDEM_STATE_##kind, offsetof(idem_summary_state, member), count }
static const idem_state_field fields[] = {
    FIELD(INT, "threads", run.threads, 1),
    FIELD(U64, "data_count", run.data_count, 1),
    FIELD(I64, "iteration", run.iteration, 1),
    FIELD(I64, "sampled", sampled, 1),
    FIELD(I64, "skipped", run.skipped, 1),
    FIELD(I64, "skipped_in_a_row", run.skipped_in_a_row, 1),
    FIELD(I64, "metrics_offset", run.metrics_offset, 1),
    FIELD(DOUBLE, "sum", run.sum, IDEM_SUMMARY_SUMS),
    FIELD(I64, "count", run.count, 1), /* for all sums: an iteration has all losses or, if skipped, none */
};

static int read_count(void *state, const idem_weights *w) {
    (void)w;
    idem_summary_state *s = state;
    for (int i = 1; i < IDEM_SUMMARY_SUMS; i++)
        s->run.count[i] = s->run.count[0];
    return 0;
}

const idem_run_form idem_summary_form = {.recipe = &idem_summary_fields,
                                         .recipe_bytes = sizeof(idem_summary_recipe),
                                         .field = fields,
                                         .fields = sizeof fields / sizeof *fields,
                                         .state_bytes = sizeof(idem_summary_state),
                                         .read = read_count};
