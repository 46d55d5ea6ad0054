"""The rule by which oracles and tests fill tensors alike: tests/fixtures/README.md."""
import json
import os

import numpy as np


def fill(salt, name, shape, a, b=0.0):
    """Numbers of [b - a, b + a), from the names alone, as a float32 array of the shape."""
    h = 0xCBF29CE484222325
    for byte in (salt + name).encode():
        h = ((h ^ byte) * 0x100000001B3) & (2**64 - 1)
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        s = np.uint64(h) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        s = (s ^ (s >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        s = (s ^ (s >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        s = s ^ (s >> np.uint64(31))
    u = (s >> np.uint64(40)).astype(np.float64) / 2**24
    return ((2 * u - 1) * a + b).astype(np.float32).reshape(shape)


def save(folder, about):
    """Writes FOLDER/fixture.json."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "fixture.json"), "w") as f:
        json.dump(about, f, indent=1)
        f.write("\n")
