#!/usr/bin/python3
"""Makes a fixture of StyleGAN2 config-f at 1024 px (PyTorch, float32): pictures, gradients to z, ws and two weights. It takes a
minute and a few GB, so it is no part of the tests: run it, then check-fixture on the folder it wrote. From the project's root,

    nice /usr/bin/python3 tests/oracle/stylegan2_1024.py --multiplier 2 -o /tmp/stylegan2-1024
    nice build/tests/check-fixture /tmp/stylegan2-1024
"""
import argparse
import json
import os

import numpy as np
import torch
import torch.nn.functional as F

import train_iteration as parts

SALT = "1024."
Z, LAYERS = 512, 18


def tensors(multiplier):
    """Name, shape, a, b."""
    width = {side: 512 for side in (4, 8, 16, 32)}
    width.update({64 * 2**k: 256 // 2**k * multiplier for k in range(5)})
    unit = 3 ** 0.5
    out = []
    for i in range(1, 9):
        out += [(f"style.{i}.weight", [Z, Z], 100 * unit, 0), (f"style.{i}.bias", [Z], 10, 0)]

    def conv(name, cin, cout, k, rgb=False):
        rows = [(f"{name}.conv.weight", [1, cout, cin, k, k], unit * (0.25 if rgb else 1), 0),
                (f"{name}.conv.modulation.weight", [cin, Z], unit, 0), (f"{name}.conv.modulation.bias", [cin], 0.2, 1)]
        if rgb:
            return rows + [(f"{name}.bias", [1, 3, 1, 1], 0.2, 0)]
        return rows + [(f"{name}.noise.weight", [1], 0.1, 0.1), (f"{name}.activate.bias", [cout], 0.2, 0)]

    out += [("input.input", [1, 512, 4, 4], unit, 0)] + conv("conv1", 512, 512, 3) + conv("to_rgb1", 512, 3, 1, True)
    cin = 512
    for n, side in enumerate(8 * 2**k for k in range(8)):
        out += conv(f"convs.{2 * n}", cin, width[side], 3) + conv(f"convs.{2 * n + 1}", width[side], width[side], 3)
        out += conv(f"to_rgbs.{n}", width[side], 3, 1, True)
        cin = width[side]
    return out + [(f"noises.noise_{i}", [1, 1, 2 ** ((i + 5) // 2), 2 ** ((i + 5) // 2)], unit, 0) for i in range(17)]


def mapping(t, z):
    x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
    for i in range(1, 9):
        x = F.leaky_relu(x @ (t[f"style.{i}.weight"] * (0.01 / Z**0.5)).T + t[f"style.{i}.bias"] * 0.01, 0.2) * 2**0.5
    return x


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--multiplier", type=int, choices=(1, 2), default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("-o", required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    parts.dtype, parts.LAYERS = torch.float32, LAYERS
    rows = tensors(args.multiplier)
    t = {name: parts.fill(name, shape, a, b, SALT) for name, shape, a, b in rows}
    inputs = [("input.z", [1, Z], 3 ** 0.5, 0.0), ("input.ws", [1, LAYERS, Z], 1.0, 0.0)]
    z, ws = (parts.fill(*row, SALT).requires_grad_() for row in inputs)
    cotangent = parts.fill("cotangent.image", [1, 3, 1024, 1024], 1.0, 0.0, SALT)
    names = ["convs.15.conv.weight", "to_rgbs.7.conv.weight"]
    for name in names:
        t[name].requires_grad_()
    out = {}

    def keep(name, picture):
        out[name + "_pooled"] = F.adaptive_avg_pool2d(picture, 32)
        out[name + "_corner"] = picture[:, :, :32, :32]

    w = mapping(t, z)
    out["w"] = w
    picture = parts.synthesis(t, w[:, None].expand(-1, LAYERS, -1))
    keep("image", picture)
    out["grad_z"], = torch.autograd.grad((picture * cotangent).sum(), z)
    del picture
    picture = parts.synthesis(t, ws)
    keep("image_from_ws", picture)
    grads = torch.autograd.grad((picture * cotangent).sum(), [ws] + [t[n] for n in names])
    out.update(zip(["grad_ws"] + ["grad." + n for n in names], grads))
    os.makedirs(args.o, exist_ok=True)
    for name, value in out.items():
        np.save(os.path.join(args.o, name + ".npy"), value.detach().numpy().astype(np.float32))

    def entries(rows):
        return [{"name": n, "shape": s, "a": a, "b": b} for n, s, a, b in rows]
    fixture = {"network": "stylegan2", "tolerance": 0.001, "note": "StyleGAN2 config-f, channel multiplier %d" % args.multiplier,
               "salt": SALT, "inputs": entries(inputs), "tensors": entries(rows),
               "cotangents": entries([("cotangent.image", [1, 3, 1024, 1024], 1.0, 0.0)])}
    with open(os.path.join(args.o, "fixture.json"), "w") as f:
        json.dump(fixture, f)


if __name__ == "__main__":
    main()
