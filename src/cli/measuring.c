#include "cli/measuring.h"

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/progress.h"

static int show(void *measuring, const char *what, uint64_t done, uint64_t all) {
    idem_cli_measuring *m = measuring;
    if (m->doing != what) {
        idem_progress_clear();
        idem_progress_start(what, m->unit ? m->unit : "pictures", all, done, m->quiet);
        m->doing = what;
    }
    idem_progress_update(done, NULL);
    if (m->finish && done == all) {
        idem_progress_finish();
        m->doing = NULL;
    }
    return 0;
}

static void say(void *measuring, const char *line) {
    (void)measuring;
    idem_cli_say("idem: %s", line);
}

idem_measure_watch idem_cli_watch(idem_cli_measuring *m) {
    return (idem_measure_watch){.user = m, .stop = &idem_cli_stop, .progress = show, .note = say};
}

int idem_cli_unreadable_pairs(double n) {
    return n > 0 ? idem_cli_fail("%.0f of the pairs given could not be read; the others are measured", n) : 0;
}
