#!/usr/bin/python3
"""free_batch.py IN.onnx OUT.onnx: the same network with a free batch: input and outputs lose their first size, and reshapes to a
batch of one keep the given batch."""
import sys

import numpy as np
import onnx
from onnx import numpy_helper


def main():
    model = onnx.load(sys.argv[1])
    graph = model.graph
    constants = {t.name for t in graph.initializer}
    for value in list(graph.input) + list(graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.name not in constants and len(dims):
            dims[0].ClearField("dim_value")
            dims[0].dim_param = "n"
    del graph.value_info[:]
    targets = {n.input[1] for n in graph.node if n.op_type == "Reshape"}

    def keep_batch(t):
        shape = numpy_helper.to_array(t).copy()
        if shape.ndim == 1 and len(shape) > 1 and shape[0] == 1:
            shape[0] = 0
            t.CopyFrom(numpy_helper.from_array(shape.astype(np.int64), t.name))

    for t in graph.initializer:
        if t.name in targets:
            keep_batch(t)
    for n in graph.node:
        if n.op_type == "Constant" and n.output[0] in targets:
            keep_batch(n.attribute[0].t)
    onnx.save(model, sys.argv[2])


if __name__ == "__main__":
    main()
