/* Only for src/train/mapper: an iteration, once its inputs are set. */
#ifndef IDEM_TRAIN_MAPPER_STEP_H
#define IDEM_TRAIN_MAPPER_STEP_H

#include "model/average.h"
#include "train/mapper/graph.h"
#include "train/mapper/schedule.h"
#include "train/mapper/report.h"

/* Runs the turn's plan and takes its steps, unless a number is not finite: r->skipped. All gradients are of the old
 * weights; then the steps are taken in order. average: may be NULL. without_landmarks: samples of the batch without
 * landmarks in one of the pictures. An interrupted step changes nothing. */
int idem_mapper_step(idem_training_graph *g, const idem_recipe *recipe, idem_turn turn, int64_t iteration,
                     idem_average *average, idem_train_report *r, int64_t *without_landmarks);

#endif
