"""Makes tests/fixtures/resnet18-train: torchvision's ResNet-18 in training mode (statistics of the batch), one forward and
backward pass, and the running averages afterwards. Run with Debian's python3:

    /usr/bin/python3 tests/oracle/resnet_train.py tests/fixtures/resnet18-train
"""
import json
import os
import sys

import numpy as np
import torch
import torchvision


def fill(name, shape, a, b):
    """The rule of tests/fixtures/README.md with an empty salt."""
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = ((h ^ c) * 0x100000001B3) & (2**64 - 1)
    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        s = np.uint64(h) + i * np.uint64(0x9E3779B97F4A7C15)
        s = (s ^ (s >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        s = (s ^ (s >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        s ^= s >> np.uint64(31)
    u = (s >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.tensor(((2 * u - 1) * a + b).astype(np.float32).reshape(shape))


def main(folder):
    os.makedirs(folder, exist_ok=True)
    net = torchvision.models.resnet18(weights=None)
    del net.fc
    tensors = []
    for name, t in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        a, b = 0.1, 0.0
        if t.dim() == 4:
            a = (3 * 2 / t[0].numel()) ** 0.5
        elif name.endswith(("running_var", "weight")):
            a, b = 0.2, 1.0
        t.copy_(fill(name, list(t.shape), a, b))
        tensors.append({"name": name, "shape": list(t.shape), "a": a, "b": b})
    shape = [6, 3, 64, 64]
    x = fill("input.resnet18", shape, 1.0, 0.0).double().requires_grad_()
    net = net.double().train()
    h = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
        h = layer(h)
    pool = h.mean((2, 3))
    cotangent = fill("cotangent.pool", list(pool.shape), 1.0, 0.0).double()
    (pool * cotangent).sum().backward()
    out = {"pool": pool, "grad_input": x.grad}
    params = dict(net.named_parameters())
    for name in ("bn1.weight", "layer1.0.bn1.bias", "layer2.0.downsample.0.weight", "layer4.1.bn2.weight"):
        out["grad." + name] = params[name].grad
    for name in ("bn1.running_mean", "bn1.running_var", "layer4.1.bn2.running_mean", "layer4.1.bn2.running_var"):
        out["after." + name] = net.state_dict()[name]
    for name, t in out.items():
        np.save(os.path.join(folder, name + ".npy"), t.detach().numpy().astype(np.float32))
    fixture = {
        "network": "resnet18-train",
        "tolerance": 0.001,
        "note": "torchvision resnet18, train mode, one pass in float64; after.* are the running averages behind it (momentum 0.1)",
        "salt": "",
        "inputs": [{"name": "input.resnet18", "shape": shape, "a": 1.0, "b": 0.0}],
        "cotangents": [{"name": "cotangent.pool", "shape": list(pool.shape), "a": 1.0, "b": 0.0}],
        "tensors": tensors,
    }
    with open(os.path.join(folder, "fixture.json"), "w") as f:
        json.dump(fixture, f, indent=0)


main(sys.argv[1])
