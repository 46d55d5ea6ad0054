/* A world as the processes of measure/share.h. */
#ifndef IDEM_TRAIN_WORLD_SHARE_H
#define IDEM_TRAIN_WORLD_SHARE_H

#include "measure/share.h"
#include "train/world.h"

idem_measure_share idem_world_share(const idem_world *w);

#endif
