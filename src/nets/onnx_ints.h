/* Only for src/nets: integers while a graph is built, small tensors of any rank, at most 65,536 each. */
#ifndef IDEM_NETS_ONNX_INTS_H
#define IDEM_NETS_ONNX_INTS_H

#include "nets/onnx_build.h"

/* Sets out to integers of a shape, copied into the graph's arena; NULL: allocates them only. */
int idem_onnx_set_grid(const idem_onnx_builder *b, idem_onnx_val *out, const int64_t *ints, idem_shape shape);
/* Element [i, j, ...] of out is element offset + i * stride[0] + j * stride[1] + ... of x; all must lie in x. */
int idem_onnx_view(const idem_onnx_builder *b, idem_onnx_val *out, const idem_onnx_val *x, idem_shape shape,
                   int64_t offset, const int64_t *stride);
/* Of a row-major tensor. */
void idem_onnx_strides(const idem_shape *shape, int64_t *stride);
/* All inputs, which must hold integers, one after the other. */
int idem_onnx_concat_ints(const idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val *out);

#endif
