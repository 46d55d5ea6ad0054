#!/usr/bin/python3
"""Every figure of idem report by numpy and scipy, for tests/test_study.c, from filled inputs: what networks would have
said of pictures, and pictures.

    /usr/bin/python3 tests/oracle/report.py
"""
import numpy as np
from scipy import ndimage, spatial, stats

import filled

SALT = "report/"
N, SIZE, DIMS, POINTS, ANGLES, CLASSES, CODES, WIDTH = 40, 24, (16, 8), 51, 3, 7, 200, 12
DRAWS = 4000


def fill(name, shape, a, b=0.0):
    return filled.fill(SALT, name, shape, a, b).astype(np.float64)


def seen(side):
    """What is seen of N pictures; outputs lean on both sources so that no figure is one of strangers."""
    s = {"id": [fill(f"{side}.id{k}", (N, d), 1, 0.2) for k, d in enumerate(DIMS)]}
    s["points"] = fill(f"{side}.points", (N, POINTS, 2), 0.05) + fill("face", (POINTS, 2), 0.3, 0.5)
    s["pose"] = fill(f"{side}.pose", (N, ANGLES), 40)
    s["expression"] = fill(f"{side}.expression", (N, CLASSES), 0.5, 0.5)
    s["face"] = fill(f"{side}.face", (N,), 0.5, 0.5) > 0.2
    s["picture"] = fill(f"{side}.picture", (N, SIZE, SIZE, 3), 0.5, 0.5)
    return s


def as_float(x):
    return x.astype(np.float32).astype(np.float64)


ID, ATTR, OUT, SAME = (seen(side) for side in ("id", "attr", "out", "same"))
for k in range(2):
    OUT["id"][k] = as_float(OUT["id"][k] + as_float(ID["id"][k] * 0.5))
OUT["picture"] = as_float(as_float(OUT["picture"] * 0.25) + as_float(ATTR["picture"] * 0.75))
for s in (ID, ATTR, OUT, SAME):
    s["points"] = as_float(s["points"])
OUTSIDE = fill("outside", (SIZE, SIZE), 0.5, 0.5) > 0.4
STRANGERS = (0.1, 0.15)


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def aligned(p, q):
    """p after the similarity that brings it nearest to q, by Procrustes' singular values."""
    p0, q0 = p - p.mean(0), q - q.mean(0)
    u, sigma, vt = np.linalg.svd(q0.T @ p0)
    sign = np.diag([1, np.sign(np.linalg.det(u @ vt))])
    return p0 @ (u @ sign @ vt).T * (sigma * np.diag(sign)).sum() / (p0**2).sum() + q.mean(0)


def over_eyes(p, q):
    eyes = np.linalg.norm(q[:, 19] - q[:, 28], axis=1)
    return np.linalg.norm(p - q, axis=2).mean(1) / eyes


def structure(a, b):
    grey = [x @ np.array([0.299, 0.587, 0.114]) for x in (a, b)]
    blur = lambda x: ndimage.gaussian_filter(x, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]
    ma, mb = blur(grey[0]), blur(grey[1])
    va, vb = blur(grey[0] ** 2) - ma**2, blur(grey[1] ** 2) - mb**2
    cs = (2 * (blur(grey[0] * grey[1]) - ma * mb) + 0.0009) / (va + vb + 0.0009)
    return cs[OUTSIDE[5:-5, 5:-5]].mean()


def top(x):
    return x["expression"].argmax(1)


columns = {}
for k, key in enumerate(("train", "judge")):
    io, ao = cosines(ID["id"][k], OUT["id"][k]), cosines(ATTR["id"][k], OUT["id"][k])
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (OUT["id"][k], ID["id"][k])]
    table = unit[0] @ unit[1].T
    rank = (table >= np.diag(table)[:, None]).sum(1) - 1
    columns |= {
        f"{key}.cos_id_out": io,
        f"{key}.cos_attr_out": ao,
        f"{key}.cos_id_attr": cosines(ID["id"][k], ATTR["id"][k]),
        f"{key}.id_kept": (io - STRANGERS[k]) / (1 - STRANGERS[k]),
        f"{key}.attr_leak": (ao - STRANGERS[k]) / (1 - STRANGERS[k]),
        f"{key}.score": io - ao,
        f"{key}.retrieval_top1": rank == 0,
        f"{key}.retrieval_top5": rank < 5,
        f"{key}.same_cos": cosines(SAME["id"][k], ID["id"][k]),
    }
