#!/usr/bin/python3
"""Two iterations of the recipe `summary` in PyTorch, float64: the oracle of tests/test_summary.c. Run, from the project's root,

    nice /usr/bin/python3 tests/oracle/summary_iteration.py -o tests/fixtures/summary-iteration

The generator is that of train_iteration.py, F an InceptionResnetV1 of an eighth of the published widths, M the recipe's own for
pictures of 64 pixels; all of it, and the pictures, filled by the rule of tests/fixtures/README.md."""
import argparse
import json
import math

import torch
import torch.nn.functional as F

import facenet
import filled
import train_iteration as parts
from encoder_fixture import fill

SALT = "summary-iteration."
BATCH, SIDE, RATE, ALPHA, BETA = 2, 64, 1e-3, 0.5, 0.5
FACENET = "tests/fixtures/facenet-inception-resnet-v1/fixture.json"


def narrow_facenet():
    t = {}
    for row in json.load(open(FACENET))["tensors"]:
        shape, a = list(row["shape"]), row["a"]
        for k in range(min(2, len(shape))):
            if shape[k] >= 8:
                shape[k] //= 8
                a *= math.sqrt(8) if k == 1 else 1
        t[row["name"]] = fill("", row["name"], shape, a, row["b"]).double()
    return t


def digest(name, x):
    return [float(x.norm()), float((x * fill(SALT, "direction." + name, list(x.shape), 1, 0).double()).sum())]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    generator = {row[0]: parts.fill(*row) for row in parts.generator_tensors()}
    net = narrow_facenet()
    sizes = [3 * SIDE * SIDE, 1024, 512, parts.Z]
    rows = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        rows.append((f"pixel_mapper.{i}.weight", [b, a], math.sqrt(6 / (a + b)), 0.0))
        rows.append((f"pixel_mapper.{i}.bias", [b], 0.05, 0.0))
    p = {row[0]: fill(SALT, *row).double().requires_grad_() for row in rows}
    start = {n: v.detach().clone() for n, v in p.items()}
    optimiser = torch.optim.Adam(list(p.values()), lr=RATE)

    def features(x):
        return facenet.embedding(net, F.interpolate(x, (160, 160), mode="bilinear") * 2 - 1)

    losses, gradients, weights = [], {}, {}
    for it in range(2):
        x = fill(SALT, f"x.{it}", [BATCH, 3, SIDE, SIDE], 0.5, 0.5).double()
        z = x.reshape(BATCH, -1)
        for i in range(3):
            z = F.linear(z, p[f"pixel_mapper.{i}.weight"], p[f"pixel_mapper.{i}.bias"])
            z = F.relu(z) if i < 2 else z
        w = parts.mapping(generator, z)
        y = (parts.synthesis(generator, w[:, None].expand(-1, parts.LAYERS, -1)) + 1) / 2
        before, after = features(x), features(y)
        pixels, feature_loss = F.mse_loss(x, y), F.mse_loss(before, after)
        sim = F.cosine_similarity(before, after)
        l_d = F.mse_loss(sim, torch.ones_like(sim)) + F.mse_loss(sim, -torch.ones_like(sim))
        l_r = pixels + feature_loss
        loss = ALPHA * l_r + BETA * l_d
        optimiser.zero_grad()
        loss.backward()
        losses.append({"loss": float(loss), "l_r": float(l_r), "l_d": float(l_d), "pixels": float(pixels),
                       "features": float(feature_loss), "likeness": float(sim.mean())})
        if it == 0:
            gradients = {n: digest(n, v.grad) for n, v in p.items()}
        optimiser.step()
        if it == 0:
            weights = {n: digest(n, v.detach() - start[n]) for n, v in p.items()}
        print(losses[-1])
    about = {"note": "two iterations of the recipe summary by tests/oracle/summary_iteration.py (PyTorch "
                     + torch.__version__.split("+")[0] + ", float64); digests are [norm, sum of products with the tensor filled as "
                     "direction.NAME, a 1, b 0]: of the gradients of the first iteration, and of the change of weights by it",
             "tolerance": 0.001, "weight_tolerance": 0.02, "salt": SALT, "generator_salt": parts.SALT, "batch": BATCH,
             "pictures": "x.N of iteration N, [batch, 3, 64, 64], a 0.5, b 0.5",
             "generator": [{"name": n, "shape": s, "a": a, "b": b} for n, s, a, b in parts.generator_tensors()],
             "trained": [{"name": n, "shape": s, "a": a, "b": b} for n, s, a, b in rows],
             "iterations": losses, "gradients": gradients, "weights": weights}
    filled.save(args.o, about)


if __name__ == "__main__":
    main()
