/* The files that commands are given, and where results go. */
#ifndef IDEM_CLI_FILES_H
#define IDEM_CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"

/* The files of a side: one, or the pictures of a folder, sorted by name. */
typedef struct {
    int n;
    bool folder;
    const char *given; /* borrowed */
    char **paths;
    char **names; /* without folder; without extension too, unless two files differ in nothing else */
} idem_files;
int idem_files_list(idem_files *f, const char *path);
void idem_files_free(idem_files *f);
/* -1 with a message unless there are files of which `good` could be read. */
int idem_files_check(const idem_files *f, int good);
/* The file of that name; -1 (no message) when there is none. */
int idem_files_find(const idem_files *f, const char *name);
/* Among names; -1 (no message). */
int idem_names_find(char *const *names, int n, const char *name);
static inline const char *const *idem_files_paths(const idem_files *f) {
    return (const char *const *)f->paths;
}

/* "a.jpg", "b/" ... to the picture files they mean: files as they are, folders by their pictures' names, sorted
 * (what else is in them: left_out.h). NULL with a message; free with idem_names_free. */
char **idem_photo_list(char *const *paths, int n, size_t *count);

#endif
