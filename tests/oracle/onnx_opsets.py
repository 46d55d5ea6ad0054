"""Writes tests/fixtures/opsets: one network as PyTorch exports it at every ONNX opset from 9 to 17, and small models of the
operators whose form changed between them, each with what PyTorch computes for the input.

    /usr/bin/python3 tests/oracle/onnx_opsets.py tests/fixtures/opsets

Versions: PyTorch 1.13, onnx 1.12, NumPy 1.24.
"""
import io
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

BATCH = 2


def values(shape, phase, scale=1.0):
    """A fixed pattern: no generator whose stream may change."""
    i = np.arange(int(np.prod(shape)), dtype=np.float64)
    return (scale * np.sin(1.7 * i + phase + 0.3 * np.cos(0.37 * i))).astype(np.float32).reshape(shape)


class Net(nn.Module):
    """Every kind of layer a recogniser has, written so that the exporter uses what changed from opset to opset."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.prelu = nn.PReLU(8)
        self.depthwise = nn.Conv2d(8, 8, 3, stride=2, groups=8)
        self.fc = nn.Linear(4 * 4 * 3, 6)
        self.drop = nn.Dropout(0.4)
        self.bn1 = nn.BatchNorm1d(6)

    def forward(self, x):
        x = self.prelu(self.bn(self.conv(x)))
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = F.relu6(F.pad(x, (1, 2, 0, 1), value=0.25)).clamp(min=0.05)
        x = self.depthwise(x)
        x = x[:, :, 1:, 0:-1]
        a, b = torch.split(x, [4, 4], 1)
        x = a * torch.sigmoid(b) + F.leaky_relu(b, 0.1)
        x = torch.softmax(x, 1) + x.mean((2, 3), keepdim=True) - 0.1 * x.sum(1).unsqueeze(1)
        x = F.max_pool2d(x, 2, ceil_mode=True) + F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        x = torch.cat([x, x.mean(3).unsqueeze(3)], 3)[:, :, :4, :3]
        x = self.fc(self.drop(torch.flatten(x, 1)))
        x = self.bn1(x).unsqueeze(2).squeeze(2)
        return F.normalize(x)


def export(folder):
    torch.manual_seed(0)
    net = Net().eval()
    with torch.no_grad():
        for k, (name, t) in enumerate(list(net.named_parameters()) + list(net.named_buffers())):
            if t.dtype.is_floating_point:
                v = torch.from_numpy(values(t.shape, k, 0.5))
                t.copy_(v.abs() + 0.5 if "running_var" in name or name.endswith("bn.weight") else v)
    x = torch.from_numpy(values((BATCH, 3, 9, 8), 0.5))
    with torch.no_grad():
        y = net(x)
    np.save(os.path.join(folder, "net.x.npy"), x.numpy())
    np.save(os.path.join(folder, "net.y.npy"), y.numpy())
    for opset in range(9, 18):
        f = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(net, x[:1], f, opset_version=opset, input_names=["x"], output_names=["y"])
        with open(os.path.join(folder, f"net-{opset}.onnx"), "wb") as out:
            out.write(f.getvalue())


def asymmetric(x, fy, fx):
    """Linear resizing as before opset 11: the middle of output o lies at o / scale."""
    def along(x, axis, factor):
        n = x.shape[axis]
        at = np.arange(n * factor) / factor
        low = np.floor(at).astype(int)
        t = (at - low).reshape([-1 if i == axis else 1 for i in range(4)])
        return np.take(x, low, axis) * (1 - t) + np.take(x, np.minimum(low + 1, n - 1), axis) * t
    return torch.from_numpy(along(along(x.numpy().astype(np.float64), 2, fy), 3, fx).astype(np.float32))


def made(folder):
    x = torch.from_numpy(values((BATCH, 4, 5, 6), 0.9))
    np.save(os.path.join(folder, "made.x.npy"), x.numpy())
    i = lambda *v: np.array(v, np.int64)
    f = lambda *v: np.array(v, np.float32)
    size = lambda mode, s, **k: F.interpolate(x, size=s, mode=mode, **k)
    resize = lambda **k: [("Resize", "x|||to", "y", k)]
    models = [
        ("upsample", 9, [("Upsample", "x|s", "y", dict(mode="nearest"))], dict(s=f(1, 1, 2, 3)),
         F.interpolate(x, scale_factor=(2, 3), mode="nearest")),
        ("upsample-linear", 9, [("Upsample", "x|s", "y", dict(mode="linear"))], dict(s=f(1, 1, 2, 3)), asymmetric(x, 2, 3)),
        ("resize", 10, [("Resize", "x|s", "y", dict(mode="linear"))], dict(s=f(1, 1, 3, 2)), asymmetric(x, 3, 2)),
        ("resize-size", 11, resize(mode="linear", coordinate_transformation_mode="pytorch_half_pixel"),
         {"to": i(1, 4, 7, 4)}, size("bilinear", (7, 4), align_corners=False)),
        ("resize-scale", 11, [("Resize", "x|r|s", "y", dict(mode="linear", coordinate_transformation_mode="half_pixel"))],
         dict(r=f(), s=f(1, 1, 1.5, 0.5)), F.interpolate(
             x, scale_factor=(1.5, 0.5), mode="bilinear", align_corners=False, recompute_scale_factor=False)),
        ("resize-cubic", 12, resize(mode="cubic", cubic_coeff_a=-0.75), {"to": i(1, 4, 8, 9)},
         size("bicubic", (8, 9), align_corners=False)),
        ("resize-corners", 13, resize(mode="linear", coordinate_transformation_mode="align_corners"), {"to": i(1, 4, 9, 3)},
         size("bilinear", (9, 3), align_corners=True)),
        ("resize-nearest", 13, resize(mode="nearest", nearest_mode="round_prefer_ceil"), {"to": i(1, 4, 7, 9)},
         size("nearest-exact", (7, 9))),
        ("reduce", 11, [("ReduceMean", "x", "m", dict(axes=[1, -1], keepdims=0)), ("ReduceL2", "m", "y", dict(axes=[1]))], {},
         x.mean((1, 3)).norm(dim=1, keepdim=True)),
        ("reduce-input", 13, [("ReduceSum", "x|a", "s", dict(keepdims=0)), ("ReduceSum", "s|none", "n", dict(noop_with_empty_axes=1)),
                              ("ReduceSumSquare", "n", "y", dict(axes=[2]))], dict(a=i(1), none=i()),
         x.sum(1).square().sum(2, keepdim=True)),
        ("softmax-flat", 11, [("Softmax", "x", "y", dict(axis=2))], {}, 
         torch.softmax(x.reshape(BATCH * 4, 30), 1).reshape(x.shape)),
        ("softmax", 13, [("Softmax", "x", "y", dict(axis=2))], {}, torch.softmax(x, 2)),
        ("clip", 9, [("Clip", "x", "y", dict(min=-0.25, max=0.5))], {}, x.clamp(-0.25, 0.5)),
        ("clip-min", 11, [("Clip", "x|lo", "y", {})], dict(lo=np.float32(-0.25)), x.clamp(min=-0.25)),
        ("clip-max", 13, [("Clip", "x||hi", "y", {})], dict(hi=np.float32(0.25)), x.clamp(max=0.25)),
        ("pad", 9, [("Pad", "x", "y", dict(pads=[0, 0, 1, 0, 0, 0, 0, 2], value=0.5))], {}, F.pad(x, (0, 2, 1, 0), value=0.5)),
        ("pad-input", 13, [("Pad", "x|p|v", "y", {})], dict(p=i(0, 0, -1, 1, 0, 0, 2, -3), v=np.float32(-2)),
         F.pad(x, (1, -3, -1, 2), value=-2.0)),
        ("slice", 9, [("Slice", "x", "y", dict(starts=[1, -3], ends=[9, 9], axes=[1, 3]))], {}, x[:, 1:, :, -3:]),
        ("slice-step", 10, [("Slice", "x|st|en|ax|sp", "y", {})], dict(st=i(-4, 0), en=i(9, -1), ax=i(-1, 2), sp=i(2, 3)),
         x[:, :, 0:-1:3, -4::2]),
        ("axes", 11, [("Unsqueeze", "x", "u", dict(axes=[0, -1])), ("Squeeze", "u", "q", dict(axes=[0, 5])),
                      ("Split", "q", "a|b", dict(axis=1, split=[1, 3])), ("Concat", "b|a", "y", dict(axis=-3))], {},
         torch.cat([x[:, 1:], x[:, :1]], 1)),
        ("axes-input", 13, [("Unsqueeze", "x|a1", "u", {}), ("Squeeze", "u|a2", "q", {}), ("Split", "q|sp", "a|b", dict(axis=1)),
                            ("Concat", "b|a", "y", dict(axis=-3))], dict(a1=i(0, -1), a2=i(0, -1), sp=i(1, 3)),
         torch.cat([x[:, 1:], x[:, :1]], 1)),
        ("dropout", 12, [("Dropout", "x|ratio|train", "d|mask", {}), ("Relu", "d", "y", {})],
         dict(ratio=np.float32(0.5), train=np.array(False)), x.relu()),
        ("batch-norm", 15, [("BatchNormalization", "x|g|b|m|v", "y", dict(epsilon=1e-3))],
         dict(g=f(1, 2, 0.5, -1), b=f(0, 0.5, 1, 2), m=f(0.1, -0.2, 0.3, 0), v=f(1, 0.5, 2, 4)),
         F.batch_norm(x, torch.tensor([0.1, -0.2, 0.3, 0]), torch.tensor([1, 0.5, 2, 4.0]), torch.tensor([1, 2, 0.5, -1.0]),
                      torch.tensor([0, 0.5, 1, 2.0]), False, 0, 1e-3)),
        ("hard", 14, [("HardSwish", "x", "h", {}), ("HardSigmoid", "h", "s", dict(alpha=0.3)), ("Pow", "s|two", "y", {})],
         dict(two=np.float32(2)), (F.hardswish(x) * 0.3 + 0.5).clamp(0, 1) ** 2),
        ("expand", 17, [("ReduceMean", "x", "m", dict(axes=[2, 3])), ("Shape", "x", "n", {}), ("Expand", "m|n", "e", {}),
                        ("Sub", "x|e", "y", {})], {}, x - x.mean((2, 3), keepdim=True)),
        # Refused: no output.
        ("old", 8, [("Relu", "x", "y", {})], {}, None),
        ("new", 18, [("Relu", "x", "y", {})], {}, None),
        ("dropout-training", 12, [("Dropout", "x|ratio|train", "y", {})], dict(ratio=np.float32(0.5), train=np.array(True)), None),
        ("batch-norm-training", 14, [("BatchNormalization", "x|g|g|g|g", "y|m|v", dict(training_mode=1))], dict(g=f(1, 1, 1, 1)), None),
        ("unknown", 17, [("Relu", "x", "r", {}), ("Celu", "r", "y", {})], {}, None),
    ]
    for name, opset, nodes, tensors, y in models:
        parts = [helper.make_node(op, ins.split("|"), outs.split("|"), name=f"{op.lower()}_{k}", **a)
                 for k, (op, ins, outs, a) in enumerate(nodes)]
        inits = [numpy_helper.from_array(v, n) for n, v in tensors.items()]
        value = lambda n, s: helper.make_tensor_value_info(n, TensorProto.FLOAT, s)
        graph = helper.make_graph(parts, "g", [value("x", [1, 4, 5, 6])], [value("y", None)], inits)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        with open(os.path.join(folder, f"{name}.onnx"), "wb") as out:
            out.write(model.SerializeToString())
        if y is not None:
            np.save(os.path.join(folder, f"{name}.y.npy"), y.numpy())


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    export(sys.argv[1])
    made(sys.argv[1])
