#include "cli/library.h"

#include <malloc.h>
#include <signal.h>
#include <stddef.h>

#include "cli/command.h"

static idem_context *volatile at_work;

void idem_cli_cancel(void) {
    idem_cancel(at_work);
}

void idem_cli_keep_no_pictures(void) {
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

int idem_cli_find_model(idem_cli_model *m, const idem_model_files *files) {
    m->generator = files->generator ? files->generator : m->shipped[0];
    m->mapper = files->mapper ? files->mapper : m->shipped[1];
    return (!files->generator && idem_find_shipped(IDEM_SHIPPED_GENERATOR, m->shipped[0], sizeof m->shipped[0])) ||
                   (!files->mapper && idem_find_shipped(IDEM_SHIPPED_MAPPER, m->shipped[1], sizeof m->shipped[1]))
               ? -1
               : 0;
}

idem_context *idem_cli_open(const idem_model_files *files, const idem_shared *shared, int pose) {
    idem_cli_model model;
    idem_options o;
    idem_options_default(&o);
    o.threads = shared->threads;
    o.precision = shared->precision;
    o.pose = pose;
    o.batch = 1;
    if (files) {
        if (idem_cli_find_model(&model, files))
            return NULL;
        o.generator = model.generator;
        o.mapper = *model.mapper ? model.mapper : NULL;
        o.identity_net = files->identity_net;
        o.generator_only = !o.mapper && !files->refines;
    }
    idem_context *c = idem_open(&o);
    at_work = c;
    if (idem_cli_stop) /* the signal came before there was a context */
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
