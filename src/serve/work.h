/* What the interface does, with the public library alone. */
#ifndef IDEM_SERVE_WORK_H
#define IDEM_SERVE_WORK_H

#include "serve/form.h"
#include "serve/jobs.h"

/* An answer to a request. */
typedef struct {
    int status;       /* of HTTP */
    const char *type; /* constant */
    char *bytes;      /* malloc'ed */
    size_t size;
} idem_answer;

/* {"error": {"kind": ..., "message": ...}} */
void idem_answer_error(idem_answer *answer, int status, const char *kind, const char *message);
void idem_answer_json(idem_answer *answer, void *json); /* a json_t, which it takes */

typedef void idem_work(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer);

/* The work of a path ("/compose"); NULL: there is none. */
idem_work *idem_work_find(const char *path);

#endif
