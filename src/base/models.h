/* Where models lie: the one look-up of all commands and of the library. */
#ifndef IDEM_BASE_MODELS_H
#define IDEM_BASE_MODELS_H

#include <stddef.h>

/* The folder of the fetched networks, to read from and to fetch into. `stated`, $IDEM_MODELS, or the first of these
 * that is there: models/cache in the current folder; models/cache in the folder of the program or up to two above it;
 * and the user's own, $XDG_DATA_HOME/idem/models or ~/.local/share/idem/models. None is there: models/cache of the
 * source tree that is the current folder or that the program lies in, else the user's own. Empty texts count as not
 * set. -1 with a message when it does not fit. */
int idem_models_folder(char *path, size_t size, const char *stated);

/* A network of that folder; -1 with a message of the kind IDEM_MISSING that names the command which fetches it. */
int idem_models_find(char *path, size_t size, const char *stated, const char *file);

/* A file that comes with the program: models/ of the current folder, of the folder above the program's or of the one
 * above that, or share/idem/models of the tree it is installed in. "": the folder itself. -1 with a message of the kind
 * IDEM_MISSING. */
int idem_models_shipped(char *path, size_t size, const char *file);

#endif
