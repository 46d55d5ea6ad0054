#define _GNU_SOURCE
#include "compose/anonymise_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "data/picture_tree.h"
#include "media/listing.h"

void idem_anonymise_files_free(idem_anonymise_files *files) {
    for (size_t i = 0; i < files->n; i++) {
        free(files->at[i].from);
        free(files->at[i].name);
    }
    free(files->at);
    *files = (idem_anonymise_files){0};
}

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* "FOLDER/name", or only the name. */
static int add(idem_anonymise_files *files, const char *from, const char *folder, const char *name) {
    if (files->n == files->capacity) {
        const size_t capacity = files->capacity ? 2 * files->capacity : 256;
        idem_anonymise_file *at = realloc(files->at, capacity * sizeof *at);
        if (!at)
            return idem_fail_as(IDEM_MEMORY, "out of memory for a list of %zu files", capacity);
        files->at = at;
        files->capacity = capacity;
    }
    idem_anonymise_file *f = &files->at[files->n];
    *f = (idem_anonymise_file){.from = strdup(from), .film = idem_is_film(from)};
    if (asprintf(&f->name, "%s%s%s", folder, *folder ? "/" : "", name) < 0)
        f->name = NULL;
    files->n++;
    return f->from && f->name ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
}

/* The folder's name, if there are several. */
static char *name_of_folder(const char *path) {
    char *real = realpath(path, NULL), *name = real ? strdup(base_of(real)) : NULL;
    free(real);
    return name ? name : idem_fail_null_as(IDEM_MEMORY, "%s: cannot be resolved, or memory is short", path);
}

static int add_folder(idem_anonymise_files *files, const char *path, bool alone) {
    idem_picture_tree *t = idem_picture_tree_open_films(path);
    char *folder = !t ? NULL : alone ? strdup("") : name_of_folder(path);
    int status = t && folder ? 0 : -1;
    for (size_t i = 0; !status && i < idem_picture_tree_count(t); i++)
        status = add(files, idem_picture_tree_path(t, i), folder, idem_picture_tree_name(t, i));
    for (size_t i = 0; !status && i < idem_picture_tree_bad_count(t); i++) {
        idem_log(IDEM_LOG_WARNING, "passed over: %s", idem_picture_tree_bad(t, i));
        files->bad++;
    }
    files->others += status ? 0 : idem_picture_tree_others(t);
    free(folder);
    idem_picture_tree_free(t);
    return status;
}

/* The path of a folder that may not exist yet; its existing part is resolved. */
static int real_of(char out[PATH_MAX], const char *path) {
    char *real = realpath(path, NULL), *copy = strdup(path), *rest = NULL;
    char tail[PATH_MAX] = "";
    while (!real && copy) {
        char *slash = strrchr(copy, '/');
        while (slash && slash > copy && !slash[1]) { /* "a/b/" */
            *slash = 0;
            slash = strrchr(copy, '/');
        }
        char before[PATH_MAX];
        snprintf(before, sizeof before, "%s", tail);
        if (snprintf(tail, sizeof tail, "/%s%s", slash ? slash + 1 : copy, before) >= (int)sizeof tail)
            break;
        if (slash == copy)
            copy[1] = 0;
        else if (slash)
            *slash = 0;
        real = realpath(slash ? copy : ".", NULL);
        if (!slash)
            break;
    }
    const int length = real ? snprintf(out, PATH_MAX, "%s%s", strcmp(real, "/") ? real : "", tail) : -1;
    free(real);
    free(copy);
    free(rest);
    return length > 0 && length < PATH_MAX ? 0 : idem_fail("%s: the path cannot be resolved", path);
}

static int check_output(const char *input, const char *output) {
    char in[PATH_MAX], out[PATH_MAX];
    if (real_of(in, input) || real_of(out, output))
        return -1;
    const size_t n = strlen(in);
    if (idem_path_is_dir(input) && !strncmp(in, out, n) && (!out[n] || out[n] == '/'))
        return idem_fail("%s: the output folder is in the input %s, or is it; the originals would be among the "
                         "results: give another folder",
                         output, input);
    return 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(const idem_anonymise_file *const *)a)->name, (*(const idem_anonymise_file *const *)b)->name);
}

