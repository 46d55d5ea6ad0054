#define _GNU_SOURCE
#include "cli/files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/left_out.h"
#include "media/format.h"

/* ---- the files of a side ---- */

/* The stem, or the whole name when another file has the same stem. Names are sorted, so such files lie in one run of
 * names that start with "stem.". */
static char *short_name(char *const *names, size_t count, size_t i) {
    char *stem = idem_path_stem(names[i]);
    if (!stem)
        return NULL;
    size_t n = strlen(stem), first = i, end = i + 1;
    bool alone = true;
    while (first > 0 && !strncmp(names[first - 1], stem, n) && names[first - 1][n] == '.')
        first--;
    while (end < count && !strncmp(names[end], stem, n) && names[end][n] == '.')
        end++;
    for (size_t k = first; k < end; k++)
        alone = alone && (k == i || strchr(names[k] + n + 1, '.'));
    if (alone)
        return stem;
    free(stem);
    char *whole = strdup(names[i]);
    return whole ? whole : idem_fail_null_as(IDEM_MEMORY, "out of memory for a name");
}

/* Takes both over. */
static int add_file(idem_files *f, char *path, char *name) {
    f->paths[f->n] = path;
    f->names[f->n++] = name;
    return path && name ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
}

static int list_names(idem_files *f, const char *path, char *const *names, size_t count) {
    if (count > INT_MAX)
        return idem_fail("%s: too many files", path);
    f->paths = calloc(count + 1, sizeof *f->paths);
    f->names = calloc(count + 1, sizeof *f->names);
    if (!f->paths || !f->names)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
    int status = 0;
    for (size_t i = 0; i < count && !status; i++)
        status = f->folder ? add_file(f, idem_path_join(path, names[i]), short_name(names, count, i))
                           : add_file(f, strdup(path), idem_path_stem(path));
    return status;
}

int idem_files_list(idem_files *f, const char *path) {
    *f = (idem_files){.given = path, .folder = idem_path_is_dir(path)};
    idem_listing in = {.n_pictures = 1};
    if (f->folder && idem_left_out_list(&in, path))
        return -1;
    int status = list_names(f, path, in.pictures, in.n_pictures);
    if (f->folder)
        idem_listing_free(&in);
    if (status)
        idem_files_free(f);
    return status;
}

void idem_files_free(idem_files *f) {
    for (int i = 0; i < f->n; i++) {
        free(f->paths[i]);
        free(f->names[i]);
    }
    free(f->paths);
    free(f->names);
    *f = (idem_files){0};
}

int idem_names_find(char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

int idem_files_find(const idem_files *f, const char *name) {
    return idem_names_find(f->names, f->n, name);
}

int idem_files_check(const idem_files *f, int good) {
    if (!f->n)
        return idem_fail("%s: has no picture (" IDEM_FORMATS ")", f->given);
    return good ? 0 : idem_fail("%s: no readable picture (" IDEM_FORMATS ") among %d files", f->given, f->n);
}

/* ---- lists of files ---- */

typedef struct {
    char **names;
    size_t count, room;
} list;

/* Takes the path over. */
static int add(list *l, char *path) {
    if (path && l->count + 1 >= l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **names = realloc(l->names, room * sizeof *names);
        if (!names) {
            free(path);
            return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
        }
        l->names = names;
        l->room = room;
    }
    if (!path)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
    l->names[l->count++] = path;
    l->names[l->count] = NULL;
    return 0;
}

static int add_folder(list *l, const char *dir) {
    idem_listing in;
    if (idem_left_out_list(&in, dir))
        return -1;
    int status = in.n_pictures ? 0 : idem_fail("%s: has no picture (" IDEM_FORMATS ")", dir);
    for (size_t i = 0; i < in.n_pictures && !status; i++)
        status = add(l, idem_path_join(dir, in.pictures[i]));
    idem_listing_free(&in);
    return status;
}

char **idem_photo_list(char *const *paths, int n, size_t *count) {
    list l = {0};
    for (int i = 0; i < n; i++)
        if (idem_path_is_dir(paths[i]) ? add_folder(&l, paths[i]) : add(&l, strdup(paths[i]))) {
            idem_names_free(l.names, l.count);
            return NULL;
        }
    *count = l.count;
    return l.names;
}
