/* The public library's lists of picture files (include/idem/pictures.h). */
#define _POSIX_C_SOURCE 200809L
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "data/picture_tree.h"
#include "idem.h"
#include "media/format.h"
#include "media/listing.h"

struct idem_file_list {
    char **paths, **names; /* [capacity], of which NULL follows the last */
    size_t n, capacity;
    idem_left_out left_out;
};

const char *idem_picture_formats(void) {
    return IDEM_FORMATS;
}

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
}

idem_file_list *idem_new_file_list(void) {
    idem_file_list *l = calloc(1, sizeof *l);
    if (l && (l->paths = calloc(1, sizeof *l->paths)) && (l->names = calloc(1, sizeof *l->names)))
        return l;
    idem_free_file_list(l);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for a list of files");
}

void idem_free_file_list(idem_file_list *l) {
    if (!l)
        return;
    if (l->names)
        idem_names_free(l->names, l->n);
    if (l->paths)
        idem_names_free(l->paths, l->n);
    free(l);
}

/* Makes capacity for n more, and a NULL. */
static int reserve(idem_file_list *l, const char *path, size_t more) {
    if (more > INT_MAX - l->n)
        return idem_fail("%s: too many files", path);
    const size_t capacity = l->n + more + 1 > l->capacity ? l->n + more + 1 + l->n / 2 : l->capacity;
    char ***lists[] = {&l->paths, &l->names};
    for (int i = 0; i < 2 && capacity > l->capacity; i++) {
        char **longer = realloc(*lists[i], capacity * sizeof *longer);
        if (!longer)
            return no_memory();
        *lists[i] = longer;
    }
    l->capacity = capacity;
    return 0;
}

/* Takes ownership of both; reserve was called before. */
static int add_file(idem_file_list *l, char *path, char *name) {
    if (!path || !name) {
        free(path);
        free(name);
        return no_memory();
    }
    l->paths[l->n] = path;
    l->names[l->n++] = name;
    l->paths[l->n] = l->names[l->n] = NULL;
    return 0;
}

/* The stem, or the whole name if another file has the same stem. Names are sorted, so such files are neighbours: their
 * names start with "stem.". */
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
    return strdup(names[i]);
}

static int list_folder(idem_file_list *l, const char *folder) {
    idem_listing in;
    if (idem_listing_read(&in, folder))
        return -1;
    idem_left_out_add(&l->left_out, &in, true);
    int status = reserve(l, folder, in.n_pictures);
    for (size_t i = 0; i < in.n_pictures && !status; i++)
        status = add_file(l, idem_path_join(folder, in.pictures[i]), short_name(in.pictures, in.n_pictures, i));
    idem_listing_free(&in);
    return status;
}

static int check(const char *call, const idem_file_list *l, const char *path) {
    return l && path ? 0 : idem_fail("%s: an argument is NULL", call);
}

int idem_list_files(idem_file_list *l, const char *path) {
    if (check("idem_list_files", l, path))
        return -1;
    if (idem_path_is_dir(path))
        return list_folder(l, path);
    return reserve(l, path, 1) ? -1 : add_file(l, strdup(path), idem_path_stem(path));
}

int idem_list_files_below(idem_file_list *l, const char *folder) {
    if (check("idem_list_files_below", l, folder))
        return -1;
    idem_picture_tree *t = idem_picture_tree_open(folder);
    const size_t n = t ? idem_picture_tree_count(t) : 0;
    int status = t ? reserve(l, folder, n) : -1;
    for (size_t i = 0; i < n && !status; i++)
        status = add_file(l, strdup(idem_picture_tree_path(t, i)), strdup(idem_picture_tree_name(t, i)));
    idem_picture_tree_free(t);
    return status;
}

int idem_count_files(const idem_file_list *l) {
    return l ? (int)l->n : 0;
}

const char *const *idem_file_paths(const idem_file_list *l) {
    return l ? (const char *const *)l->paths : NULL;
}

const char *const *idem_file_names(const idem_file_list *l) {
    return l ? (const char *const *)l->names : NULL;
}

size_t idem_files_passed_over(const idem_file_list *l, char *text, size_t size) {
    static const idem_left_out nothing;
    const idem_left_out *o = l ? &l->left_out : &nothing;
    if (text && size)
        idem_left_out_text(o, text, size);
    return o->files;
}
