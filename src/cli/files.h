/* The files that commands are given. */
#ifndef IDEM_CLI_FILES_H
#define IDEM_CLI_FILES_H

#include <stdbool.h>

#include "base/file.h"
#include "idem.h"

/* The files of a side: one, or the pictures of a folder, sorted by name. */
typedef struct {
    int n;
    bool folder;
    const char *given;        /* set before; borrowed */
    const char *const *paths; /* [n], the list's */
    const char *const *names; /* without folder; without extension too, unless two files differ in nothing else */
} idem_files;
/* Lists what two given paths mean. The list must outlive the sides. */
int idem_files_list(idem_file_list *list, idem_files *a, idem_files *b);
/* -1 with a message unless there are files of which `good` could be read. */
int idem_files_check(const idem_files *f, int good);
/* The file of that name; -1 (no message) when there is none. */
int idem_files_find(const idem_files *f, const char *name);

/* "a.jpg", "b/" ... to the picture files they mean: files as they are, folders, which must have pictures, by their
 * pictures' names, sorted. */
int idem_photo_list(idem_file_list *list, char *const *paths, int n);
/* "idem: 3 files of other kinds passed over: ..."; nothing when there were none, or quiet. */
void idem_files_say_others(const idem_file_list *list, bool quiet);

#endif
