/* The files given to commands. */
#ifndef IDEM_CLI_FILES_H
#define IDEM_CLI_FILES_H

#include <stdbool.h>

#include "idem.h"

/* The files of a side: one, or the pictures of a folder, sorted by name. */
typedef struct {
    int n;
    bool folder;
    const char *given;        /* set by the caller; borrowed */
    const char *const *paths; /* [n], the list's */
    const char *const *names; /* without folder; without extension too, unless two files differ in nothing else */
} idem_files;
/* Lists the files of two given paths. The list must outlive the sides. */
int idem_files_list(idem_file_list *list, idem_files *a, idem_files *b);
/* -1 with a message if there are no files, or `good`, the number of readable ones, is 0. */
int idem_files_check(const idem_files *f, int good);
/* Index of the file of that name; -1 without a message if there is none. */
int idem_files_find(const idem_files *f, const char *name);

/* "a.jpg", "b/" ... to picture files: a file is taken unchanged, a folder stands for its pictures, sorted by name; it
 * must have some. */
int idem_photo_list(idem_file_list *list, char *const *paths, int n);
/* "idem: 3 files of other kinds passed over: ..."; nothing if there are none, or if quiet. */
void idem_files_say_others(const idem_file_list *list, bool quiet);

#endif
