/* Only for src/train: the training loop. A run owns its folder and lock, metrics log and checkpoints; it resumes,
 * counts iterations, calls due jobs, and stops. A trainer adds a table of functions (idem_run_kind), one row per
 * periodic job (idem_run_job), and the iteration itself.
 *
 *     idem_run_open(&t->run, &kind, &options, &owner)    start or go_on, then open; the files of the folder last
 *     idem_run_go(&t->run, &plan)                        iterate and jobs until the goal
 *     idem_run_close(&t->run)
 *
 * A resumed run equals the uninterrupted one bit for bit on the same machine. */
#ifndef IDEM_TRAIN_RUN_H
#define IDEM_TRAIN_RUN_H

#include "train/metrics_log.h"
#include "train/run_folder.h"
#include "train/run_form.h"
#include "train/run_options.h"

/* Functions get the trainer and return 0 or -1. */
typedef struct {
    const idem_run_form *form;
    const char *const *sum; /* names of the means in metrics.jsonl, in the order of the state's sums */
    int sums;
    /* A stopped iteration or job changes nothing, so that the state is always complete. Else it is complete only
     * between iterations. */
    bool atomic;
    const char *advice; /* advice for a run that diverged */
    /* Checks further conditions for resuming beside the recipe's fields; may be NULL. */
    int (*check)(const void *saved_recipe, const void *recipe);
    int (*start)(void *trainer); /* a new run: sets run.tensors and the state beyond the common part */
    /* A resumed run with its state set: takes ownership of `tensors`, also on failure, and sets run.tensors. */
    int (*go_on)(void *trainer, idem_weights *tensors);
    int (*open)(void *trainer);    /* data and graphs */
    int (*iterate)(void *trainer); /* ends with idem_run_count */
} idem_run_kind;

/* The trainer, and what it owns as long as the run. */
typedef struct {
    void *trainer;
    const void *recipe;
    void *state;      /* begins with an idem_run_state */
    int64_t pictures; /* per iteration, if the run counts them */
} idem_run_owner;

typedef struct {
    const idem_run_kind *kind;
    idem_run_options options;
    idem_run_owner owner;
    idem_run_state *state;   /* the owner's */
    idem_weights *tensors;   /* the content of checkpoints; owned by the trainer */
    const idem_world *world; /* never NULL */
    char *name;              /* of the folder, on all ranks */
    idem_run_folder *folder; /* NULL: nothing is written, as in ranks above 0 */
    const char *path;        /* its path */
    bool resumed;            /* there was a checkpoint */
    bool begun;              /* by this process: the folder has only its options yet */
    void *saved_recipe;      /* of the checkpoint; NULL: a new run */
    idem_metrics_log *log;   /* NULL: nothing is written */
} idem_run;

/* The caller must close it also after a failure. */
int idem_run_open(idem_run *r, const idem_run_kind *kind, const idem_run_options *options, const idem_run_owner *owner);
void idem_run_close(idem_run *r); /* call it last: it releases the lock */

/* While the trainer opens: -1 with a message naming both if the data of ranks differ, by their digest. Settings,
 * weights and thread count were compared before. */
int idem_run_compare_data(const idem_run *r, const char *digest);

/* While the trainer opens its data: sets the number of training pictures. -1 if it differs from the resumed run's. */
int idem_run_data_count(idem_run *r, uint64_t count);

/* For a resumed run that is open: settings that differ from the checkpoint's become a line {"kind": "change"}, and each
 * is passed to `note`, which may be NULL. */
int idem_run_log_changes(idem_run *r, void (*note)(void *user, const char *line));

/* The flag that stops work within an iteration or a job. NULL with several ranks: they stop only between iterations, as
 * the others would wait for one that left. */
const volatile sig_atomic_t *idem_run_stop(const idem_run *r);

/* Of the tensors: weights and moments. */
size_t idem_run_bytes(const idem_run *r);

/* The end of an iteration: counts it and adds its losses, in the order of the kind's names, to the sums, without
 * numbers that are not finite. -1 after too many skipped iterations in a row. */
int idem_run_count(idem_run *r, bool skipped, const double *losses);

/* A line {"kind": "train"} of `before`, the means since the last one, and `after`. */
int idem_run_line(idem_run *r, const idem_metric *before, int n_before, const idem_metric *after, int n_after);

/* A sheet as RUN/samples/NAME-AT.png and in the events. */
int idem_run_sheet(idem_run *r, const char *name, const char *tag, int64_t at, const idem_image *sheet,
                   const idem_marks *marks);

typedef enum { IDEM_RUN_ITERATIONS, IDEM_RUN_PICTURES } idem_run_unit;

/* A job that is due whenever an iteration reaches or passes a multiple of `every` (0: never). */
typedef struct {
    int64_t every;
    idem_run_unit unit;
    bool at_start, at_end; /* also before the first iteration, and after the last */
    /* When it was last done, in its unit; below 0: not yet. Needed for at_start; kept by the run. With catch_up it is
     * done on resume if it was due at that point. */
    int64_t *mark;
    bool catch_up;
    bool together; /* takes long, on some ranks longer than on others: idem_world_together */
    int (*work)(void *trainer);
} idem_run_job;

typedef struct {
    idem_run_unit unit;
    int64_t goal; /* in this unit */
    const idem_run_job *job;
    int jobs;                 /* in the order of execution */
    int64_t checkpoint_every; /* iterations; after all jobs */
} idem_run_plan;

/* Runs to the end, or to the deadline. */
int idem_run_go(idem_run *r, const idem_run_plan *plan);

#endif
