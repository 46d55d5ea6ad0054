/* POST /anonymise: every face of a photograph becomes that of a person who does not exist, as `idem anonymise` does it.
 */
#ifndef IDEM_SERVE_ANONYMISE_H
#define IDEM_SERVE_ANONYMISE_H

#include "serve/answer.h"
#include "serve/jobs.h"

/* An idem_work. */
void idem_work_anonymise(idem_context *context, idem_job *job, idem_form *form, idem_answer *answer);

#endif
