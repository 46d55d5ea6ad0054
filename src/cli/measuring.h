/* Progress line and notes, shared by commands that measure. */
#ifndef IDEM_CLI_MEASURING_H
#define IDEM_CLI_MEASURING_H

#include "cli/library.h"

typedef struct {
    const char *doing; /* subject of the progress line; initially NULL */
    const char *unit;  /* NULL: pictures */
    bool finish;       /* each piece of work leaves its line when done */
    bool quiet;
} idem_cli_measuring;

/* A watch that Ctrl-C stops; m must outlive it. Notes are also printed when quiet. */
idem_measure_watch idem_cli_watch(idem_cli_measuring *m);

/* -1 with a message if given pairs could not be read, else 0. */
int idem_cli_unreadable_pairs(double n);

#endif
