/* The list of models that can be fetched, and where they lie. */
#ifndef IDEM_CLI_REGISTRY_H
#define IDEM_CLI_REGISTRY_H

#include "format/registry.h"

/* The one built into the program for NULL. */
int idem_registry_open(idem_registry *r, idem_arena *a, const char *path);

/* Where the model files are or would be (base/models.h), in the arena. NULL with a message. */
const char *idem_registry_folder(idem_arena *a);

/* The model to fetch again when a message is about ("FILE: ...") one of its files in that folder and the file is not
 * what the list says; else NULL. Its name is in the arena. */
const char *idem_registry_damaged(idem_arena *a, const char *message);

#endif
