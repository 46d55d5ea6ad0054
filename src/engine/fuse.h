/* Chains of nodes that one kernel computes in one pass over memory: a convolution or a batch normalisation, then
 * optionally the addition of another value, then optionally a ReLU, leaky ReLU or PReLU. Before a batch normalisation
 * optionally a concatenation of channels, whose parts it reads in place; before a convolution optionally a
 * multiplication of every channel of every picture by a factor (modulation). */
#ifndef IDEM_ENGINE_FUSE_H
#define IDEM_ENGINE_FUSE_H

#include "engine/graph.h"

typedef struct idem_chain {
    idem_node *first, *last;      /* its first node, and the node whose value is computed */
    idem_node *residual, *slopes; /* NULL: none */
    idem_node *before;            /* the concatenation, or multiplication by factors, before `first`; NULL: none */
    bool leaky;                   /* the same slope for all channels */
    float slope;
} idem_chain;

/* Finds the chains among the needed nodes of `size`. chain[id], NULL at first, is set for the last node of a chain;
 * inner[id], initially false, for the others, whose values are not stored, as nothing else reads them. 0 or -1. */
int idem_fuse(const idem_graph *g, const bool *need, const bool *is_target, int size, idem_arena *arena,
              idem_chain **chain, bool *inner);

/* Whether n is a ReLU or leaky ReLU without gain; sets the slope of negative values. */
bool idem_unary_is_leaky(const idem_node *n, float *slope);
/* Whether n concatenates channels of pictures. */
bool idem_concat_is_of_channels(const idem_node *n);
/* Whether n is pictures [N, C, H, W] times factors [N, C, 1, 1], in this order. */
bool idem_mul_is_of_channels(const idem_node *n);

#endif
