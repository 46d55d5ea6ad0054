#define _GNU_SOURCE
#include "cli/registry.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "cli/registry_text.h" /* made from models/registry.json by CMake */

static int read_model(idem_registry_model *m, json_t *item) {
    json_t *files;
    json_error_t error;
    if (json_unpack_ex(item, &error, 0, "{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "name", &m->name, "what", &m->what,
                       "licence", &m->licence, "contract", &m->contract, "package", &m->package, "version", &m->version,
                       "files", &files))
        return idem_fail("models/registry.json: %s", error.text);
    m->n_files = (int)json_array_size(files);
    if (m->n_files < 1 || m->n_files > IDEM_REGISTRY_FILES)
        return idem_fail("models/registry.json: %s has %d files, expected 1 to %d", m->name, m->n_files,
                         IDEM_REGISTRY_FILES);
    for (int i = 0; i < m->n_files; i++) {
        idem_registry_file *f = &m->files[i];
        if (json_unpack_ex(json_array_get(files, (size_t)i), &error, 0, "{s:s, s:I, s:s}", "file", &f->file, "bytes",
                           &f->bytes, "sha256", &f->sha256))
            return idem_fail("models/registry.json: %s: %s", m->name, error.text);
    }
    return 0;
}

int idem_registry_open(idem_registry *r, idem_arena *a) {
    *r = (idem_registry){0};
    json_error_t error;
    if (!(r->root = json_loads(registry_text, 0, &error)))
        return idem_fail("models/registry.json: line %d: %s", error.line, error.text);
    json_t *models = json_object_get(r->root, "models"), *item;
    size_t i;
    r->models = idem_arena_array(a, json_array_size(models), sizeof *r->models);
    bool ok = r->models;
    json_array_foreach(models, i, item) {
        ok = ok && read_model(&r->models[i], item) == 0;
        r->n++;
    }
    if (ok)
        return 0;
    idem_registry_close(r);
    return -1;
}

void idem_registry_close(idem_registry *r) {
    json_decref(r->root);
    *r = (idem_registry){0};
}

const idem_registry_model *idem_registry_find(const idem_registry *r, const char *name) {
    for (int i = 0; i < r->n; i++)
        if (!strcmp(r->models[i].name, name))
            return &r->models[i];
    return NULL;
}

const char *idem_registry_folder(idem_arena *a) {
    static const char usual[] = "models/cache";
    const char *set = getenv("IDEM_MODELS");
    if (set && *set)
        return set;
    if (idem_path_is_dir(usual))
        return usual;
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    for (int up = 0; up < 2 && n > 0; up++)
        while (n > 0 && program[--n] != '/')
            ;
    if (n > 0) {
        char *beside = idem_arena_printf(a, "%.*s/%s", (int)n, program, usual);
        if (!beside || idem_path_is_dir(beside))
            return beside;
    }
    return usual;
}

int idem_registry_check(idem_file_state *state, const idem_registry_file *f, const char *folder) {
    char *path = idem_path_join(folder, f->file), hex[65];
    if (!path)
        return -1;
    struct stat st;
    int status = 0;
    *state = IDEM_FILE_ABSENT;
    if (stat(path, &st) == 0) {
        *state = IDEM_FILE_WRONG;
        if (st.st_size == f->bytes && !(status = idem_sha256_file(path, hex)) && !strcmp(hex, f->sha256))
            *state = IDEM_FILE_OK;
    }
    free(path);
    return status;
}

int idem_registry_check_model(idem_file_state *state, const idem_registry_model *m, const char *folder) {
    *state = IDEM_FILE_OK;
    for (int i = 0; i < m->n_files; i++) {
        idem_file_state s;
        if (idem_registry_check(&s, &m->files[i], folder))
            return -1;
        if (s != IDEM_FILE_OK && *state != IDEM_FILE_WRONG)
            *state = s;
    }
    return 0;
}

const char *idem_file_state_text(idem_file_state s) {
    static const char *const text[] = {"absent", "ok", "wrong hash"};
    return text[s];
}
