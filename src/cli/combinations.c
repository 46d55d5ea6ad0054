#define _GNU_SOURCE
#include "cli/combinations.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"
#include "cli/progress.h"
#include "idem.h"

/* In the folder, or the file itself. */
static char *path_of(const idem_combinations *c, const char *name) {
    char *path = c->folder ? idem_path_in(c->output, name) : strdup(c->output);
    if (!path)
        idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a file name");
    return path;
}

int idem_combinations_open(idem_combinations *c, const char *output, bool folder, bool pairs) {
    *c = (idem_combinations){.output = output, .folder = folder, .pairs = pairs};
    char *path = path_of(c, "x");
    if (path)
        c->name_most = idem_file_name_most(path);
    free(path);
    return path ? 0 : -1;
}

static void forget(idem_combinations *c) {
    for (int i = 0; i < c->n; i++)
        free(c->at[i].path);
    c->n = 0;
}

void idem_combinations_free(idem_combinations *c) {
    forget(c);
    free(c->at);
    c->at = NULL;
}

static char *result_name(const idem_combinations *c, const char *who, const char *how) {
    char *name;
    int length = c->pairs ? asprintf(&name, "%s.png", who) : asprintf(&name, "%s--%s.png", who, how);
    if (length < 0)
        idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a file name");
    return length < 0 ? NULL : name;
}

bool idem_combinations_fit(const idem_combinations *c, const char *who, const char *how) {
    size_t length = strlen(who) + (c->pairs ? 0 : strlen("--") + strlen(how)) + strlen(".png");
    return !c->folder || length <= c->name_most;
}

int idem_combinations_check(idem_combinations *c, const char *who, const char *how) {
    if (idem_combinations_fit(c, who, how) || c->too_long++)
        return 0;
    char *name = result_name(c, who, how);
    if (name)
        idem_cli_say(
            "idem: passed over: %s: the name of this result has %zu bytes, at most %zu are legal in %s; rename "
            "its pictures",
            name, strlen(name), c->name_most, c->output);
    free(name);
    return name ? 0 : -1;
}

int idem_combinations_clear(idem_combinations *c, size_t n) {
    forget(c);
    if (n > INT_MAX)
        return idem_cli_fail("%zu are too many pictures", n);
    if ((int)n <= c->capacity)
        return 0;
    idem_combination *more = realloc(c->at, n * sizeof *more);
    if (!more)
        return idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a table of %zu", n);
    c->at = more;
    c->capacity = (int)n;
    return 0;
}

int idem_combinations_add(idem_combinations *c, int id, int attr, const char *who, const char *how) {
    if (!idem_combinations_fit(c, who, how))
        return 0;
    char *name = result_name(c, who, how), *path = name ? path_of(c, name) : NULL;
    if (path)
        c->at[c->n++] = (idem_combination){.id = id, .attr = attr, .path = path};
    free(name);
    return path ? 0 : -1;
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int idem_combinations_differ(const idem_combinations *c) {
    const char **paths = malloc((size_t)(c->n + 1) * sizeof *paths);
    if (!paths)
        return idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a table of %d", c->n);
    for (int i = 0; i < c->n; i++)
        paths[i] = c->at[i].path;
    qsort(paths, (size_t)c->n, sizeof *paths, by_path);
    int status = 0;
    for (int i = 1; i < c->n && !status; i++)
        if (!strcmp(paths[i - 1], paths[i]))
            status = idem_cli_fail("two combinations would both be called %s; rename a picture", paths[i]);
    free(paths);
    return status;
}
