#include "train/run_form.h"

#include <string.h>

#include "engine/threads.h"

#define PRECISION "run.precision" /* absent: float32 */
#define BF16 "bf16"
#include "train/checkpoint.h"

int idem_run_form_store(const idem_run_form *f, const void *state, const void *recipe, idem_weights *w) {
    return idem_state_store(f->field, f->fields, state, w) || idem_fields_store(f->recipe, recipe, w) ||
                   (((const idem_run_state *)state)->bf16 && idem_weights_set_meta(w, PRECISION, BF16)) ||
                   (f->store && f->store(state, w))
               ? -1
               : 0;
}

int idem_run_form_read(const idem_run_form *f, void *state, void *recipe, const idem_weights *w) {
    const idem_run_state *s = state;
    memset(state, 0, f->state_bytes);
    memset(recipe, 0, f->recipe_bytes);
    if (idem_state_load(f->field, f->fields, state, w))
        return -1;
    const char *precision = idem_weights_meta(w, PRECISION);
    if (precision && strcmp(precision, BF16))
        return idem_fail("metadata \"" PRECISION "\" is \"%s\", expected " BF16 " or none", precision);
    ((idem_run_state *)state)->bf16 = precision != NULL;
    if (s->iteration < 0 || s->shown < 0 || s->metrics_offset < 0 || s->threads < 1 || s->threads > IDEM_THREADS_MOST)
        return idem_fail("metadata holds numbers that no run has; the file is damaged");
    return (f->read && f->read(state, w)) || idem_fields_load(f->recipe, recipe, w) ? -1 : 0;
}

int idem_run_form_save(const idem_run_form *f, const char *run, const void *state, const void *recipe,
                       idem_weights *w) {
    const int64_t iteration = ((const idem_run_state *)state)->iteration;
    return idem_run_form_store(f, state, recipe, w) || idem_checkpoint_save(run, iteration, w) ? -1 : 0;
}

typedef struct {
    const idem_run_form *form;
    void *state, *recipe;
} reading;

static int read_one(void *to, const idem_weights *w) {
    const reading *r = to;
    return idem_run_form_read(r->form, r->state, r->recipe, w);
}

int idem_run_form_load(const idem_run_form *f, const char *run, void *state, void *recipe, idem_weights **w) {
    return idem_checkpoint_load(run, w, read_one, &(reading){f, state, recipe});
}
