"""Writes the ONNX files that tests/test_format_onnx.c reads.

    /usr/bin/python3 tests/oracle/format_onnx.py        (Debian's python3-onnx 1.12)
"""
import os

import numpy
import onnx
from onnx import TensorProto, helper

FOLDER = "tests/fixtures/format"


def path(name):
    return os.path.join(FOLDER, name)


def save(name, nodes, initialisers=(), inputs=("x",), outputs=("y",), domain="", **more):
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 3, None, 8]) for n in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs], list(initialisers))
    opsets = [helper.make_opsetid("", 13)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    model = helper.make_model(graph, opset_imports=opsets, producer_name="oracle", producer_version="2", ir_version=7)
    model.graph.doc_string = "not read"
    onnx.save(model, path(name))


def tensors():
    """Every element type that is read, packed (raw) and listed, all of the values 0, 1, 3 (booleans: 0, 1, 1)."""
    out = []
    kinds = {"float": TensorProto.FLOAT, "half": TensorProto.FLOAT16, "double": TensorProto.DOUBLE, "int64": TensorProto.INT64,
             "int32": TensorProto.INT32, "int16": TensorProto.INT16, "int8": TensorProto.INT8, "uint16": TensorProto.UINT16,
             "uint8": TensorProto.UINT8, "bool": TensorProto.BOOL}
    for name, kind in kinds.items():
        numbers = numpy.array([0, 1, 3]).astype(onnx.mapping.TENSOR_TYPE_TO_NP_TYPE[kind])
        out.append(helper.make_tensor("list." + name, kind, [3], numbers.tolist()))
        out.append(helper.make_tensor("raw." + name, kind, [1, 3], numbers.tobytes(), raw=True))
    negative = numpy.array([-2, -1], numpy.int64)
    out.append(helper.make_tensor("raw.negative", TensorProto.INT64, [2], negative.tobytes(), raw=True))
    out.append(helper.make_tensor("list.negative", TensorProto.INT32, [2], negative.tolist()))
    out.append(helper.make_tensor("scalar", TensorProto.FLOAT, [], [2.5]))
    out.append(helper.make_tensor("none", TensorProto.INT64, [0], []))
    bf = helper.make_tensor("raw.bfloat16", TensorProto.FLOAT, [3], [0, 1, 3])
    bf.data_type = TensorProto.BFLOAT16
    bf.ClearField("float_data")
    bf.raw_data = (numpy.array([0, 1, 3], numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes()
    out.append(bf)
    return out


def main():
    os.makedirs(FOLDER, exist_ok=True)
    value = helper.make_tensor("v", TensorProto.FLOAT, [2, 2], [1, 2, 3, 4])
    save("all.onnx", [
        helper.make_node("Constant", [], ["c"], name="constant", value=value),
        helper.make_node("Op", ["x", "", "scalar", "c"], ["y", "z"], i=-7, f=0.25, s="text", ints=[1, -2, 3], floats=[0.5, -0.5]),
        helper.make_node("Relu", ["z"], ["last"], domain="ai.onnx"),
    ], tensors(), inputs=("x", "scalar"), outputs=("y", "last"))
    relu = helper.make_node("Relu", ["x"], ["y"])
    save("order.onnx", [helper.make_node("Relu", ["h"], ["y"]), helper.make_node("Relu", ["x"], ["h"])])
    save("twice.onnx", [relu, relu])
    save("output.onnx", [relu], outputs=("nowhere",))
    save("domain.onnx", [helper.make_node("Gelu", ["x"], ["y"], domain="com.example")], domain="com.example")
    body = helper.make_graph([relu], "b", [], [])
    save("loop.onnx", [helper.make_node("Loop", ["x"], ["y"], body=body)])
    save("strings.onnx", [helper.make_node("Op", ["x"], ["y"], words=["a", "b"])])
    save("text.onnx", [relu], [helper.make_tensor("t", TensorProto.STRING, [1], [b"abc"])])
    save("rank7.onnx", [relu], [helper.make_tensor("t", TensorProto.FLOAT, [1] * 7, [1.0])])
    short = helper.make_tensor("t", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    short.dims[0] = 1 << 60
    save("short.onnx", [relu], [short])
    away = helper.make_tensor("t", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    away.ClearField("float_data")
    away.data_location = TensorProto.EXTERNAL
    entry = away.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    save("external.onnx", [relu], [away])


if __name__ == "__main__":
    main()
