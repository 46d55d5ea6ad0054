/* The results of idem compose: of which faces, under which name. */
#ifndef IDEM_CLI_COMBINATIONS_H
#define IDEM_CLI_COMBINATIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int id, attr; /* among the sources */
    char *path;
    bool failed;
    bool others; /* another rank makes it */
} idem_combination;

typedef struct {
    /* set by idem_combinations_open */
    const char *output; /* borrowed */
    bool folder, pairs;
    size_t name_most; /* bytes of a name in the folder */
    /* results */
    idem_combination *at; /* [capacity] */
    int n, capacity, too_long;
} idem_combinations;

/* Results are the one file `output`, or go into that folder: "who.png" of pairs, else "who--how.png". */
int idem_combinations_open(idem_combinations *c, const char *output, bool folder, bool pairs);
void idem_combinations_free(idem_combinations *c);

/* Whether the folder accepts a name of this length. */
bool idem_combinations_fit(const idem_combinations *c, const char *who, const char *how);
/* Before the work: counts names that do not fit, and reports the first on stderr. */
int idem_combinations_check(idem_combinations *c, const char *who, const char *how);

/* Empties the list and reserves n entries. */
int idem_combinations_clear(idem_combinations *c, size_t n);
/* Appends one; a name that does not fit is ignored. */
int idem_combinations_add(idem_combinations *c, int id, int attr, const char *who, const char *how);
/* -1 if two results have the same file, as "a--b" with "c" and "a" with "b--c". */
int idem_combinations_differ(const idem_combinations *c);

#endif
