/* Only for src/train/world*.c: messages between ranks. */
#ifndef IDEM_TRAIN_WORLD_EXCHANGE_H
#define IDEM_TRAIN_WORLD_EXCHANGE_H

#include "base/plugin/mpi.h"
#include "train/world.h"

/* Sends and receives the n parcels, of which none is this rank's own. -1 with a message that names a rank without an
 * answer. */
int idem_world_exchange(const idem_world *w, const idem_mpi_parcel *parcel, int n);

#endif
