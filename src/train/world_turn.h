/* Work of the ranks that takes longer than an exchange may. The work gets `user` and returns 0 or -1. */
#ifndef IDEM_TRAIN_WORLD_TURN_H
#define IDEM_TRAIN_WORLD_TURN_H

#include "train/world.h"

/* Rank 0 does the work, then the others, which may read the files that it has left. They wait as long as it takes. -1
 * on all ranks if one fails. what: "the photographs". */
int idem_world_in_turn(const idem_world *w, const char *what, int (*work)(void *user), void *user);

/* All ranks do the work, and wait for each other up to an hour, within it and after it. */
int idem_world_together(const idem_world *w, int (*work)(void *user), void *user);

#endif
