/* POST /anonymise: replaces every face of a photograph by that of a person who does not exist, like `idem anonymise`.
 */
#ifndef IDEM_SERVE_ANONYMISE_H
#define IDEM_SERVE_ANONYMISE_H

#include "serve/answer.h"
#include "serve/jobs.h"

/* An idem_work. */
void idem_work_anonymise(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer);

#endif
