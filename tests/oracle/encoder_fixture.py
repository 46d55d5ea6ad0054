"""What the oracles of trained encoders share: filled weights and a folder of fixtures (tests/fixtures/README.md)."""
import json
import os

import numpy as np
import torch


def fill(salt, name, shape, a, b):
    """The rule of tests/fixtures/README.md."""
    h = 0xCBF29CE484222325
    for c in (salt + name).encode():
        h = ((h ^ c) * 0x100000001B3) & (2**64 - 1)
    i = np.arange(1, int(np.prod(shape)) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        s = np.uint64(h) + i * np.uint64(0x9E3779B97F4A7C15)
        s = (s ^ (s >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        s = (s ^ (s >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        s ^= s >> np.uint64(31)
    u = (s >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.tensor(((2 * u - 1) * a + b).astype(np.float32).reshape(shape))


def fill_network(net, salt, bias=0.0):
    """Fills all tensors of a network; returns their list for the fixture. bias: the mean of the biases."""
    tensors = []
    for name, t in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        a, b = 0.1, 0.0
        if t.dim() == 4:
            a = (3 * 2 / t[0].numel()) ** 0.5
        elif name.endswith(("running_var", "weight")):
            a, b = 0.2, 1.0
        elif name.endswith("bias"):
            b = bias
        t.copy_(fill(salt, name, list(t.shape), a, b))
        tensors.append({"name": name, "shape": list(t.shape), "a": a, "b": b})
    return tensors


def check_pool(pool, salt):
    """Backward from the pool's filled cotangent; returns the cotangent's entry."""
    cotangent = fill(salt, "cotangent.pool", list(pool.shape), 1.0, 0.0).double()
    (pool * cotangent).sum().backward()
    return {"name": "cotangent.pool", "shape": list(pool.shape), "a": 1.0, "b": 0.0}


def write(folder, network, note, salt, inputs, cotangents, tensors, outputs):
    os.makedirs(folder, exist_ok=True)
    for name, t in outputs.items():
        np.save(os.path.join(folder, name + ".npy"), t.detach().numpy().astype(np.float32))
    fixture = {"network": network, "tolerance": 0.001, "note": note, "salt": salt, "inputs": inputs, "cotangents": cotangents,
               "tensors": tensors}
    with open(os.path.join(folder, "fixture.json"), "w") as f:
        json.dump(fixture, f, indent=0)
