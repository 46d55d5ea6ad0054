/* What graph.c and plan.c share. */
#ifndef IDEM_ENGINE_GRAPH_PRIVATE_H
#define IDEM_ENGINE_GRAPH_PRIVATE_H

#include "engine/graph.h"

/* Memory for a frozen node's value, owned by the graph until given back. */
float *idem_graph_hold(idem_graph *g, idem_node *n);
void idem_graph_release(idem_graph *g, idem_node *n);

#endif
