#include "cli/library.h"

#include <signal.h>
#include <stddef.h>

#include "cli/command.h"

enum { PATH_BYTES = 4096 };

static idem_context *volatile at_work;

void idem_cli_cancel(void) {
    idem_cancel(at_work);
}

idem_context *idem_cli_open(const idem_model_files *files, const idem_shared *shared, int pose) {
    char generator[PATH_BYTES], mapper[PATH_BYTES];
    idem_options o;
    idem_options_default(&o);
    o.threads = shared->threads;
    o.pose = pose;
    o.batch = 1;
    if (files) {
        o.generator = files->generator;
        o.mapper = files->mapper;
        o.identity_net = files->identity_net;
        if (!o.generator && idem_find_shipped(IDEM_SHIPPED_GENERATOR, generator, sizeof generator))
            return NULL;
        if (!o.mapper && idem_find_shipped(IDEM_SHIPPED_MAPPER, mapper, sizeof mapper))
            return NULL;
        o.generator = o.generator ? o.generator : generator;
        o.mapper = !o.mapper ? mapper : *o.mapper ? o.mapper : NULL;
        o.generator_only = !o.mapper && !files->refines;
    }
    idem_context *c = idem_open(&o);
    at_work = c;
    if (idem_cli_stop) /* before there was one to cancel */
        idem_cancel(c);
    return c;
}

void idem_cli_close(idem_context *c) {
    at_work = NULL;
    idem_close(c);
}

idem_writing idem_cli_writing(int origin) {
    idem_writing w;
    idem_writing_default(&w);
    w.format = IDEM_FORMAT_AS_PNG;
    w.origin = origin;
    w.nothing_random = 1;
    return w;
}
