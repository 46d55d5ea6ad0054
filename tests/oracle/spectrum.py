#!/usr/bin/python3
"""Power spectra of filled pictures by numpy's FFT, for tests/test_spectrum.c.

    /usr/bin/python3 tests/oracle/spectrum.py > tests/fixtures/spectrum/fixture.json
"""
import json

import numpy as np

import filled

SALT = "spectrum/"


def power(size, n):
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    window = np.outer(hann, hann)
    total = np.zeros((size, size))
    for i in range(n):
        p = filled.fill(SALT, f"{size}.{i}", (size, size, 3), 0.5, 0.5).astype(np.float64)
        grey = 255 * (p @ np.array([0.299, 0.587, 0.114]))
        grey = (grey - (grey * window).sum() / window.sum()) * window
        total += np.abs(np.fft.fft2(grey)) ** 2 / (window**2).sum()
    return total / n


def rings(p):
    f = np.fft.fftfreq(len(p), 1 / len(p))
    radius = np.rint(np.hypot(f[None, :], f[:, None])).astype(int)
    return np.bincount(radius.ravel(), p.ravel()) / np.bincount(radius.ravel())


cases = []
for size, n in [(8, 1), (32, 3), (128, 2)]:
    p = power(size, n)
    some = [(0, 0), (1, 0), (0, 1), (3, 2), (3, -2), (-4, -4), (2, -1)]
    cases.append(
        {
            "size": size,
            "n": n,
            "some": [{"fx": x, "fy": y, "power": p[y, x]} for x, y in some],
            "rings": list(rings(p)),
        }
    )
print(json.dumps({"note": "tests/oracle/spectrum.py, numpy " + np.__version__, "salt": SALT, "cases": cases}, indent=0))
