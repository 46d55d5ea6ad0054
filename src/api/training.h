/* Only for src/api: the common parts of trainings: progress reports and the result. */
#ifndef IDEM_API_TRAINING_H
#define IDEM_API_TRAINING_H

#include <stdbool.h>

#include "api/settings.h"
#include "api/structs.h"
#include "train/run.h"

typedef struct {
    const char *call;       /* for messages */
    idem_train_watch watch; /* .stop is never NULL */
    volatile sig_atomic_t own_stop;
    const idem_world *world; /* NULL until joined */
    double deadline;         /* for trainers: idem_clock's; 0: none */
    idem_train_result result;
    idem_train_result *wanted; /* the caller's; NULL: none */
    int phase;                 /* -1: none yet */
    int64_t first, all;        /* values of done at the phase's start and end */
    double started, mark;      /* clock: start of the phase; of the current iteration */
} idem_training;

/* watch, result: the caller's, either may be NULL. -1: a struct has another size, or the machine cannot run idem. */
int idem_training_begin(idem_training *t, const char *call, const idem_train_watch *watch, idem_train_result *result);
/* Joins the launcher's ranks, sets t->world and compares their versions; mutes all but rank 0. */
int idem_training_join(idem_training *t);
/* -1 with a message naming both if ranks have different files of the n downloaded networks; missing ones are reported
 * where they are opened. models: their folder, or NULL. */
int idem_training_same_networks(const idem_world *w, const char *models, const char *const *name, int n);
/* Of a run that reports to t; folder NULL: nothing is written. */
idem_run_options idem_training_run(idem_training *t, const char *folder, bool resume, int threads);
/* After a successful training: sets `finished` in the result; if false, notes how to continue. */
void idem_training_finish(idem_training *t, bool finished, const char *run);
/* Passes the result to the caller. Returns `status`. */
int idem_training_end(const idem_training *t, int status);

/* Call after an iteration, or a picture: the first one of a phase begins the phase. */
void idem_training_progress(idem_training *t, int phase, int64_t done, int64_t all);
/* The phase of learning begins. own: .done, .all, .activation_mb and those of photographs; the others are the run's. */
void idem_training_start(idem_training *t, const idem_run *run, const idem_train_start *own);
/* An iteration was completed: uses .done, .all, .iteration, .skipped and .figure. */
void idem_training_step(idem_training *t, const idem_train_progress *p);
void idem_training_evaluated(idem_training *t, const idem_train_evaluation *e);
void idem_training_note(idem_training *t, const char *format, ...) IDEM_PRINTF(2, 3);

bool idem_training_stopped(const idem_training *t);

/* A figure without a count. */
idem_train_figure idem_training_number(const char *name, double value);

/* For trainers, with the training as `user`. */
void idem_training_on_reading(void *training, size_t done, size_t count);
void idem_training_on_encoding(void *training, size_t done, size_t count);
void idem_training_on_finding(void *training, size_t done, size_t count);
void idem_training_on_left_out(void *training, const char *why);
void idem_training_on_note(void *training, const char *line);
void idem_training_on_line(void *training, const char *line);

/* Draws RUN/training.png. The run does not depend on it, so a failure is only logged. */
void idem_training_draw(idem_training *t, const char *run);

#endif
