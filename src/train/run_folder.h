/* The folder of a training run, which one process has at a time: a lock that the kernel drops when the process ends.
 * Also of other work that fills a folder over a long time. */
#ifndef IDEM_TRAIN_RUN_FOLDER_H
#define IDEM_TRAIN_RUN_FOLDER_H

#include <stdbool.h>

typedef struct idem_run_folder idem_run_folder;

/* Makes the folder where there is none and locks it; NULL: about `path` also when another process has it. */
idem_run_folder *idem_run_folder_claim(const char *path);
/* Gives the lock back, and removes the folder if the claim made it and nothing was put into it. NULL is allowed. */
void idem_run_folder_release(idem_run_folder *f);
const char *idem_run_folder_path(const idem_run_folder *f); /* a copy, as long as f */

/* -1 when results of a run lie there that this one would overwrite: of any run; with `resume`, of one that has no
 * checkpoint. */
int idem_run_folder_check(const char *path, bool resume);
/* The same, and -1 when another process has the folder: before long work, at whose end the claim would fail. */
int idem_run_folder_look(const char *path, bool resume);

#endif
