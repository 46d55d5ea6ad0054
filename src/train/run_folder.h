/* The folder of a training run, for one process at a time: a lock that the kernel releases when the process ends. Also
 * for other long work that fills a folder. */
#ifndef IDEM_TRAIN_RUN_FOLDER_H
#define IDEM_TRAIN_RUN_FOLDER_H

#include <stdbool.h>

typedef struct idem_run_folder idem_run_folder;

/* Creates the folder if missing and locks it; NULL with a message about `path`, also if another process has it. */
idem_run_folder *idem_run_folder_claim(const char *path);
/* Releases the lock, and removes the folder if the claim created it and it is empty. NULL is allowed. */
void idem_run_folder_release(idem_run_folder *f);
const char *idem_run_folder_path(const idem_run_folder *f); /* a copy, as long as f */

/* -1 if this run would overwrite results there: of any run; with `resume`, of a run without a checkpoint. */
int idem_run_folder_check(const char *path, bool resume);
/* The same, and -1 if another process has the folder: for use before long work that would end with a failing claim. */
int idem_run_folder_look(const char *path, bool resume);

#endif
