"""What the oracles of trained encoders share: filled weights and a folder of fixtures (tests/fixtures/README.md)."""
import json
import os

import numpy as np
import torch

import filled


def fill(salt, name, shape, a, b):
    return torch.from_numpy(filled.fill(salt, name, shape, a, b))


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