static int check_names(const idem_anonymise_files *files, const char *output) {
    const idem_anonymise_file **sorted = malloc((files->n + 1) * sizeof *sorted);
    if (!sorted)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of %zu files", files->n);
    for (size_t i = 0; i < files->n; i++)
        sorted[i] = &files->at[i];
    qsort(sorted, files->n, sizeof *sorted, by_name);
    int status = 0;
    for (size_t i = 1; i < files->n && !status; i++)
        if (!strcmp(sorted[i]->name, sorted[i - 1]->name))
            status =
                idem_fail("%s and %s: both results would be %s; give the folder that holds both, or options.rename",
                          sorted[i - 1]->from, sorted[i]->from, sorted[i]->name);
    free(sorted);
    for (size_t i = 0; i < files->n && !status; i++) {
        char *to = idem_path_join(output, files->at[i].name);
        if (!to)
            status = -1;
        else if (idem_path_same(to, files->at[i].from))
            status = idem_fail("%s: the result would replace the original; give another output folder", to);
        free(to);
    }
    return status;
}

/* Length without the extension. */
static int stem_of(const char *name) {
    const char *dot = strrchr(base_of(name), '.');
    return dot ? (int)(dot - name) : (int)strlen(name);
}

static int number_names(idem_anonymise_files *files) {
    for (size_t i = 0; i < files->n; i++) {
        char *name;
        if (asprintf(&name, "%06zu%s", i + 1, files->at[i].name + stem_of(files->at[i].name)) < 0)
            return idem_fail_as(IDEM_MEMORY, "out of memory for a name");
        free(files->at[i].name);
        files->at[i].name = name;
    }
    return 0;
}

static bool is_alone(const idem_anonymise_files *files, const idem_anonymise_file *file) {
    const int n = stem_of(file->name);
    for (size_t i = 0; i < files->n; i++)
        if (&files->at[i] != file && stem_of(files->at[i].name) == n &&
            !strncmp(files->at[i].name, file->name, (size_t)n))
            return false;
    return true;
}

static bool is_named(const idem_anonymise_files *files, const char *name) {
    for (size_t i = 0; i < files->n; i++)
        if (!strcmp(files->at[i].name, name))
            return true;
    return false;
}

char *idem_anonymise_files_renamed(const idem_anonymise_files *files, const idem_anonymise_file *file,
                                   const char *ending) {
    char *name = NULL;
    int length = asprintf(&name, "%.*s%s", is_alone(files, file) ? stem_of(file->name) : (int)strlen(file->name),
                          file->name, ending);
    while (length >= 0 && is_named(files, name)) {
        char *longer = NULL;
        length = asprintf(&longer, "%s%s", name, ending);
        free(name);
        name = longer;
    }
    return length >= 0 ? name : idem_fail_null_as(IDEM_MEMORY, "out of memory for a name");
}

int idem_anonymise_files_list(idem_anonymise_files *files, char *const *inputs, int n, const char *output,
                              bool rename) {
    *files = (idem_anonymise_files){0};
    int status = 0;
    for (int i = 0; i < n && !status; i++) {
        if (!idem_path_exists(inputs[i]))
            status = idem_fail("%s: there is no such file or folder", inputs[i]);
        else if (check_output(inputs[i], output))
            status = -1;
        else
            status = idem_path_is_dir(inputs[i]) ? add_folder(files, inputs[i], n == 1)
                                                 : add(files, inputs[i], "", base_of(inputs[i]));
    }
    if (!status && !files->n)
        status = idem_fail("%s: has no picture and no clip", inputs[0]);
    if (!status && rename)
        status = number_names(files);
    return status || check_names(files, output) ? -1 : 0;
}
