/* Inside src/api only: what callers say of samples. */
#ifndef IDEM_API_SAMPLING_H
#define IDEM_API_SAMPLING_H

#include "api/context.h"

/* Within their ranges; call: for messages. */
int idem_sampling_check(const char *call, const idem_sampling *sampling);

#endif
