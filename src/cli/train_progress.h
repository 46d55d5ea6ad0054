/* Output of the training commands while the library works. */
#ifndef IDEM_CLI_TRAIN_PROGRESS_H
#define IDEM_CLI_TRAIN_PROGRESS_H

#include <stdbool.h>

#include "cli/options.h"
#include "idem.h"

/* The first member of a command's struct, which is the watch's `user`. */
typedef struct {
    idem_train_watch watch;
    bool quiet;
    double time_limit;    /* 0: none */
    int shown;            /* 1 + the phase whose progress is shown; 0: none yet */
    const char *unit;     /* unit of the iterations: "it" */
    const char *left_out; /* the word for an unused picture: "passed over" */
    /* The words after the numbers of an iteration. */
    void (*words)(void *command, const idem_train_progress *p, char *text, size_t size);
} idem_train_view;

#define IDEM_TIME_LIMIT(variable)                                                                                      \
    {                                                                                                                  \
        IDEM_OPT_TIME, "time-limit", 0, "HH:MM", (variable),                                                           \
            .help = "after this time save a checkpoint and exit 0; --resume continues. An iteration or evaluation "    \
                    "that has begun is finished first, so leave a batch system's limit some minutes more. Also "       \
                    "HH:MM:SS"                                                                                         \
    }

/* Sets the watch's progress and note, unless already set. */
void idem_train_view_begin(idem_train_view *v);
/* For a command's `started`: begins the progress line. */
void idem_train_view_start(const idem_train_view *v, const idem_train_start *start);

/* The figure of that name; NaN if absent. */
double idem_train_number(const idem_train_figure *figure, int n, const char *name);
/* Moves *mean by a twentieth towards value, unless that is NaN. */
void idem_train_smooth(double *mean, double value);

#endif