off = OUT["pose"] - ATTR["pose"]
mse = ((SAME["picture"] - ID["picture"]) ** 2).mean((1, 2, 3))
columns |= {
    "yaw": abs(off[:, 0]),
    "pitch": abs(off[:, 1]),
    "roll": abs(off[:, 2]),
    "pose_mean": abs(off).mean(1),
    "pose_l2": np.linalg.norm(off, axis=1),
    "expression_agrees": top(OUT) == top(ATTR),
    "expression_l2": np.linalg.norm(OUT["expression"] - ATTR["expression"], axis=1),
    "expression_landmarks": over_eyes(
        np.array([aligned(p, q) for p, q in zip(OUT["points"], ATTR["points"])]), ATTR["points"]
    ),
    "nme": over_eyes(OUT["points"], ATTR["points"]),
    "landmark_mse160": ((160 * (OUT["points"] - ATTR["points"])) ** 2).mean((1, 2)),
    "colour_outside_face": abs(OUT["picture"] - ATTR["picture"])[:, OUTSIDE].mean((1, 2)),
    "structure_outside_face": np.array([structure(a, b) for a, b in zip(OUT["picture"], ATTR["picture"])]),
    "no_face": ~OUT["face"],
    "same_rmse": np.sqrt(mse),
    "same_psnr": -10 * np.log10(mse),
    "same_expression_l2": np.linalg.norm(SAME["expression"] - ID["expression"], axis=1),
    "same_expression_landmarks": over_eyes(
        np.array([aligned(p, q) for p, q in zip(SAME["points"], ID["points"])]), ID["points"]
    ),
    "same_pose_l2": np.linalg.norm(SAME["pose"] - ID["pose"], axis=1),
}

rng = np.random.default_rng(1)
figures = {}
for key, x in columns.items():
    x = np.asarray(x, np.float64)
    means = x[rng.integers(0, N, (DRAWS, N))].mean(1)
    figures[key] = {
        "mean": x.mean(),
        "median": np.median(x),
        "standard_deviation": x.std(ddof=1),
        "standard_error": stats.sem(x),
        "bootstrap": means.std(ddof=1),
        "first": x[0],
    }
    error = stats.sem(x)
    assert abs(figures[key]["bootstrap"] - error) < 0.1 * error or error == 0, key

unit = OUT["id"][0] / np.linalg.norm(OUT["id"][0], axis=1, keepdims=True)
table = unit @ unit.T
others = (table.sum(1) - 1) / (N - 1)
resampled = []
for _ in range(DRAWS):  # pairs of one row with itself are no pairs
    which = rng.integers(0, N, N)
    differ = which[:, None] != which[None, :]
    resampled.append(table[np.ix_(which, which)][differ].mean())
diversity = {
    "mean": table[~np.eye(N, dtype=bool)].mean(),
    "standard_error": 2 * others.std(ddof=1) / np.sqrt(N),
    "bootstrap": np.std(resampled, ddof=1),
}

x, y = OUT["id"][0], ATTR["id"][0]
x0, y0 = x - x.mean(0), y - y.mean(0)
nuclear = np.linalg.svd(x0 @ y0.T, compute_uv=False).sum()
frechet = ((x.mean(0) - y.mean(0)) ** 2).sum() + ((x0**2).sum() + (y0**2).sum() - 2 * nuclear) / (N - 1)

codes = fill("codes", (CODES, WIDTH), 1) * np.linspace(1, 3, WIDTH).astype(np.float32).astype(np.float64)
codes = as_float(codes)
w = fill("w", (N, WIDTH), 2)
centred = codes - codes.mean(0)
_, sigma, vt = np.linalg.svd(centred, full_matrices=False)
axes = vt[:2] * np.sign(vt[:2][np.arange(2), abs(vt[:2]).argmax(1)])[:, None]
place = {
    "nearest": spatial.cKDTree(codes).query(w)[0].tolist(),
    "plane": ((w - codes.mean(0)) @ axes.T).tolist(),
    "shares": (sigma[:2] ** 2 / (sigma**2).sum()).tolist(),
}

filled.save(
    "tests/fixtures/report",
    {
        "note": "numpy and scipy in double precision; bootstrap of 4000 draws",
        "salt": SALT,
        "strangers": STRANGERS,
        "figures": figures,
        "diversity": diversity,
        "frechet": frechet,
        "codes": place,
    },
)
