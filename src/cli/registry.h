/* The models that can be fetched: models/registry.json, built into the program. */
#ifndef IDEM_CLI_REGISTRY_H
#define IDEM_CLI_REGISTRY_H

#include <jansson.h>

#include "base/arena.h"

typedef enum { IDEM_FILE_ABSENT, IDEM_FILE_OK, IDEM_FILE_WRONG } idem_file_state;

typedef struct {
    const char *file, *sha256;
    json_int_t bytes;
} idem_registry_file;

enum { IDEM_REGISTRY_FILES = 4 };
typedef struct {
    const char *name, *what, *licence, *contract, *package, *version;
    int n_files;
    idem_registry_file files[IDEM_REGISTRY_FILES];
} idem_registry_model;

typedef struct {
    json_t *root; /* owns the texts */
    int n;
    idem_registry_model *models; /* in the arena */
} idem_registry;

int idem_registry_open(idem_registry *r, idem_arena *a);
void idem_registry_close(idem_registry *r);
const idem_registry_model *idem_registry_find(const idem_registry *r, const char *name); /* NULL when unknown */

/* Where the model files are or would be: $IDEM_MODELS; else models/cache in the current folder, or two folders above
 * the program, whichever exists; else models/cache. NULL when memory is short. */
const char *idem_registry_folder(idem_arena *a);

/* By size and SHA-256. -1 when it is there but cannot be read. */
int idem_registry_check(idem_file_state *state, const idem_registry_file *f, const char *folder);
/* The worst of its files. */
int idem_registry_check_model(idem_file_state *state, const idem_registry_model *m, const char *folder);
const char *idem_file_state_text(idem_file_state s); /* "absent", "ok", "wrong hash" */

#endif
