/* The public library's files and folders (include/idem/files.h) over base/. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "base/file.h"
#include "base/name.h"
#include "base/sha256.h"
#include "base/status.h"
#include "idem.h"

static int check(const char *call, bool given) {
    return given ? 0 : idem_fail("%s: an argument is NULL", call);
}

/* ---- paths ---- */

int idem_file_exists(const char *path) {
    return path && idem_path_exists(path);
}

int idem_folder_exists(const char *path) {
    return path && idem_path_is_dir(path);
}

int idem_file_same(const char *a, const char *b) {
    return a && b && idem_path_same(a, b);
}

char *idem_path_in(const char *folder, const char *name) {
    return check("idem_path_in", folder && name) ? NULL : idem_path_join(folder, name);
}

char *idem_file_stem(const char *path) {
    return check("idem_file_stem", path) ? NULL : idem_path_stem(path);
}

size_t idem_file_name_most(const char *path) {
    return path ? idem_path_name_most(path) : 0;
}

char *idem_printable(const char *text) {
    return check("idem_printable", text) ? NULL : idem_name_shown(text);
}

/* ---- folders ---- */

int idem_folder_make(const char *path, int *made) {
    bool new = false;
    const int status = check("idem_folder_make", path) ? -1 : idem_dir_enter(path, &new);
    if (made)
        *made = new;
    return status;
}

int idem_folder_list(const char *path, const char *suffixes, char ***names, size_t *count) {
    if (names)
        *names = NULL;
    if (count)
        *count = 0;
    return check("idem_folder_list", path && names && count) ? -1 : idem_dir_list(path, suffixes, names, count);
}

void idem_folder_list_free(char **names, size_t count) {
    idem_names_free(names, count);
}

/* ---- files ---- */

struct idem_new_file {
    idem_writer writer;
};

idem_new_file *idem_file_create(const char *path, int is_private) {
    if (check("idem_file_create", path))
        return NULL;
    idem_new_file *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a file", path);
    if (idem_writer_open(&f->writer, path)) {
        free(f);
        return NULL;
    }
    if (is_private)
        idem_writer_make_private(&f->writer);
    return f;
}

FILE *idem_file_stream(idem_new_file *f) {
    return check("idem_file_stream", f) ? NULL : f->writer.stream;
}

int idem_file_finish(idem_new_file *f) {
    if (check("idem_file_finish", f))
        return -1;
    const int status = idem_writer_commit(&f->writer);
    free(f);
    return status;
}

void idem_file_abandon(idem_new_file *f) {
    if (!f)
        return;
    idem_writer_abort(&f->writer);
    free(f);
}

int idem_file_lock(const char *path, const char *busy) {
    return check("idem_file_lock", path && busy) ? -1 : idem_file_claim(path, path, busy);
}

int idem_file_sha256(const char *path, char hex[65]) {
    return check("idem_file_sha256", path && hex) ? -1 : idem_sha256_file(path, hex);
}

int idem_bytes_sha256(const void *bytes, size_t size, char hex[65]) {
    if (check("idem_bytes_sha256", (bytes || !size) && hex))
        return -1;
    idem_sha256 sum = idem_sha256_make();
    idem_sha256_add(&sum, bytes, size);
    idem_sha256_end(&sum, hex);
    return 0;
}
