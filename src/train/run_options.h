/* What the caller of any trainer chooses for its run, beside the recipe: where it is written, who takes part, how it
 * stops. */
#ifndef IDEM_TRAIN_RUN_OPTIONS_H
#define IDEM_TRAIN_RUN_OPTIONS_H

#include <signal.h>

#include "train/world.h"

/* `stop` and `user` must outlive the trainer. */
typedef struct {
    const char *folder;      /* created if missing; only read while the trainer is made; NULL: nothing is written */
    const idem_world *world; /* ranks that train together, each on its part of the batch; NULL: only this process. Rank
                                0 writes, all read checkpoints and call callbacks */
    bool resume;             /* continue the newest checkpoint, or start if there is none */
    int threads;             /* 0: all cores, or the checkpoint's */
    const volatile sig_atomic_t *stop; /* of any rank; nonzero: saves a checkpoint and fails as interrupted; or NULL */
    double deadline; /* of idem_clock: after the first iteration that ends later, saves and returns 0; 0: none */
    void (*on_line)(void *user, const char *json); /* each line of metrics.jsonl; may be NULL */
    void *user;                                    /* of this and all other callbacks */
} idem_run_options;

#endif
