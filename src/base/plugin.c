#define _GNU_SOURCE
#include "base/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#ifndef IDEM_PLUGINS_FROM_PROGRAM
#define IDEM_PLUGINS_FROM_PROGRAM "../lib/idem" /* from the folder of installed programs to that of plug-ins */
#endif

typedef struct {
    const char *file, *symbol;
    char *why;
    size_t n;
} search;

static void *try(const search *s, const char *dir, const char *below) {
    char path[PATH_MAX];
    const int length = snprintf(path, sizeof path, "%s/%s%s", dir, below, s->file);
    if (length < 0 || (size_t)length >= sizeof path || !idem_path_exists(path))
        return NULL;
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), *symbol = handle ? dlsym(handle, s->symbol) : NULL;
    if (symbol)
        return symbol;
    const char *error = dlerror();
    snprintf(s->why, s->n, "%s", error ? error : path);
    if (handle)
        dlclose(handle);
    return NULL;
}

static void *try_around(const search *s, char *program) {
    static const char *const places[] = {"", "idem/", "../", IDEM_PLUGINS_FROM_PROGRAM "/"};
    char *slash = strrchr(program, '/');
    void *found = NULL;
    if (!slash)
        return NULL;
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places && !found; i++)
        found = try(s, program, places[i]);
    return found;
}

void *idem_plugin_symbol(const char *file, const char *symbol, char *why, size_t n) {
    const search s = {file, symbol, why, n};
    const char *chosen = getenv("IDEM_PLUGINS");
    void *found = NULL;
    Dl_info here;
    char path[PATH_MAX];
    *why = 0;
    if (chosen && *chosen)
        found = try(&s, chosen, "");
    if (!found && dladdr((const void *)(uintptr_t)&idem_plugin_symbol, &here) && realpath(here.dli_fname, path))
        found = try_around(&s, path);
    const ssize_t length = found ? -1 : readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        found = try_around(&s, path);
    }
    return found;
}
