/* POST /grid: every identity with every set of attributes, like the grid.png of `idem compose`. */
#ifndef IDEM_SERVE_GRID_H
#define IDEM_SERVE_GRID_H

#include "serve/answer.h"
#include "serve/jobs.h"

/* An idem_work. */
void idem_work_grid(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer);

#endif
