/* A world as the processes of measure/share.h, and as the table of compose/ranks.h. */
#ifndef IDEM_TRAIN_WORLD_SHARE_H
#define IDEM_TRAIN_WORLD_SHARE_H

#include "compose/ranks.h"
#include "measure/share.h"
#include "train/world.h"

idem_measure_share idem_world_share(const idem_world *w);
idem_rank_table idem_world_table(const idem_world *w);

#endif
