/* ONNX models of opset 9 to 17 as graphs: all weights are frozen, gradients reach the input only. The batch is free:
 * the input node's replaces the file's (mostly 1), also in constant shapes. Integer arithmetic on shapes is done while
 * building.
 *
 *     idem_onnx *m;
 *     if (idem_onnx_load(&m, "fr_feature.onnx")) ...
 *     idem_node *x = idem_input(g, "x", IDEM_SHAPE(16, 3, 112, 112));
 *     idem_node *e = idem_onnx_build(g, m, x, NULL);
 *     idem_onnx_free(m);                              // the graph holds copies of what it needs */
#ifndef IDEM_NETS_ONNX_GRAPH_H
#define IDEM_NETS_ONNX_GRAPH_H

#include "engine/graph.h"
#include "format/onnx.h"

/* The output of this name, or the first one for NULL. NULL with a message naming file and node if an operator, or its
 * use, is not supported, or if the input's shape does not fit the file's. */
idem_node *idem_onnx_build(idem_graph *g, const idem_onnx *m, idem_node *input, const char *output);

/* Several outputs from one pass; nodes that only other outputs need are omitted. 0 or -1. */
int idem_onnx_build_many(idem_graph *g, const idem_onnx *m, idem_node *input, const char *const *names, int n,
                         idem_node **out);

#endif
