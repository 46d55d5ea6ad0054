/* The work of the interface, using only the public library. */
#ifndef IDEM_SERVE_WORK_H
#define IDEM_SERVE_WORK_H

#include "serve/answer.h"
#include "serve/jobs.h"

typedef void idem_work(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer);

/* The work of a path ("/compose"); NULL: none. */
idem_work *idem_work_find(const char *path);

#endif
