"""InceptionResnetV1 as a function of its tensors (names of facenet-pytorch), of any widths: an implementation of its own.

    /usr/bin/python3 tests/oracle/facenet.py FOLDER

compares it, in double and in single precision, with a folder of fixtures (embedding and gradient)."""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F


def unit(t, name, x, stride=1, padding=0):
    x = F.conv2d(x, t[name + ".conv.weight"], stride=stride, padding=padding)
    return F.relu(norm(t, name + ".bn", x))


def norm(t, name, x):
    return F.batch_norm(x, t[name + ".running_mean"], t[name + ".running_var"], t[name + ".weight"], t[name + ".bias"], False, 0, 1e-3)


def chain(t, name, x, last=1, n=None):
    """Branch NAME.0, NAME.1, ...: padding by the kernels, the last one with this stride and, if it has one, no padding."""
    i = 0
    while f"{name}.{i}.conv.weight" in t:
        k = t[f"{name}.{i}.conv.weight"].shape[2:]
        end = f"{name}.{i + 1}.conv.weight" not in t
        strided = end and last > 1
        x = unit(t, f"{name}.{i}", x, last if strided else 1, 0 if strided else (k[0] // 2, k[1] // 2))
        i += 1
    return x


def residual(t, name, x, scale, relu=True):
    branches, i = [unit(t, name + ".branch0", x)], 1
    while f"{name}.branch{i}.0.conv.weight" in t:
        branches.append(chain(t, f"{name}.branch{i}", x))
        i += 1
    y = F.conv2d(torch.cat(branches, 1), t[name + ".conv2d.weight"], t[name + ".conv2d.bias"]) * scale + x
    return F.relu(y) if relu else y


def embedding(t, x):
    """x [N, 3, H, W] in [-1, 1] -> unit vectors."""
    x = unit(t, "conv2d_1a", x, 2)
    x = unit(t, "conv2d_2a", x)
    x = F.max_pool2d(unit(t, "conv2d_2b", x, 1, 1), 3, 2)
    x = unit(t, "conv2d_4b", unit(t, "conv2d_4a", unit(t, "conv2d_3b", x)), 2)
    for i in range(5):
        x = residual(t, f"repeat_1.{i}", x, 0.17)
    x = torch.cat([unit(t, "mixed_6a.branch0", x, 2), chain(t, "mixed_6a.branch1", x, 2), F.max_pool2d(x, 3, 2)], 1)
    for i in range(10):
        x = residual(t, f"repeat_2.{i}", x, 0.1)
    x = torch.cat([chain(t, f"mixed_7a.branch{i}", x, 2) for i in range(3)] + [F.max_pool2d(x, 3, 2)], 1)
    for i in range(5):
        x = residual(t, f"repeat_3.{i}", x, 0.2)
    x = residual(t, "block8", x, 1, relu=False).mean((2, 3))
    return F.normalize(norm(t, "last_bn", F.linear(x, t["last_linear.weight"])))


def main(folder):
    from encoder_fixture import fill
    about = json.load(open(folder + "/fixture.json"))
    for dtype in (torch.float64, torch.float32):
        def filled(row):
            return fill(about["salt"], row["name"], row["shape"], row["a"], row["b"]).to(dtype)
        t = {row["name"]: filled(row) for row in about["tensors"]}
        x = filled(about["inputs"][0]).requires_grad_()
        e = embedding(t, x)
        (e * filled(about["cotangents"][0])).sum().backward()
        for name, got in (("embedding", e.detach()), ("grad_input", x.grad)):
            want = torch.from_numpy(np.load(f"{folder}/{name}.npy")).to(dtype)
            off = (got - want).abs() / want.abs().max()
            print(f"{dtype} {name}: error {float(off.max()):.2e}, share above 1e-3 {float((off > 1e-3).double().mean()):.1e}")


if __name__ == "__main__":
    main(sys.argv[1])
