"""Makes tests/fixtures/inception3-train: torchvision's InceptionV3 with statistics of the batch (or stored ones: --fixed), one
forward and backward pass in float64, and the running averages afterwards. Run with Debian's python3:

    /usr/bin/python3 tests/oracle/inception_train.py tests/fixtures/inception3-train
    /usr/bin/python3 tests/oracle/inception_train.py --fixed tests/fixtures/inception3-fixed
"""
import json
import os
import sys

import numpy as np
import torch
import torchvision

SALT = "inception."


def fill(name, shape, a, b):
    """The rule of tests/fixtures/README.md."""
    h = 0xCBF29CE484222325
    for c in (SALT + name).encode():
        h = ((h ^ c) * 0x100000001B3) & (2**64 - 1)
    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        s = np.uint64(h) + i * np.uint64(0x9E3779B97F4A7C15)
        s = (s ^ (s >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        s = (s ^ (s >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        s ^= s >> np.uint64(31)
    u = (s >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.tensor(((2 * u - 1) * a + b).astype(np.float32).reshape(shape))


def main(folder, fixed):
    os.makedirs(folder, exist_ok=True)
    net = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    net.fc = torch.nn.Identity()
    net.dropout = torch.nn.Identity()
    tensors = []
    for name, t in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        a, b = 0.1, 0.0
        if t.dim() == 4:
            a = (3 * 2 / t[0].numel()) ** 0.5
        elif name.endswith(("running_var", "weight")):
            a, b = 0.2, 1.0
        elif not fixed and name.endswith("bias"):
            b = 2.0  # most units active: statistics of few pixels amplify rounding, and each unit it flips moves all gradients
        t.copy_(fill(name, list(t.shape), a, b))
        tensors.append({"name": name, "shape": list(t.shape), "a": a, "b": b})
    shape = [2, 3, 91, 107] if fixed else [4, 3, 107, 107]
    x = fill("input.inception3", shape, 1.0, 0.0).double().requires_grad_()
    net = net.double().train(not fixed)
    pool = net(x)
    cotangent = fill("cotangent.pool", list(pool.shape), 1.0, 0.0).double()
    (pool * cotangent).sum().backward()
    out = {"pool": pool, "grad_input": x.grad}
    params = dict(net.named_parameters())
    for name in ("Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch5x5_2.bn.weight", "Mixed_6c.branch7x7_2.bn.bias",
                 "Mixed_7c.branch_pool.bn.weight"):
        out["grad." + name] = params[name].grad
    for name in ("Conv2d_1a_3x3.bn.running_mean", "Mixed_7c.branch1x1.bn.running_var"):
        if not fixed:
            out["after." + name] = net.state_dict()[name]
    for name, t in out.items():
        np.save(os.path.join(folder, name + ".npy"), t.detach().numpy().astype(np.float32))
    fixture = {
        "network": "inception3" if fixed else "inception3-train",
        "tolerance": 0.001,
        "note": "torchvision inception_v3, " + ("eval" if fixed else "train") + " mode, transform_input off, one pass in float64; "
                "after.* are the running averages behind it (momentum 0.1)",
        "salt": SALT,
        "inputs": [{"name": "input.inception3", "shape": shape, "a": 1.0, "b": 0.0}],
        "cotangents": [{"name": "cotangent.pool", "shape": list(pool.shape), "a": 1.0, "b": 0.0}],
        "tensors": tensors,
    }
    with open(os.path.join(folder, "fixture.json"), "w") as f:
        json.dump(fixture, f, indent=0)


main(sys.argv[-1], "--fixed" in sys.argv)
