#define _GNU_SOURCE
#include "cli/registry.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/models.h"
#include "cli/registry_text.h" /* made from models/registry.json by CMake */

int idem_registry_open(idem_registry *r, idem_arena *a, const char *path) {
    unsigned char *text;
    size_t size;
    *r = (idem_registry){0};
    if (!path)
        return idem_registry_parse(r, a, registry_text, strlen(registry_text), "models/registry.json");
    if (idem_file_read(path, (size_t)2 << 20, &text, &size))
        return -1;
    int status = idem_registry_parse(r, a, (const char *)text, size, path);
    free(text);
    return status;
}

const char *idem_registry_folder(idem_arena *a) {
    char path[PATH_MAX];
    return idem_models_folder(path, sizeof path, NULL) ? NULL : idem_arena_strdup(a, path);
}

/* The message names this file in this folder. */
static bool is_about(const char *message, const char *folder, const char *file) {
    size_t n = strcspn(message, ":");
    char *path = message[n] ? strndup(message, n) : NULL, *slash = path ? strrchr(path, '/') : NULL;
    bool about = slash && !strcmp(slash + 1, file);
    if (about) {
        *slash = 0;
        about = idem_path_same(path, folder);
    }
    free(path);
    return about;
}

const char *idem_registry_damaged(idem_arena *a, const char *message) {
    idem_registry r;
    const char *folder = idem_registry_folder(a), *name = NULL;
    if (!folder || idem_registry_open(&r, a, NULL))
        return NULL;
    for (int i = 0; i < r.n && !name; i++)
        for (int k = 0; k < r.models[i].n_files && !name; k++) {
            const idem_registry_file *f = &r.models[i].files[k];
            idem_file_state state;
            if (is_about(message, folder, f->file) && !idem_registry_check(&state, f, folder) &&
                state == IDEM_FILE_WRONG)
                name = idem_arena_strdup(a, r.models[i].name);
        }
    idem_registry_close(&r);
    return name;
}
