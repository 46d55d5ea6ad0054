/* What commands that measure have in common: the line of progress and notes. */
#ifndef IDEM_CLI_MEASURING_H
#define IDEM_CLI_MEASURING_H

#include "cli/library.h"

typedef struct {
    const char *doing; /* what the line of progress is of; NULL at first */
    const char *unit;  /* NULL: pictures */
    bool finish;       /* each piece of work leaves its line when it is done */
    bool quiet;
} idem_cli_measuring;

/* A watch that Ctrl-C stops; m must outlive it. Notes are said also when quiet. */
idem_measure_watch idem_cli_watch(idem_cli_measuring *m);

/* -1 with the message if pairs that were given could not be read, else 0. */
int idem_cli_unreadable_pairs(double n);

#endif
