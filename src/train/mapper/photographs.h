/* Only for src/train/mapper: the photographs of a run, which must stay the same when it is resumed. */
#ifndef IDEM_TRAIN_MAPPER_PHOTOGRAPHS_H
#define IDEM_TRAIN_MAPPER_PHOTOGRAPHS_H

#include "data/data.h"
#include "format/weights.h"

typedef struct {
    const char *dir; /* NULL: none */
    const char *run; /* its folder, for the cache; NULL: none */
    double share;
    idem_photographs_options options; /* .expected is not read */
} idem_run_photographs;

/* Mixes them into `data`. Stores their digest as metadata "run.photographs" of the trained tensors; iteration: from
 * which the run continues; if above 0, -1 if the digest differs. */
int idem_run_photographs_open(const idem_run_photographs *p, idem_data *data, idem_weights *trained, int64_t iteration);

#endif
