#!/usr/bin/python3
"""Frechet distances of filled rows by numpy, for tests/test_features.c. Not by eigenvalues as the program does it: the
trace of the root is the sum of the singular values of X_a X_b' (rows centred), divided by the root of (n_a-1)(n_b-1).

    /usr/bin/python3 tests/oracle/frechet.py > tests/fixtures/frechet/fixture.json
"""
import json

import numpy as np

import filled

SALT = "frechet/"


def fill(name, shape, a, b):
    return filled.fill(SALT, name, shape, a, b)


def rows(name, n, width, rank, a, b):
    """Features that depend on each other: few sources mixed, a little of their own."""
    x = fill(name + ".sources", (n, rank), 1, 0).astype(np.float64) @ fill(name + ".mix", (rank, width), a, 0)
    return (x + fill(name + ".own", (n, width), 0.1, b)).astype(np.float32)


def distance(x, y):
    x, y = x.astype(np.float64), y.astype(np.float64)
    apart = ((x.mean(0) - y.mean(0)) ** 2).sum()
    x, y = x - x.mean(0), y - y.mean(0)
    n, m = len(x) - 1, len(y) - 1
    nuclear = np.linalg.svd(x @ y.T, compute_uv=False).sum() / np.sqrt(n * m)
    return apart + (x * x).sum() / n + (y * y).sum() / m - 2 * nuclear


cases = []
for name, width, n_a, n_b in [("many", 12, 300, 200), ("few", 60, 25, 40), ("mixed", 40, 20, 150), ("equal", 10, 50, 50)]:
    a = {"name": name + ".a", "n": n_a, "rank": 5, "a": 1.0, "b": 0.5}
    b = a if name == "equal" else {"name": name + ".b", "n": n_b, "rank": 7, "a": 0.7, "b": 0.2}
    x, y = (rows(s["name"], s["n"], width, s["rank"], s["a"], s["b"]) for s in (a, b))
    cases.append({"width": width, "a": a, "b": b, "distance": distance(x, y)})
print(json.dumps({"note": "tests/oracle/frechet.py, numpy " + np.__version__, "salt": SALT, "cases": cases}, indent=0))
