/* The figures of a training, as JSON. */
#ifndef IDEM_CLI_TRAIN_REPORT_H
#define IDEM_CLI_TRAIN_REPORT_H

#include <jansson.h>

#include "idem.h"

enum { IDEM_TRAIN_KEPT = 96 };

typedef struct {
    double batch;
    int64_t all;       /* iterations */
    int64_t evaluated; /* iteration of the figures below; 0: none yet */
    idem_train_figure figure[IDEM_TRAIN_KEPT];
    char name[IDEM_TRAIN_KEPT][48];
    int n;
} idem_training_report;

/* Copies the evaluation. */
void idem_training_report_keep(idem_training_report *r, const idem_train_evaluation *e);
/* "photo_", "nme": the value of photo_nme; NaN if absent. */
double idem_train_score(const idem_train_evaluation *e, const char *prefix, const char *name);

/* Work of this process, and scores of the last evaluation. NULL if memory is short. */
json_t *idem_training_report_json(const idem_training_report *r, const idem_train_result *result);
/* Prints and releases it; the exit code: 1 if it is NULL or cannot be written. */
int idem_train_print(json_t *root);

/* Trains alone, or as a rank of mpirun or srun. train: -1 with a message; report: by rank 0 alone, the exit code, which
 * it returns. */
int idem_train_as_rank(void *command, int (*train)(void *command), int (*report)(void *command));

#endif
