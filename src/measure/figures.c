#include "measure/figures.h"

#include <math.h>

#include "base/status.h"

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
}

/* Takes ownership of value. */
static int put_below(json_t *report, const char *group, const char *key, json_t *value) {
    json_t *inner = json_object_get(report, group);
    if (!inner && (!(inner = json_object()) || json_object_set_new(report, group, inner))) {
        json_decref(value);
        return no_memory();
    }
    return json_object_set_new(inner, key, value) ? no_memory() : 0;
}

/* value: of a valid figure; takes ownership. */
static int put(json_t *report, const char *key, const idem_figure *f, json_t *value) {
    if (idem_figure_holds(f))
        return json_object_set_new(report, key, value) ? no_memory() : 0;
    json_decref(value);
    if (json_object_set_new(report, key, json_null()))
        return no_memory();
    return f->needs ? put_below(report, "needs", key,
                                json_pack("{s:I, s:I, s:s}", "needs", (json_int_t)f->needs, "has", (json_int_t)f->n,
                                          "of", f->of ? f->of : "pairs"))
                    : 0;
}

int idem_figure_put_plain(json_t *report, const char *key, const idem_figure *f) {
    if (idem_figure_holds(f) && !isfinite(f->mean))
        return idem_fail_as(IDEM_INTERNAL, "cannot make a report: %s is not a number", key);
    return put(report, key, f, idem_figure_holds(f) ? json_real(f->mean) : NULL);
}

int idem_figure_put(json_t *report, const char *key, const idem_figure *f) {
    if (idem_figure_put_plain(report, key, f))
        return -1;
    return idem_figure_holds(f)
               ? put_below(report, "standard_errors", key, isfinite(f->error) ? json_real(f->error) : json_null())
               : 0;
}

int idem_figure_put_verdict(json_t *report, const char *key, const idem_figure *f) {
    return put(report, key, f, idem_figure_holds(f) ? json_boolean(f->mean > 0) : NULL);
}
