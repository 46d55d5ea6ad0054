/* Inside src/train only: THE loop of training. A run owns its folder and lock, metrics log and checkpoints; it resumes,
 * counts iterations, knows what is due after each, and stops. A trainer adds a table of functions (idem_run_kind), one
 * row for each job that comes up again and again (idem_run_job), and the iteration itself.
 *
 *     idem_run_open(&t->run, &kind, &setup)      start or go_on, then open; the files of the folder last
 *     idem_run_go(&t->run, &plan)                iterate and jobs until the goal
 *     idem_run_close(&t->run)
 *
 * A resumed run equals the uninterrupted one bit for bit on the same machine. */
#ifndef IDEM_TRAIN_RUN_H
#define IDEM_TRAIN_RUN_H

#include <signal.h>

#include "train/metrics_log.h"
#include "train/run_folder.h"
#include "train/run_form.h"
#include "train/world.h"

/* Functions get the trainer and return 0 or -1. */
typedef struct {
    const idem_run_form *form;
    const char *const *sum; /* names of the means in metrics.jsonl, in the order of the state's sums */
    int sums;
    /* A stopped iteration or job changes nothing, so that the state is whole wherever the stop came. Else it is whole
     * between iterations only. */
    bool atomic;
    const char *advice; /* to the user of a run that diverged */
    /* What else than the recipe's fields has to agree for a run to be resumed; NULL: nothing. */
    int (*check)(const void *saved_recipe, const void *recipe);
    int (*start)(void *trainer); /* a new run: sets run.tensors and the state beyond the common part */
    /* A resumed run, whose state is in place: takes `tensors`, also on failure, and sets run.tensors. */
    int (*go_on)(void *trainer, idem_weights *tensors);
    int (*open)(void *trainer);    /* data and graphs */
    int (*iterate)(void *trainer); /* ends with idem_run_count */
} idem_run_kind;

typedef struct {
    const char *folder;      /* NULL: nothing is written */
    const idem_world *world; /* whose rank 0 alone writes, and all read checkpoints; NULL: this process alone */
    bool resume;             /* continue the newest checkpoint, or start if there is none */
    int threads;             /* 0: all cores, or the checkpoint's */
    const volatile sig_atomic_t *stop; /* nonzero: idem_run_go saves a checkpoint and fails as interrupted; NULL */
    double deadline; /* idem_clock's: after the first iteration that ends later, saves and returns 0; 0: none */
    void (*on_line)(void *user, const char *json); /* each line of metrics.jsonl; NULL */
    void *user;
    int64_t pictures; /* of an iteration, where the run counts them */
    void *trainer;
    const void *recipe; /* the trainer's, valid as long as the run */
    void *state;        /* likewise; begins with an idem_run_state */
} idem_run_setup;

typedef struct {
    const idem_run_kind *kind;
    idem_run_setup setup; /* .folder is the caller's: not to be read once the run is open */
    idem_run_state *state;
    idem_weights *tensors; /* what checkpoints hold; the trainer's */
    const idem_world *world;
    char *name;              /* of the folder, on all ranks */
    idem_run_folder *folder; /* NULL: nothing is written, as by ranks above 0 */
    const char *path;        /* its path */
    bool resumed;            /* there was a checkpoint */
    bool begun;              /* by this process: nothing but its options is in the folder yet */
    void *saved_recipe;      /* of the checkpoint; NULL: a new run */
    idem_metrics_log *log;   /* NULL: nothing is written */
} idem_run;

/* The caller closes it also after a failure. */
int idem_run_open(idem_run *r, const idem_run_kind *kind, const idem_run_setup *setup);
void idem_run_close(idem_run *r); /* last: the lock goes with it */

/* Once the trainer is open: -1, naming both, when ranks have other settings, weights or data
 * (its digest; NULL: none), or another number of threads. */
int idem_run_compare(const idem_run *r, const char *data);

/* While the trainer opens its data: the number of training pictures. -1 when a resumed run was started on another. */
int idem_run_data_count(idem_run *r, uint64_t count);

/* Of the tensors: weights and moments. */
size_t idem_run_bytes(const idem_run *r);

/* The end of an iteration: counts it and adds its losses, in the order of the kind's names, to the sums; what is not
 * finite is left out. -1 after too many skipped ones in a row. */
int idem_run_count(idem_run *r, bool skipped, const double *losses);

/* A line {"kind": "train"} of `before`, the means since the last one, and `after`. */
int idem_run_line(idem_run *r, const idem_metric *before, int n_before, const idem_metric *after, int n_after);

/* A sheet as RUN/samples/NAME-AT.png and in the events. */
int idem_run_sheet(idem_run *r, const char *name, const char *tag, int64_t at, const idem_image *sheet,
                   const idem_marks *marks);

typedef enum { IDEM_RUN_ITERATIONS, IDEM_RUN_PICTURES } idem_run_unit;

/* Something that is due whenever an iteration reaches or passes a multiple of `every` (0: never). */
typedef struct {
    int64_t every;
    idem_run_unit unit;
    bool at_start, at_end; /* also before the first iteration, and after the last */
    /* Where it was last done, in its unit; below 0: not yet. Needed for at_start; kept by the run. With catch_up it is
     * made up for when a run is resumed at a point where it was due. */
    int64_t *mark;
    bool catch_up;
    int (*work)(void *trainer);
} idem_run_job;

typedef struct {
    idem_run_unit unit;
    int64_t goal; /* in this unit */
    const idem_run_job *job;
    int jobs;                 /* in the order in which they are done */
    int64_t checkpoint_every; /* iterations; behind all jobs */
} idem_run_plan;

/* All that is left of the run, or what is done before the deadline. */
int idem_run_go(idem_run *r, const idem_run_plan *plan);

#endif
