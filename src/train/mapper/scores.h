/* Inside src/train/mapper only: an evaluation as a line of metrics.jsonl. */
#ifndef IDEM_TRAIN_MAPPER_SCORES_H
#define IDEM_TRAIN_MAPPER_SCORES_H

#include "measure/held_out.h"
#include "train/metrics_log.h"

/* photographs: their figures, each by the name of the others with "photo_" before it; NULL: there are none. */
int idem_scores_write(idem_metrics_log *log, int64_t iteration, const idem_held_out_scores *s,
                      const idem_held_out_scores *photographs, bool judge);

#endif
