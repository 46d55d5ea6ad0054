/* Only for src/api: callers' options for samples. */
#ifndef IDEM_API_SAMPLING_H
#define IDEM_API_SAMPLING_H

#include "api/context.h"

/* Checks their ranges; call: for messages. */
int idem_sampling_check(const char *call, const idem_sampling *sampling);

#endif
