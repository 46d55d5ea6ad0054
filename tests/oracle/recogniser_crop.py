#!/usr/bin/python3
"""What each preprocessing of a recogniser shows its network, and what an InceptionResnetV1 makes of it, in float64: the oracle of
tests/test_recogniser_crop.c. Run, from the project's root,

    nice /usr/bin/python3 tests/oracle/recogniser_crop.py -o tests/fixtures/recogniser-crop

The similarity is Umeyama's by singular values, the resampling is written from its definition. Where PyTorch's grid_sample
(crops that enlarge) or Pillow's resize (upright crops that shrink and stay inside) compute the same, they must agree with it.
Pictures and the network (an eighth of the published widths) are filled by the rule of tests/fixtures/README.md."""
import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import facenet
import filled
import summary_iteration

SALT = "recogniser-crop."
FACE = np.array([[0.375, 0.472], [0.621, 0.473], [0.488, 0.613], [0.380, 0.729], [0.617, 0.730]])  # of a picture of side 1
# The published template of 112 x 112 pixels, and the place of a face in the box that facenet's detector gives, with its margin.
TEMPLATE = (np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]) + 0.5) / 112
BOX = np.array([[0.310, 0.400], [0.690, 0.400], [0.500, 0.595], [0.345, 0.770], [0.655, 0.770]])
KINDS, SIDE = ["fr_feature", "insightface", "facenet", "vggface2"], 160  # an InceptionResnetV1's side, whatever the crop
PICTURES = [(64, "straight"), (64, "turned"), (64, "near"), (256, "turned"), (1024, "straight"), (1024, "near"), (1024, "level")]
PROBES = 6


def points(place):
    """The five points; turned: by 20 degrees about their mean; near: 2.4 times as large, so that crops leave the picture;
    level: as facenet's crop has them."""
    if place == "level":
        return (BOX * 0.6 + 0.2).astype(np.float32).astype(np.float64)
    centre = FACE.mean(0)
    turn, size = (math.radians(20), 1.0) if place == "turned" else (0.0, 2.4 if place == "near" else 1.0)
    c, s = size * math.cos(turn), size * math.sin(turn)
    return ((FACE - centre) @ np.array([[c, s], [-s, c]]) + centre).astype(np.float32).astype(np.float64)


