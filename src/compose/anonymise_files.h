/* The files of an anonymising run, and the path of each result: the tree of a folder keeps its structure below the
 * output folder; with several folders it is below the folder's name. */
#ifndef IDEM_COMPOSE_ANONYMISE_FILES_H
#define IDEM_COMPOSE_ANONYMISE_FILES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *from; /* path of the file */
    char *name; /* below the output folder */
    bool film;
} idem_anonymise_file;

typedef struct {
    idem_anonymise_file *at;
    size_t n, capacity;
    size_t bad, others; /* unreadable folders, which are logged; files of other kinds */
} idem_anonymise_files;

/* rename: results are numbered in the order of the list, all in the output folder. -1: an input is missing, the output
 * is in an input folder or is one, two results would have the same name, or memory is short. */
int idem_anonymise_files_list(idem_anonymise_files *files, char *const *inputs, int n, const char *output, bool rename);
void idem_anonymise_files_free(idem_anonymise_files *files);

/* The name of a result in another format, with this ending: its file's with the ending in place of its own, or, if that
 * could be another file's result (a.heic beside a.jpg), with the ending after its own. malloc'ed; NULL: no memory. */
char *idem_anonymise_files_renamed(const idem_anonymise_files *files, const idem_anonymise_file *file,
                                   const char *ending);

#endif
