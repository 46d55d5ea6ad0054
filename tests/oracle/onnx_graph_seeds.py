"""Writes the seeds of fuzz/fuzz_onnx_graph.c: small models that together use every operator the builder knows.

    /usr/bin/python3 tests/oracle/onnx_graph_seeds.py fuzz/seeds/onnx_graph
"""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def save(folder, name, shape, opset, nodes, tensors):
    made = [helper.make_node(op, i.split("|"), o.split("|"), **a) for op, i, o, a in nodes]
    inits = [numpy_helper.from_array(np.array(v), n) for n, v in tensors.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(helper.make_graph(made, "g", [x], [y], inits), opset_imports=[helper.make_opsetid("", opset)])
    with open(os.path.join(folder, name + ".onnx"), "wb") as f:
        f.write(model.SerializeToString())


def main(folder):
    os.makedirs(folder, exist_ok=True)
    f = lambda *s: np.linspace(-1, 1, int(np.prod(s))).astype(np.float32).reshape(s)
    i = lambda *v: np.array(v, np.int64)
    one = lambda c: np.ones(c, np.float32)
    save(folder, "layers", [1, 4, 6, 6], 9, [
        ("Conv", "x|w|b", "c", dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], group=2)),
        ("BatchNormalization", "c|g|be|m|v", "n", {}),
        ("PRelu", "n|s", "p", {}),
        ("MaxPool", "p", "mp", dict(kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)),
        ("AveragePool", "mp", "ap", dict(kernel_shape=[2, 2], pads=[0, 0, 1, 1], count_include_pad=1, ceil_mode=1)),
        ("BatchNormalization", "ap|g|be|m|v", "n2", {}),
        ("GlobalAveragePool", "n2", "ga", {}),
        ("Flatten", "ga", "fl", {}),
        ("Gemm", "fl|gw|gb", "y", dict(transB=1, alpha=0.5, beta=2.0)),
    ], dict(w=f(4, 2, 3, 3), b=f(4), g=one(4), be=f(4), m=f(4), v=one(4), s=f(4, 1, 1), gw=f(3, 4), gb=f(3)))
    save(folder, "shapes", [1, 4, 3, 2], 9, [
        ("Transpose", "x", "t", dict(perm=[0, 2, 3, 1])),
        ("Shape", "t", "sh", {}),
        ("Gather", "sh|zero", "n", dict(axis=0)),
        ("Unsqueeze", "n", "n1", dict(axes=[0])),
        ("Concat", "n1|rest|four", "to", dict(axis=0)),
        ("Reshape", "t|to", "r", {}),
        ("Split", "r", "a|b", dict(axis=2, split=[1, 3])),
        ("Slice", "b", "s", dict(axes=[1, 2], starts=[0, -2], ends=[9223372036854775807, 3])),
        ("Concat", "a|s", "c", dict(axis=2)),
        ("Softmax", "c", "so", dict(axis=2)),
        ("ReduceMean", "so", "rm", dict(axes=[1], keepdims=0)),
        ("Unsqueeze", "rm", "u", dict(axes=[1, 3])),
        ("Squeeze", "u", "q", dict(axes=[1])),
        ("Pad", "q", "y", dict(pads=[0, 1, 0, 0, 2, 0], value=3.0)),
    ], dict(zero=np.int64(0), rest=i(-1), four=i(4)))
    save(folder, "math", [1, 5], 11, [
        ("Slice", "x|st|en|ax|sp", "s", {}),
        ("Mul", "s|half", "m", {}), ("Add", "m|c", "a", {}), ("Sub", "half|a", "d", {}), ("Div", "d|c", "v", {}),
        ("Exp", "v", "e", {}), ("Sigmoid", "e", "g", {}), ("Tanh", "g", "h", {}), ("Clip", "h|half|c1", "k", {}),
        ("LeakyRelu", "k", "l", dict(alpha=0.1)), ("MatMul", "l|w", "w2", {}), ("Identity", "w2", "id", {}),
        ("Dropout", "id", "dr", {}), ("Gather", "dr|pick", "ga", dict(axis=1)), ("Relu", "ga", "r", {}),
        ("Add", "one|two", "three", {}), ("Cast", "three", "fl", dict(to=1)), ("Mul", "r|fl", "y", {}),
    ], dict(st=i(0), en=i(5), ax=i(1), sp=i(2), half=np.float32(0.5), c=f(3), c1=np.float32(1), w=f(3, 4), pick=i(0, -1),
            one=i(1, 2), two=i(3)))


main(sys.argv[1])
