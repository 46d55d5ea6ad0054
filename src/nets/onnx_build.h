/* Shared by the onnx_*.c files: values while building, access to a node's inputs, the tables of operators. */
#ifndef IDEM_NETS_ONNX_BUILD_H
#define IDEM_NETS_ONNX_BUILD_H

#include "nets/onnx_graph.h"

/* The value of a name: a node, integers (shapes, indices), or a float constant that is not a node yet. */
typedef struct {
    const char *name;
    idem_node *node;
    const idem_onnx_node *producer;
    const idem_onnx_tensor *constant; /* also kept when node was made from it */
    const int64_t *ints;              /* count of them, of that shape */
    size_t count;
    idem_shape shape;
    int users;   /* nodes that read it, plus 1 for a requested output */
    bool needed; /* for the requested outputs */
} idem_onnx_val;

typedef struct {
    idem_graph *graph;
    const idem_onnx *model;
    int64_t file_batch, batch; /* leading dimension of the input in the file (-1: free) and here */
    idem_onnx_val *vals;       /* open-addressed by name */
    size_t n_vals;             /* a power of two */
    bool *needed;              /* by node: for the requested outputs */
    bool *done;                /* by node: not needed, or folded into the one before */
    idem_node *(*folded)[2];   /* by node: weight and bias with the normalisation after it folded in */
} idem_onnx_builder;

typedef int idem_onnx_fn(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out);
typedef struct {
    const char *op_type;
    idem_onnx_fn *build; /* sets node or ints of out[0 .. n_outputs-1]; NULL entries are omitted outputs */
} idem_onnx_op;

/* Each ends with a NULL name. */
extern const idem_onnx_op idem_onnx_layer_ops[], idem_onnx_shape_ops[], idem_onnx_math_ops[], idem_onnx_int_ops[],
    idem_onnx_resize_ops[];

/* The slot of a name; NULL if it was never defined (impossible for names in a parsed model) or is "". */
idem_onnx_val *idem_onnx_val_find(const idem_onnx_builder *b, const char *name);
/* Input i, or NULL if it is absent. */
idem_onnx_val *idem_onnx_in(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i);
/* Input i as a node (constants become nodes); NULL with a message if it is absent or holds integers. */
idem_node *idem_onnx_in_node(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i);
/* Integers of attribute `name`, else of input i (i = 0: no such input). 1: found, 0: neither exists, -1 with a message.
 */
int idem_onnx_list(const idem_onnx_builder *b, const idem_onnx_node *n, const char *name, size_t i,
                   const int64_t **list, size_t *count);
/* Sets out to a list of integers (rank 1) or a single one (0), copied into the graph's arena. */
int idem_onnx_set_ints(const idem_onnx_builder *b, idem_onnx_val *out, const int64_t *ints, size_t count, int rank);
static inline int idem_onnx_set_node(idem_onnx_val *out, idem_node *node) {
    out->node = node;
    return node ? 0 : -1;
}
/* The node whose output is input i of n; NULL: none. */
const idem_onnx_node *idem_onnx_producer(const idem_onnx_builder *b, const idem_onnx_node *n, size_t i);
/* Axis with negatives counted from the end; -1 with a message if it is outside. */
int idem_onnx_axis(const idem_onnx_node *n, int64_t axis, int rank);

#endif
