/* Inside src/api only: what a context holds. */
#ifndef IDEM_API_CONTEXT_H
#define IDEM_API_CONTEXT_H

#include <stdbool.h>

#include "face/finder.h"
#include "idem.h"
#include "model/model.h"
#include "model/painter.h"
#include "model/pipe.h"

enum { IDEM_CONTEXT_PIPES = IDEM_PIPE_MAP + 1 };

struct idem_context {
    idem_model *model;
    int threads, batch, refine;
    char *models; /* folder of the downloaded networks; NULL: the usual places */
    struct {
        idem_pipe *pipe;
        float psi;
    } slots[IDEM_CONTEXT_PIPES]; /* made at first use; they share one activation buffer */
    idem_painter *painter;       /* for refining; made at first use */
    idem_finder *finder;         /* opened at first use */
};

/* What every call may expect of its arguments: 0, or -1 with a message. */
int idem_context_check(const char *call, const idem_context *c, bool arrays, int n);

#endif
