/* What the training commands show while the library works. */
#ifndef IDEM_CLI_TRAIN_PROGRESS_H
#define IDEM_CLI_TRAIN_PROGRESS_H

#include <stdbool.h>

#include "idem.h"

/* The first member of a command's struct, which is the watch's `user`. */
typedef struct {
    idem_train_watch watch;
    bool quiet;
    int shown;            /* 1 + the phase whose progress is shown; 0: none yet */
    const char *unit;     /* of the iterations: "it" */
    const char *left_out; /* what is said of a picture that is not used: "passed over" */
    /* The words behind the numbers of an iteration. */
    void (*words)(void *command, const idem_train_progress *p, char *text, size_t size);
} idem_train_view;

/* The watch calls progress, note and, unless they are there already, nothing else. */
void idem_train_view_begin(idem_train_view *v);
/* For a command's `started`: the line of progress. */
void idem_train_view_start(const idem_train_view *v, const idem_train_start *start);

/* A number of an iteration; NaN: it has none. */
double idem_train_number(const idem_train_figure *figure, int n, const char *name);
/* Moves *mean a twentieth of the way to value, if that is a number. */
void idem_train_smooth(double *mean, double value);

#endif
