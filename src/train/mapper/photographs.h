/* Inside src/train/mapper only: the photographs of a run, which go on being the same when it is resumed. */
#ifndef IDEM_TRAIN_MAPPER_PHOTOGRAPHS_H
#define IDEM_TRAIN_MAPPER_PHOTOGRAPHS_H

#include "data/data.h"
#include "format/weights.h"

typedef struct {
    const char *dir; /* NULL: none */
    const char *run; /* its folder, for the cache; NULL: there is none */
    double share;
    idem_photographs_options options; /* .expected is not read */
} idem_run_photographs;

/* Mixes them into `data`. Metadata "run.photographs" of the trained tensors becomes their digest; iteration: from which
 * the run goes on; above 0, -1 when they are not those it has. */
int idem_run_photographs_open(const idem_run_photographs *p, idem_data *data, idem_weights *trained, int64_t iteration);

#endif
