/* The steps of an iteration, and its rate. */
#ifndef IDEM_TRAIN_MAPPER_SCHEDULE_H
#define IDEM_TRAIN_MAPPER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "train/mapper/recipe.h"

typedef struct {
    bool cross;       /* I_id and I_attr differ, no reconstruction loss; else one picture is both */
    bool adversarial; /* also the adversarial and the critic's step */
} idem_turn;

idem_turn idem_schedule_turn(const idem_recipe *r, int64_t iteration);

/* Factor on the base rate: (it + 1) / warmup at the start, half a cosine down to 0 over the last `decay` of all
 * iterations, else 1. */
double idem_schedule_rate(const idem_recipe *r, int64_t iteration);

#endif
