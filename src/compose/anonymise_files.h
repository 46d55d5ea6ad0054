/* Which files an anonymising run reads, and where each result goes: the tree of a folder keeps its structure below the
 * output folder; several folders keep their own names in front. */
#ifndef IDEM_COMPOSE_ANONYMISE_FILES_H
#define IDEM_COMPOSE_ANONYMISE_FILES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *from; /* path to be read */
    char *name; /* below the output folder */
    bool film;
} idem_anonymise_file;

typedef struct {
    idem_anonymise_file *at;
    size_t n, capacity;
    size_t bad, others; /* what could not be looked into, said in the log; files of other kinds */
} idem_anonymise_files;

/* rename: results are numbered in the order of the list, all in the output folder. -1: an input is not there, the
 * output lies in an input folder or is one, two results would have one name, or memory is short. */
int idem_anonymise_files_list(idem_anonymise_files *files, char *const *inputs, int n, const char *output, bool rename);
void idem_anonymise_files_free(idem_anonymise_files *files);

#endif
