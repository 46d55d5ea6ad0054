#define _GNU_SOURCE
#include "cli/registry.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
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
