/* The list of models that can be fetched (models/registry.json): name, licence, contract, package and version, and size
 * and SHA-256 of each file. */
#ifndef IDEM_FORMAT_REGISTRY_H
#define IDEM_FORMAT_REGISTRY_H

#include <jansson.h>

#include "base/arena.h"

typedef enum { IDEM_FILE_ABSENT, IDEM_FILE_OK, IDEM_FILE_WRONG } idem_file_state;

typedef struct {
    const char *file, *sha256;
    const char *member; /* its path in the package; NULL: model/FILE */
    const char *url;    /* https, http or file; for models without a package */
    json_int_t bytes;
} idem_registry_file;

enum { IDEM_REGISTRY_FILES = 4 };
typedef struct {
    const char *name, *what, *licence, *contract;
    const char *package, *version; /* of npm; NULL: each file has a url */
    int n_files;
    idem_registry_file files[IDEM_REGISTRY_FILES];
} idem_registry_model;

typedef struct {
    json_t *root; /* owns the texts */
    int n;
    idem_registry_model *models; /* in the arena */
} idem_registry;

/* NULL: the list built into the library. */
int idem_registry_open(idem_registry *r, idem_arena *a, const char *path);
/* {"models": [...]}; file names have no folders, so that none is outside the folder of models. -1 with a message. */
int idem_registry_parse(idem_registry *r, idem_arena *a, const char *text, size_t size, const char *what);
void idem_registry_close(idem_registry *r);

/* By size and SHA-256. -1 if it exists but cannot be read. */
int idem_registry_check(idem_file_state *state, const idem_registry_file *f, const char *folder);

#endif
