/* The look-up of models, for all commands and the library. It begins at idem's tree: the nearest folder, at most three
 * levels above the program's file, else above the library's, that is a source tree (with models/registry.json and
 * include/idem.h) or has share/idem/models; else the current folder if it is a source tree. */
#ifndef IDEM_BASE_MODELS_H
#define IDEM_BASE_MODELS_H

#include <stddef.h>

/* The folder of the fetched networks, for reading and fetching; it may not exist. `stated`, else $IDEM_MODELS, else
 * models/cache of the source tree, else $XDG_CACHE_HOME/idem, else ~/.cache/idem. Empty texts count as not set. -1 with
 * a message if there is none or `size` is too small. */
int idem_models_folder(char *path, size_t size, const char *stated);

/* A network of that folder; -1 with a message of the kind IDEM_MISSING that names the command to fetch it. */
int idem_models_find(char *path, size_t size, const char *stated, const char *file);

/* A file that comes with idem: in models/ of its source tree, or in share/idem/models. -1 with a message of the kind
 * IDEM_MISSING. */
int idem_models_shipped(char *path, size_t size, const char *file);

#endif
