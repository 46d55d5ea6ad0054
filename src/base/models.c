#define _GNU_SOURCE
#include "base/models.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

enum { UP = 3 }; /* PREFIX/bin/idem, build/tests/test_x */

static const char cache[] = "models/cache";

static int join(char *path, size_t size, const char *folder, const char *file) {
    int n = snprintf(path, size, "%s%s%s", folder, *folder && *file ? "/" : "", file);
    return n >= 0 && (size_t)n < size
               ? 0
               : idem_fail("%.100s...: the path has %d bytes, expected less than %zu", folder, n, size);
}

/* The folder `up` levels above the program's file. */
static bool above_program(char path[PATH_MAX], int up) {
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = 0;
    for (; up > 0; up--) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return false;
        *slash = 0;
    }
    return n > 0;
}

static bool is_there(char *path, size_t size, const char *folder, const char *below) {
    return !join(path, size, folder, below) && idem_path_exists(path);
}

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static int own_folder(char *path, size_t size) {
    const char *data = variable("XDG_DATA_HOME"), *home = variable("HOME");
    if (data)
        return join(path, size, data, "idem/models");
    return home ? join(path, size, home, ".local/share/idem/models") : join(path, size, "", cache);
}

int idem_models_folder(char *path, size_t size, const char *stated) {
    if (!stated || !*stated)
        stated = variable("IDEM_MODELS");
    if (stated)
        return join(path, size, stated, "");
    char program[PATH_MAX];
    for (int source = 0; source < 2; source++) { /* first what is there, then where it would be made */
        const char *sign = source ? "models/registry.json" : cache;
        if (idem_path_exists(sign))
            return join(path, size, "", cache);
        for (int up = 1; up <= UP; up++)
            if (above_program(program, up) && is_there(path, size, program, sign))
                return join(path, size, program, cache);
        if (own_folder(path, size))
            return -1;
        if (idem_path_exists(path))
            return 0;
    }
    return 0;
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
    if (is_there(path, size, "models", file))
        return 0;
    char program[PATH_MAX], folder[PATH_MAX + 32];
    for (int up = 2; up <= UP; up++)
        for (int installed = 0; installed < 2; installed++)
            if (above_program(program, up) &&
                !join(folder, sizeof folder, program, installed ? "share/idem/models" : "models") &&
                is_there(path, size, folder, file))
                return 0;
    return idem_fail_as(IDEM_MISSING,
                        "%s is neither in models/ here nor beside the program; run idem from its source folder, or "
                        "name the file with an option",
                        file);
}
