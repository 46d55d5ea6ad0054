/* Binding: from named tensors to parameter nodes, by exact name and shape, with one summary of missing, misshapen and
 * unused tensors.
 *
 *     idem_binder b = idem_binder_make(graph, weights, "g_ema.", false);
 *     idem_node *w = idem_bind(&b, IDEM_SHAPE(64, 3, 7, 7), "conv1.weight");
 *     ...
 *     if (idem_binder_finish(&b, "ResNet-18", "fc.*")) ... */
#ifndef IDEM_NETS_BIND_H
#define IDEM_NETS_BIND_H

#include "engine/graph.h"
#include "format/weights.h"

typedef struct {
    idem_graph *graph;
    idem_weights *weights;
    const char *prefix; /* put before every name; "" for none */
    bool trainable;
    int missing, misshapen, damaged;
    char first[256]; /* the first few problems, for the summary */
} idem_binder;

idem_binder idem_binder_make(idem_graph *g, idem_weights *w, const char *prefix, bool trainable);

/* A parameter of exactly this name and shape, borrowed from the weights (a weight of rank 4 becomes channels-last
 * there). A weight with leading 1-dimensions too many ([1, O, I, K, K]) or a rank-1 tensor for [1, C, 1, 1] fits if the
 * count of elements and the order are the same. If it is missing or misshapen, the problem is recorded and a zero
 * constant replaces it, so that building can continue; numbers that are not finite are recorded too, when a tensor is
 * bound for the first time. */
idem_node *idem_bind(idem_binder *b, idem_shape shape, const char *name_format, ...) IDEM_PRINTF(3, 4);
bool idem_bind_has(const idem_binder *b, const char *name_format, ...) IDEM_PRINTF(2, 3);
/* Shape of a tensor; rank 0 without a message if it is absent. Widths are taken from the tensors. */
idem_shape idem_bind_shape(const idem_binder *b, const char *name_format, ...) IDEM_PRINTF(2, 3);

/* -1 with the summary if anything was missing, misshapen or damaged; a warning (base/log.h) lists unused tensors below
 * the prefix that match none of the |-separated patterns in `spare` ("fc.*|AuxLogits.*", NULL: none). */
int idem_binder_finish(idem_binder *b, const char *what, const char *spare);

#endif
