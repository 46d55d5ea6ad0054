#include "cli/field_options.h"

int idem_field_options(idem_option *options, int n, const idem_fields *t, void *recipe, bool *given) {
    static const idem_option_kind kinds[] = {[IDEM_FIELD_SEED] = IDEM_OPT_U64,
                                             [IDEM_FIELD_COUNT] = IDEM_OPT_LONG,
                                             [IDEM_FIELD_REAL] = IDEM_OPT_REAL,
                                             [IDEM_FIELD_FLAG] = IDEM_OPT_FLAG};
    static const char *const args[] = {
        [IDEM_FIELD_SEED] = "S", [IDEM_FIELD_COUNT] = "N", [IDEM_FIELD_REAL] = "X", [IDEM_FIELD_FLAG] = NULL};
    for (int i = 0; i < t->n; i++) {
        const idem_field *f = &t->row[i];
        options[n++] = (idem_option){.kind = kinds[f->kind],
                                     .name = f->name,
                                     .arg = args[f->kind],
                                     .value = (char *)recipe + f->offset,
                                     .min = f->low,
                                     .max = f->high,
                                     .was_given = &given[i],
                                     .help = f->help};
    }
    return n;
}
