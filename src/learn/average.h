/* Inside src/learn only: a moving average of E_attr and M, for evaluation and for the mapper that is saved. It is more
 * tensors of the trained nets, "ema.NAME" beside every NAME of E_attr.* and mapper.*, so that a checkpoint holds it;
 * the batch norms' running averages are averaged like the weights they belong to. */
#ifndef IDEM_LEARN_AVERAGE_H
#define IDEM_LEARN_AVERAGE_H

#include <stdbool.h>

#include "format/weights.h"

#define IDEM_AVERAGE_PREFIX "ema."

bool idem_average_covers(const char *name); /* a tensor of E_attr or M */
bool idem_average_kept(const idem_weights *trained);
idem_weight *idem_average_of(const idem_weights *trained, const char *name); /* NULL, no message, when absent */

/* Adds the average, equal to the weights as they are now. */
int idem_average_add(idem_weights *trained);

typedef struct idem_average idem_average;

/* For updates, after the weights were bound to a graph: their memory order is settled then. -1 also when an average is
 * missing. `trained` must outlive it. */
idem_average *idem_average_new(idem_weights *trained);
void idem_average_free(idem_average *a); /* NULL is allowed */

/* average += (1 - d) (weight - average), d = min(decay, (1 + t) / (10 + t)): the start is forgotten soon. t: updates
 * before this one. */
void idem_average_update(idem_average *a, double decay, int64_t t);

#endif
