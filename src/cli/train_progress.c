#include "cli/train_progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/terms.h"

double idem_train_number(const idem_train_figure *figure, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(figure[i].name, name))
            return figure[i].value;
    return NAN;
}

void idem_train_smooth(double *mean, double value) {
    if (isfinite(value))
        *mean = *mean == 0 ? value : 0.95 * *mean + 0.05 * value;
}

static int progress(void *user, const idem_train_progress *p) {
    static const char *const phases[] = {[IDEM_TRAIN_READING] = "reading",
                                         [IDEM_TRAIN_FINDING] = "looking for faces",
                                         [IDEM_TRAIN_MEASURING] = "measuring",
                                         [IDEM_TRAIN_ENCODING] = "finding codes"};
    idem_train_view *v = user;
    char words[128] = "";
    if (p->phase == IDEM_TRAIN_LEARNING) {
        v->words(user, p, words, sizeof words);
        idem_progress_update((uint64_t)p->done, "%s", words);
        return 0;
    }
    if (v->shown != 1 + p->phase) {
        const uint64_t before = p->done > 0 ? (uint64_t)p->done - 1 : 0;
        idem_progress_start(phases[p->phase], p->phase == IDEM_TRAIN_MEASURING ? v->unit : "pictures", (uint64_t)p->all,
                            before, v->quiet);
        v->shown = 1 + p->phase;
    }
    idem_progress_update((uint64_t)p->done, NULL);
    if (p->done == p->all && p->phase == IDEM_TRAIN_MEASURING)
        idem_progress_clear();
    else if (p->done == p->all)
        idem_progress_finish();
    return 0;
}

static void note(void *user, int kind, const char *text) {
    const idem_train_view *v = user;
    if (kind == IDEM_TRAIN_LEFT_OUT)
        idem_cli_say("idem: %s: %s", v->left_out, text);
    else if (!v->quiet) {
        char *said = idem_cli_terms(text);
        idem_cli_say("%s", said ? said : text);
        free(said);
    }
}

void idem_train_view_begin(idem_train_view *v) {
    idem_train_watch_default(&v->watch);
    v->watch.user = v;
    v->watch.stop = &idem_cli_stop;
    v->watch.time_limit = v->time_limit;
    v->watch.progress = progress;
    v->watch.note = note;
}

void idem_train_view_start(const idem_train_view *v, const idem_train_start *start) {
    idem_progress_start("training", v->unit, (uint64_t)start->all, (uint64_t)start->done, v->quiet);
}
