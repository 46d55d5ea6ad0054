/* Only for src/api: the contents of a context. */
#ifndef IDEM_API_CONTEXT_H
#define IDEM_API_CONTEXT_H

#include <stdbool.h>

#include "compose/photograph.h"
#include "compose/studio.h"
#include "idem.h"

struct idem_context {
    idem_studio *studio;
    int refine;
    volatile sig_atomic_t cancelled;
};

/* Checks the arguments common to all calls: 0, or -1 with a message. */
int idem_context_check(const char *call, const idem_context *c, bool arrays, int n);

#endif
