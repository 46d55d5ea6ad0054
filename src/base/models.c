#define _GNU_SOURCE
#include "base/models.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

enum { UP = 3 }; /* build/tests/test_x, PREFIX/lib/TRIPLET/libidem.so */

static int join(char *path, size_t size, const char *folder, const char *file) {
    int n = snprintf(path, size, "%s%s%s", folder, *folder && *file ? "/" : "", file);
    return n >= 0 && (size_t)n < size
               ? 0
               : idem_fail("%.100s...: the path has %d bytes, expected less than %zu", folder, n, size);
}

static bool is_there(const char *folder, const char *below) {
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s/%s", folder, below);
    return n >= 0 && (size_t)n < sizeof path && idem_path_exists(path);
}

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* ---- idem's own tree ---- */

typedef struct {
    char folder[PATH_MAX]; /* "": the current one */
    bool source;           /* true: the source tree; false: an installed tree */
} tree;

/* Two files are checked, since other programs also have a folder models/. */
static bool is_source(const char *folder) {
    return is_there(folder, "models/registry.json") && is_there(folder, "include/idem.h");
}

/* The nearest folder above the file in t->folder that is one of these. */
static bool above(tree *t) {
    for (int up = 0; up < UP; up++) {
        char *slash = strrchr(t->folder, '/');
        if (!slash || slash == t->folder)
            return false;
        *slash = 0;
        t->source = is_source(t->folder);
        if (t->source || is_there(t->folder, "share/idem/models"))
            return true;
    }
    return false;
}

static bool above_program(tree *t) {
    ssize_t n = readlink("/proc/self/exe", t->folder, sizeof t->folder - 1);
    t->folder[n > 0 ? n : 0] = 0;
    return above(t);
}

/* The library may be part of another program. */
static bool above_library(tree *t) {
    Dl_info here;
    return dladdr((const void *)(uintptr_t)&idem_models_folder, &here) && realpath(here.dli_fname, t->folder) &&
           above(t);
}

/* A build may be outside of its source tree: then the current folder is checked. */
static bool find_tree(tree *t) {
    if (above_program(t) || above_library(t)) {
        if (idem_path_same(t->folder, "."))
            *t->folder = 0; /* messages are shorter */
        return true;
    }
    *t = (tree){.source = is_source(".")};
    return t->source;
}

/* ---- the look-up ---- */

int idem_models_folder(char *path, size_t size, const char *stated) {
    if (!stated || !*stated)
        stated = variable("IDEM_MODELS");
    if (stated)
        return join(path, size, stated, "");
    tree t;
    if (find_tree(&t) && t.source)
        return join(path, size, t.folder, "models/cache");
    const char *cache = variable("XDG_CACHE_HOME"), *home = variable("HOME");
    if (cache && *cache == '/') /* the specification ignores relative paths */
        return join(path, size, cache, "idem");
    return home ? join(path, size, home, ".cache/idem")
                : idem_fail_as(IDEM_MISSING, "no folder for models: IDEM_MODELS, XDG_CACHE_HOME and HOME are not set, "
                                             "expected one of them");
}

int idem_models_find(char *path, size_t size, const char *stated, const char *file) {
    char folder[PATH_MAX];
    if (idem_models_folder(folder, sizeof folder, stated) || join(path, size, folder, file))
        return -1;
    return idem_path_exists(path)
               ? 0
               : idem_fail_as(IDEM_MISSING,
                              "%s: not in %s; fetch it with `idem model fetch --all`, or set IDEM_MODELS to its folder",
                              file, folder);
}

int idem_models_shipped(char *path, size_t size, const char *file) {
    tree t;
    char folder[PATH_MAX];
    const bool found = find_tree(&t);
    if (found && (join(folder, sizeof folder, t.folder, t.source ? "models" : "share/idem/models") ||
                  join(path, size, folder, file)))
        return -1;
    return found && idem_path_exists(path)
               ? 0
               : idem_fail_as(IDEM_MISSING,
                              "%s comes with idem, and is not in share/idem/models of the tree that the program or the "
                              "library is installed in: install idem completely, or name the file with an option",
                              file);
}
