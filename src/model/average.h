/* Only for src/model: moving averages of trained weights, for evaluation and for saved models. An average is a further
 * tensor beside each weight, so that a checkpoint contains it. Rules define the names: the average of FROM* is TO*. For
 * the mapper: "ema.NAME" beside every NAME of E_attr.* and mapper.* (running averages of batch norms are averaged like
 * weights). */
#ifndef IDEM_MODEL_AVERAGE_H
#define IDEM_MODEL_AVERAGE_H

#include <stdbool.h>

#include "format/weights.h"

typedef struct {
    const char *from, *to; /* beginnings of names */
} idem_average_rule;

#define IDEM_AVERAGE_PREFIX "ema."
enum { IDEM_AVERAGE_MAPPER_RULES = 2 };
extern const idem_average_rule idem_average_mapper[IDEM_AVERAGE_MAPPER_RULES];

bool idem_average_covers(const char *name); /* a tensor of E_attr or M */
bool idem_average_kept(const idem_weights *trained);
idem_weight *idem_average_of(const idem_weights *trained, const char *name); /* NULL without a message if absent */

/* Adds the average, initially equal to the weights. */
int idem_average_add(idem_weights *trained, const idem_average_rule *rules, int n);

typedef struct idem_average idem_average;

/* For updates, after the weights were bound to a graph, which fixes their memory order. NULL also if an average is
 * missing. `trained` must outlive it. */
idem_average *idem_average_new(idem_weights *trained, const idem_average_rule *rules, int n);
void idem_average_free(idem_average *a); /* NULL is allowed */

/* average += (1 - d) (weight - average), d = min(decay, (1 + t) / (10 + t)): the initial weights are forgotten soon. t:
 * updates before this one. */
void idem_average_update(idem_average *a, double decay, int64_t t);

#endif
