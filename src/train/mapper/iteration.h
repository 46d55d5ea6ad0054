/* Only for src/train/mapper: an iteration. One forward pass with all its losses, then up to three steps in a fixed
 * order, unless a number is not finite (r->skipped). All gradients are of the old weights. A failed or interrupted
 * iteration changes nothing. */
#ifndef IDEM_TRAIN_MAPPER_ITERATION_H
#define IDEM_TRAIN_MAPPER_ITERATION_H

#include "data/data.h"
#include "model/average.h"
#include "train/mapper/graph.h"
#include "train/mapper/report.h"
#include "train/mapper/state.h"

typedef struct {
    const idem_recipe *recipe;
    idem_mapper_state *state; /* the cursor and the skipped landmarks; the common part is only read */
    idem_training_graph *graph;
    idem_data *data;
    idem_average *average; /* may be NULL */
} idem_mapper_iteration;

/* On the data's next batch. */
int idem_mapper_iterate(const idem_mapper_iteration *t, idem_train_report *r);
/* On the caller's, as idem_trainer_step_on. */
int idem_mapper_iterate_on(const idem_mapper_iteration *t, const float *x_id, const float *x_attr, const float *w_real,
                           idem_train_report *r);

#endif
