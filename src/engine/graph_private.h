/* Shared by graph.c, plan.c and pack.c. */
#ifndef IDEM_ENGINE_GRAPH_PRIVATE_H
#define IDEM_ENGINE_GRAPH_PRIVATE_H

#include "engine/graph.h"

/* Unique per graph in a process. */
uint64_t idem_graph_serial(const idem_graph *g);

/* Memory for a frozen node's value, owned by the graph until released. */
float *idem_graph_hold(idem_graph *g, idem_node *n);
void idem_graph_release(idem_graph *g, idem_node *n);
/* Counts plans that read such a value at run. No effect on leaves that the graph does not hold. */
void idem_graph_keep(idem_graph *g, const idem_node *n);
void idem_graph_drop(idem_graph *g, const idem_node *n);
/* Releases it unless a plan keeps it; the next plan computes it again. */
void idem_graph_release_unkept(idem_graph *g, idem_node *n);

#endif
