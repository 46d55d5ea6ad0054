"""StyleGAN2's synthesis network in PyTorch, written to be fast on a processor: one set of weights for the whole batch (the
style scales what comes in, the demodulation what goes out), everything constant computed once."""
import json
import math

import numpy as np
import torch
import torch.nn.functional as F
import train_iteration as oracle


def filled_tensors(side):
    """Config f: name, shape, a, b of every tensor that synthesis needs (bench/support/nets.c fills the same)."""
    unit = math.sqrt(3)

    def channels(s):
        return min(512, 32768 // s)

    def conv(name, i, o, k):
        rows = [(f"{name}.conv.weight", [1, o, i, k, k], unit, 0), (f"{name}.conv.modulation.weight", [i, 512], unit, 0),
                (f"{name}.conv.modulation.bias", [i], 0.2, 1)]
        if k == 1:
            return rows + [(f"{name}.bias", [1, 3, 1, 1], 0.2, 0)]
        return rows + [(f"{name}.noise.weight", [1], 0.1, 0.1), (f"{name}.activate.bias", [o], 0.2, 0)]

    rows = [("input.input", [1, 512, 4, 4], unit, 0), ("noises.noise_0", [1, 1, 4, 4], unit, 0)]
    rows += [row for i in range(1, 9) for row in ((f"style.{i}.weight", [512, 512], 100 * unit, 0), (f"style.{i}.bias", [512], 10, 0))]
    rows += [("latent_avg", [512], 0.2, 0)] + conv("conv1", 512, 512, 3) + conv("to_rgb1", 512, 3, 1)
    s, n = 8, 0
    while s <= side:
        rows += conv(f"convs.{2 * n}", channels(s // 2), channels(s), 3) + conv(f"convs.{2 * n + 1}", channels(s), channels(s), 3)
        rows += conv(f"to_rgbs.{n}", channels(s), 3, 1)
        rows += [(f"noises.noise_{2 * n + k}", [1, 1, s, s], unit, 0) for k in (1, 2)]
        s, n = 2 * s, n + 1
    return {name: oracle.fill(name, shape, a, b, "") for name, shape, a, b in rows}


def read_safetensors(path):
    """Tensors as float32, and the metadata."""
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
        data = f.read()
    about = header.pop("__metadata__", {})
    kinds = {"F32": "<f4", "F16": "<f2"}
    return {n: torch.from_numpy(np.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], kinds[t["dtype"]])
                                .astype("<f4").reshape(t["shape"])) for n, t in header.items()}, about


class Synthesis(torch.nn.Module):
    def __init__(self, tensors, channels_last=False, dtype=torch.float32):
        super().__init__()
        self.layers, self.channels_last, self.dtype = [], channels_last, dtype
        k = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.kernel = torch.outer(k, k)[None, None] / 16
        for name in ["conv1", "to_rgb1"]:
            self.layers.append(self.layer(tensors, name, "noises.noise_0", False))
        n = 0
        while f"to_rgbs.{n}.bias" in tensors:
            self.layers.append(self.layer(tensors, f"convs.{2 * n}", f"noises.noise_{2 * n + 1}", True))
            self.layers.append(self.layer(tensors, f"convs.{2 * n + 1}", f"noises.noise_{2 * n + 2}", False))
            self.layers.append(self.layer(tensors, f"to_rgbs.{n}", None, False))
            n += 1
        self.kernel = self.kernel.to(dtype)
        self.start = self.order(tensors["input.input"]).to(dtype)

    def order(self, x):
        return x.contiguous(memory_format=torch.channels_last) if self.channels_last else x.contiguous()

    def layer(self, t, name, noise, up):
        weight = t[f"{name}.conv.weight"][0]
        o, i, k, _ = weight.shape
        weight = weight / math.sqrt(i * k * k)
        style = t[f"{name}.conv.modulation.weight"]
        out = {"style": style / math.sqrt(style.shape[1]), "style_bias": t[f"{name}.conv.modulation.bias"], "up": up, "rgb": k == 1,
               "weight": self.order(weight.transpose(0, 1) if up else weight)}
        if k == 1:
            out["bias"] = t[f"{name}.bias"]
        else:
            out["energy"] = weight.square().sum((2, 3))
            out["shift"] = t[f"{name}.noise.weight"] * t[noise] + t[f"{name}.activate.bias"][None, :, None, None]
            out["shift"] = self.order(out["shift"]).to(self.dtype)
            out["blur"] = self.kernel.repeat(o, 1, 1, 1).to(self.dtype)
        return out

    def forward(self, w):
        """w: [N, D], or a row for every layer [N, L, D]: an up-sampled picture takes that of the next layer."""
        x, rgb, row = self.start.expand(w.shape[0], -1, -1, -1), None, 0
        for l in self.layers:
            style = F.linear(w if w.dim() == 2 else w[:, row], l["style"], l["style_bias"]).to(self.dtype)
            row += not l["rgb"]
            y = x * style[:, :, None, None]
            if l["rgb"]:
                y = F.conv2d(y, l["weight"]) + l["bias"]
                if rgb is not None:
                    y = y + F.conv_transpose2d(rgb, self.kernel.repeat(3, 1, 1, 1), stride=2, padding=1, groups=3)
                rgb = y
                continue
            demod = torch.rsqrt(F.linear(style.square(), l["energy"]) + 1e-8)[:, :, None, None].to(self.dtype)
            if l["up"]:
                y = F.conv2d(F.conv_transpose2d(y, l["weight"], stride=2), l["blur"], padding=1, groups=l["blur"].shape[0])
            else:
                y = F.conv2d(y, l["weight"], padding=1)
            x = F.leaky_relu(torch.addcmul(l["shift"], y, demod), 0.2) * math.sqrt(2)
        return rgb
