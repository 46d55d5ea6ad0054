/* The best crossover of style mixing, which a mapper has to beat. */
#ifndef IDEM_MEASURE_CROSSOVER_H
#define IDEM_MEASURE_CROSSOVER_H

#include "measure/methods.h"
#include "measure/observer.h"

typedef struct {
    idem_model *model;
    idem_pairs *pairs; /* with codes */
    idem_observer *observer;
    idem_method *mapper;
    const idem_seen *id, *attr; /* of all pairs */
    double strangers;           /* s0 of the training recogniser */
    int n, batch;               /* number of pairs tried, the first ones */
    idem_plan_options plan;
    void (*measured)(void *user, int pictures);
    void *user;
} idem_crossover_search;

/* How many pictures a search over n pairs measures. */
int idem_crossover_pictures(const idem_model *m, int n);

/* Of all crossovers, in both directions, the one that keeps most identity (S, training recogniser) among those with an
 * NME of at most the mapper's on the same pairs; if there is none, the one with the lowest NME. NULL with a message. */
idem_method *idem_crossover_find(const idem_crossover_search *s);

#endif
