/* The report of an iteration. */
#ifndef IDEM_TRAIN_MAPPER_REPORT_H
#define IDEM_TRAIN_MAPPER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* One iteration's numbers; NaN if the iteration has no such loss. */
typedef struct {
    int64_t iteration; /* completed, including this one */
    bool cross, adversarial, skipped;
    double loss; /* of the main step, weighted */
    double l_id, l_landmark, l_rec, l_adversarial, l_critic, r1, l_surround;
    double rate;
} idem_train_report;

#endif
