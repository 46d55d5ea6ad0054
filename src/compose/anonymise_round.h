/* A round of an anonymising run: each rank has a photograph. Finding faces and painting take the time, and are done at
 * once; in between all ranks choose the surrogates for the faces of all, in the order of files, so that persons and
 * surrogates are those of one process that takes the files one by one. */
#ifndef IDEM_COMPOSE_ANONYMISE_ROUND_H
#define IDEM_COMPOSE_ANONYMISE_ROUND_H

#include <jansson.h>

#include "compose/anonymise.h"
#include "compose/anonymise_files.h"

typedef struct {
    idem_anonymiser *anonymiser;
    idem_rank_table *ranks;
    const idem_anonymise_files *files; /* of the run */
    const char *output;                /* folder */
    bool strict;
    const json_t *hand; /* instructions by hand; NULL: none */
    json_t *done;       /* the report's entries so far: the round's are added, on all ranks */
    size_t unreadable;  /* files passed over, which rank 0 logs: the round's are added */
} idem_anonymise_round;

/* file[i] is rank i's, no clip; n is at most the number of ranks. -1 on all ranks, unless ranks->ended is not set. */
int idem_anonymise_round_run(idem_anonymise_round *r, const idem_anonymise_file *const *file, int n);

/* Adds a file's entry to the report's. Takes `entry`; NULL: it failed. */
int idem_anonymise_entry_add(json_t *done, const char *name, json_t *entry);
/* The folder of a result. */
int idem_anonymise_folder_make(const char *path);

#endif
