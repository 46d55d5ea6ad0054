/* Inside src/train/mapper only: what an iteration does once its inputs are there. */
#ifndef IDEM_TRAIN_MAPPER_STEP_H
#define IDEM_TRAIN_MAPPER_STEP_H

#include "model/average.h"
#include "train/mapper/graph.h"
#include "train/mapper/schedule.h"
#include "train/mapper/report.h"

/* Runs the turn's plan and takes its steps, unless something is not finite: r->skipped. All gradients are of the old
 * weights; the steps follow one another. average: NULL: none. without_landmarks: samples of the batch that have none in
 * one of the pictures. An interrupted step leaves everything as it was. */
int idem_mapper_step(idem_training_graph *g, const idem_recipe *recipe, idem_turn turn, int64_t iteration,
                     idem_average *average, idem_train_report *r, int64_t *without_landmarks);

#endif