def similarity(source, target):
    """2 x 3: source to target, least squares, no mirroring (Umeyama 1991)."""
    ms, mt = source.mean(0), target.mean(0)
    s, t = source - ms, target - mt
    u, d, v = np.linalg.svd(t.T @ s / len(s))
    sign = np.diag([1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    r = u @ sign @ v * (np.trace(np.diag(d) @ sign) / (s ** 2).sum(1).mean())
    return np.hstack([r, (mt - r @ ms)[:, None]])


def crop_map(kind, five):
    """2 x 3: unit coordinates of what the network sees to unit coordinates of the picture."""
    if kind == "vggface2":  # 10 .. 90 % both ways to 256 pixels, the middle 224 of them
        low = 0.1 + 0.8 * 16 / 256
        return np.array([[0.8 * 224 / 256, 0, low], [0, 0.8 * 224 / 256, low]])
    m = np.vstack([similarity(five, BOX if kind == "facenet" else TEMPLATE), [0, 0, 1]])
    return np.linalg.inv(m)[:2]


def resample(x, m, side):
    """x [3, H, W]: a triangle along each axis of the picture, as wide as the crop shrinks it; edges repeated."""
    n = x.shape[1]
    grid = (np.arange(side) + 0.5) / side
    u, v = np.meshgrid(grid, grid)
    axes = []
    for row in m:
        reach = max(1.0, math.hypot(row[0], row[1]) * n / side)
        at = (row[0] * u + row[1] * v + row[2]) * n - 0.5
        taps = np.floor(at)[..., None] + np.arange(-math.ceil(reach), math.ceil(reach) + 2)
        weight = np.maximum(0, 1 - np.abs(taps - at[..., None]) / reach)
        axes.append((np.clip(taps, 0, n - 1).astype(int), weight / weight.sum(-1, keepdims=True)))
    (ix, wx), (iy, wy) = axes
    out = np.zeros((3, side, side))
    for j in range(iy.shape[-1]):
        for i in range(ix.shape[-1]):
            out += x[:, iy[..., j], ix[..., i]] * (wy[..., j] * wx[..., i])
    return out


def normalise(kind, y):
    p = 255 * y
    if kind == "vggface2":
        return p[::-1] - np.array([91.4953, 103.8827, 131.0912])[:, None, None]
    mean, divisor = {"fr_feature": (127, 128), "insightface": (127.5, 127.5), "facenet": (127.5, 128)}[kind]
    return (p - mean) / divisor


def enlarges(m, n, side):
    return max(math.hypot(*row[:2]) for row in m) * n <= side


def witness(x, m, side):
    """The same by PyTorch or Pillow; None where neither computes this."""
    n = x.shape[1]
    if enlarges(m, n, side):  # grid_sample and affine_grid count from -1 to 1
        theta = torch.from_numpy(np.hstack([m[:, :2], (2 * m[:, 2] + m[:, 0] + m[:, 1] - 1)[:, None]]))[None]
        grid = F.affine_grid(theta, (1, 3, side, side), align_corners=False)
        return F.grid_sample(torch.from_numpy(x)[None], grid, "bilinear", "border", align_corners=False)[0].numpy()
    box = [m[0, 2] * n, m[1, 2] * n, (m[0, 0] + m[0, 2]) * n, (m[1, 1] + m[1, 2]) * n]
    if max(abs(m[0, 1]), abs(m[1, 0])) * n < 1e-4 and min(box) > 8 and max(box) < n - 8:
        def resize(plane):
            return np.asarray(Image.fromarray(plane.astype(np.float32)).resize((side, side), Image.BILINEAR, box))
        return np.stack([resize(plane) for plane in x]).astype(np.float64)
    return None


def digest(name, x):
    x = np.asarray(x, np.float64)
    return [float(np.sqrt((x ** 2).sum())), float((x * filled.fill(SALT, "direction." + name, x.shape, 1)).sum())]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    cases, witnesses = [], {"grid_sample": 0, "resize": 0}
    for n, place in PICTURES:
        x = filled.fill(SALT, f"picture.{n}", [3, n, n], 0.5, 0.5).astype(np.float64)
        for kind in KINDS:
            m = crop_map(kind, points(place))
            y = resample(x, m, SIDE)
            other = witness(x, m, SIDE)
            if other is not None:
                by = "grid_sample" if enlarges(m, n, SIDE) else "resize"
                error = np.abs(other - y).max()
                assert error < (1e-4 if by == "resize" else 1e-5), (kind, n, place, by, error)
                witnesses[by] += 1
            seen = normalise(kind, y)
            name = f"{kind}.{n}.{place}"
            at = [int(k) for k in np.linspace(0, seen.size - 1, PROBES)]
            cases.append({"name": name, "preprocess": kind, "picture": n, "five": points(place).tolist(),
                          "digest": digest(name, seen), "at": at, "values": [float(seen.reshape(-1)[k]) for k in at]})
    assert min(witnesses.values()) > 0, witnesses
    print(len(cases), "crops, seen alike by", witnesses)

    # Through the network, and back to the picture by PyTorch, where the crop is grid_sample.
    n, five = 64, points("turned")
    x = torch.from_numpy(filled.fill(SALT, f"picture.{n}", [3, n, n], 0.5, 0.5)).double()[None].requires_grad_()
    m = crop_map("facenet", five)
    assert enlarges(m, n, SIDE)
    theta = torch.from_numpy(np.hstack([m[:, :2], (2 * m[:, 2] + m[:, 0] + m[:, 1] - 1)[:, None]]))[None]
    y = F.grid_sample(x, F.affine_grid(theta, (1, 3, SIDE, SIDE), align_corners=False), "bilinear", "border", align_corners=False)
    e = facenet.embedding(summary_iteration.narrow_facenet(), (255 * y - 127.5) / 128)
    (e * torch.from_numpy(filled.fill(SALT, "cotangent", e.shape, 1))).sum().backward()
    net = {"picture": n, "five": five.tolist(), "embedding": e[0].tolist(), "gradient": digest("gradient", x.grad[0].numpy())}
    about = {"note": "what a recogniser's network is shown, and its vector, by tests/oracle/recogniser_crop.py (numpy, PyTorch "
                     + torch.__version__.split("+")[0] + ", Pillow " + Image.__version__ + ", float64); digests are [norm, sum of "
                     "products with the tensor filled as direction.NAME, a 1, b 0], values are numbers `at` of [3, 160, 160]; "
                     "gradient of sum(embedding * cotangent) to the picture",
             "salt": SALT, "tolerance": 1e-4, "pictures": "picture.N, [3, N, N], a 0.5, b 0.5", "cases": cases, "network": net}
    filled.save(args.o, about)


if __name__ == "__main__":
    main()
