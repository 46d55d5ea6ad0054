"""Iterations of the recipe `paper` in PyTorch, tuned: weights shared by the batch, separable windows, fused Adam, no gradients
where none are needed. bench/support/train.c does the same work from the same numbers."""
import math

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
import train_iteration as oracle
from stylegan2 import Synthesis

FIRST = 3
RATE, PSI = 5e-5, 0.7
UNITS = 160


def filled(name, shape, a, b=0.0):
    return oracle.fill(name, shape, a, b, "")


# ---- crops ----

def taps(centre, reach, size):
    """Weights of source pixels around centre: a triangle as wide as reach, outside on the border."""
    centre = min(max(centre, -reach), size - 1 + reach)
    at = np.arange(math.ceil(centre - reach), math.floor(centre + reach) + 1)
    weight = np.maximum(0, 1 - abs(at - centre) / reach)
    return np.clip(at, 0, size - 1), weight / weight.sum()


class Crop:
    """m takes unit coordinates of the target to the source's; shrinking widens the triangle of bilinear sampling."""

    def __init__(self, m, side, source):
        m = np.asarray(m, np.float64).reshape(2, 3)
        reach = [max(1, math.hypot(row[0], row[1]) * source / side) for row in m]
        rows, columns, values = [], [], []
        for row in range(side * side):
            x, y = (row % side + 0.5) / side, (row // side + 0.5) / side
            (ix, wx), (iy, wy) = (taps((m[k] @ [x, y, 1]) * source - 0.5, reach[k], source) for k in range(2))
            columns.append((iy[:, None] * source + ix[None]).ravel())
            values.append((wy[:, None] * wx[None]).ravel())
            rows.append(np.full(columns[-1].size, row))
        index = torch.from_numpy(np.stack([np.concatenate(rows), np.concatenate(columns)]))
        self.map = torch.sparse_coo_tensor(index, torch.from_numpy(np.concatenate(values)).float(), (side * side, source**2)).coalesce()
        self.side = side

    def __call__(self, x):
        n, c, h, w = x.shape
        y = torch.sparse.mm(self.map, x.permute(2, 3, 0, 1).reshape(h * w, n * c))
        return y.reshape(self.side, self.side, n, c).permute(2, 3, 0, 1)


def landmark_box(five):
    """An upright square about the face, from the eyes and the mouth."""
    five = np.asarray(five, np.float64)
    eyes, mouth = (five[0] + five[1]) / 2, (five[3] + five[4]) / 2
    side = 2.7 * (np.hypot(*(five[1] - five[0])) + np.hypot(*(mouth - eyes))) / 2
    corner = eyes + 0.42 * (mouth - eyes) - side / 2
    return [side, 0, corner[0], 0, side, corner[1]]


# ---- losses ----

def msssim(x, y):
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    at = torch.arange(11, dtype=torch.float32) - 5
    g = torch.exp(-at * at / 4.5)
    g = (g / g.sum()).expand(15, 1, 11)
    scales, side = 0, min(x.shape[2:])
    while side >= 11 and scales < 5:
        scales, side = scales + 1, (side + 1) // 2
    product = 1
    for i in range(scales):
        v = torch.cat([x, y, x * y, x * x, y * y], 1)
        v = F.conv2d(F.conv2d(v, g[:, :, :, None], groups=15), g[:, :, None], groups=15)
        mx, my, xy, xx, yy = v.chunk(5, 1)
        cs = (2 * (xy - mx * my) + 9e-4) / (xx - mx * mx + yy - my * my + 9e-4)
        if i == scales - 1:
            cs = cs * (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4)
        product = product * F.relu(cs.mean((2, 3))) ** (weights[i] / sum(weights[:scales]))
        pad = [x.shape[2] % 2, x.shape[3] % 2]
        x, y = F.avg_pool2d(x, 2, padding=pad), F.avg_pool2d(y, 2, padding=pad)
    return product.mean()


# ---- networks ----

def attributes(net, layout):
    """ResNet-18 with the batch's statistics, or InceptionV3 with stored ones, at the bench's start."""
    if net == "resnet18":
        e = torchvision.models.resnet18(weights=None)
    else:
        e = torchvision.models.inception_v3(weights=None, init_weights=False, aux_logits=False)
    e.fc = torch.nn.Identity()
    e.train(net == "resnet18")
    with torch.no_grad():
        for name, p in e.named_parameters():
            a, b = (math.sqrt(6 * len(p) / p.numel()), 0) if p.ndim > 1 else (0.05, 0) if name.endswith("bias") else (0.1, 1)
            p.copy_(filled("E_attr." + name, list(p.shape), a, b))
    return e.to(memory_format=layout)


def perceptron(prefix, sizes):
    p = {}
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        scale = 0.25 if (prefix, i) == ("mapper", 3) else 1
        p[f"{prefix}.{i}.weight"] = filled(f"{prefix}.{i}.weight", [b, a], math.sqrt(6 / 1.04 / a) * scale).requires_grad_()
        p[f"{prefix}.{i}.bias"] = filled(f"{prefix}.{i}.bias", [b], 0.1).requires_grad_()
    return p


class Frozen:
    def __init__(self, path, layout):
        self.net, self.layout = oracle.Onnx(path), layout
        for name, v in self.net.values.items():
            if v.ndim == 4:
                self.net.values[name] = v.contiguous(memory_format=layout)

    def __call__(self, x):
        return self.net(x.contiguous(memory_format=self.layout))


def cycle_of(side):
    """Cross- and same-face, with and without critic, come round after 6; for large pictures 3 have to do, one too many with critic."""
    return 6 if side < 256 else 3


class Training:
    """tensors: of G. frame: the crops of E_id and E_lnd, or None: from the oracle's five points."""

    def __init__(self, tensors, side, batch, net, models, frame, layout):
        self.batch, self.side, self.net, self.layout, self.tensors = batch, side, net, layout, tensors
        self.g = Synthesis(tensors, layout == torch.channels_last)
        self.width = tensors["conv1.conv.modulation.weight"].shape[1]
        self.mean = tensors["latent_avg"]
        recogniser = oracle.template_crop() if frame is None else frame["recogniser"]
        self.box = torch.tensor(landmark_box(oracle.FIVE) if frame is None else frame["landmark"], dtype=torch.float32).reshape(2, 3)
        self.crop_id, self.crop_lnd = Crop(recogniser, 112, side), Crop(self.box, 64, side)
        self.e_id, self.e_lnd = (Frozen(f"{models}/{name}.onnx", layout) for name in ("fr_feature", "fr_landmark"))
        self.e_attr = attributes(net, layout)
        codes = 512 if net == "resnet18" else 2048
        self.p = perceptron("mapper", [512 + codes, 2048, 1024, 512, self.width])
        self.d = perceptron("critic", [self.width, 256, 128, 64, 1])
        self.trained, self.critic = list(self.e_attr.parameters()) + list(self.p.values()), list(self.d.values())

        def adam(parameters, rate):
            return torch.optim.Adam(parameters, rate, betas=(0.9, 0.999), eps=1e-7, foreach=True)
        self.adams = adam(self.trained, RATE), adam(self.trained, 0.1 * RATE), adam(self.critic, 0.4 * RATE)
        at = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
        g = torch.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * (80 * side / 256) ** 2))
        mask = g.max() + g.min() - g
        self.mask, self.turn, self.first = mask / mask.sum(), FIRST, []
        for i in range(FIRST):
            x_id, x_attr = (filled(f"{name}.{i}", [batch, side, side, 3], 0.5, 0.5).permute(0, 3, 1, 2) for name in ("id", "attr"))
            self.first += self.iterate(i, x_id, x_attr if i % 3 == 0 else x_id, filled(f"real.{i}", [batch, self.width], 1))

    def identity(self, x):
        return F.normalize(self.e_id(self.crop_id(x) * (255 / 128) - 127 / 128))

    def landmarks(self, x):
        grey = (self.crop_lnd(x) * (torch.tensor([0.299, 0.587, 0.114]) * (255 / 256))[:, None, None]).sum(1, keepdim=True)
        points = self.e_lnd(grey).reshape(-1, 68, 2)[:, 17:]
        return (points @ self.box[:, :2].T + self.box[:, 2]) * UNITS

    def encode(self, x):
        if self.net != "resnet18":
            x = F.interpolate(x, (299, 299), mode="bilinear", align_corners=False)
        return self.e_attr((x * 2 - 1).contiguous(memory_format=self.layout))

    def draw(self, count):
        """Codes and pictures of G, rounded to 8 bits."""
        with torch.no_grad():
            w = self.codes(count)
            return ((self.g(w) + 1) / 2).clamp(0, 1).mul(255).round().div(255)

    def codes(self, count):
        x, i = torch.randn(count, self.width), 1
        with torch.no_grad():
            x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
            while f"style.{i}.weight" in self.tensors:
                weight = self.tensors[f"style.{i}.weight"] * (0.01 / math.sqrt(x.shape[1]))
                x = F.leaky_relu(F.linear(x, weight, self.tensors[f"style.{i}.bias"] * 0.01), 0.2) * math.sqrt(2)
                i += 1
            return self.mean + PSI * (x - self.mean)

    def iterate(self, turn, x_id, x_attr, real):
        cross, versus = turn % 3 == 0, turn % 2 == 0
        with torch.no_grad():
            target, points = self.identity(x_id), self.landmarks(x_attr)
        w = oracle.mlp(self.p, "mapper", torch.cat([target, self.encode(x_attr)], 1))
        y = (self.g(w) + 1) / 2
        l_id = (target - self.identity(y)).abs().mean()
        seen = self.landmarks(y)
        usable = [((p.detach() - UNITS / 2).abs() < UNITS).flatten(1).all(1) for p in (points, seen)]
        l_lnd = ((points - seen).square().flatten(1) * (usable[0] & usable[1])[:, None]).mean()
        loss, l_rec = l_id + 0.001 * l_lnd, torch.zeros(())
        if not cross:
            l_rec = 0.84 * (1 - msssim(x_attr, y)) + 0.16 * ((x_attr - y).abs().mean(1) * self.mask).sum()
            loss = loss + 0.02 * l_rec
        plain = torch.autograd.grad(loss, self.trained, retain_graph=versus)
        losses = [l_id, l_lnd, l_rec, torch.zeros(()), torch.zeros(()), torch.zeros(())]
        if versus:
            losses[3] = F.softplus(-oracle.mlp(self.d, "critic", w)).mean()
            adversarial = torch.autograd.grad(losses[3], self.trained)
            real = real.clone().requires_grad_()
            logits = oracle.mlp(self.d, "critic", real)
            losses[4] = F.softplus(-logits).mean() + F.softplus(oracle.mlp(self.d, "critic", w.detach())).mean()
            (slope,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
            losses[5] = 5 * slope.square().sum(1).mean()
            critic = torch.autograd.grad(losses[4] + losses[5], self.critic)
        self.step(0, self.trained, plain)
        if versus:
            self.step(1, self.trained, adversarial)
            self.step(2, self.critic, critic)
        return [float(v) for v in losses]

    def step(self, which, parameters, grads):
        for p, g in zip(parameters, grads):
            p.grad = g
        self.adams[which].step()

    def cycle(self):
        for turn in range(self.turn, self.turn + cycle_of(self.side)):
            x_id = self.draw(self.batch)
            x_attr = self.draw(self.batch) if turn % 3 == 0 else x_id
            self.iterate(turn, x_id, x_attr, self.codes(self.batch))
        self.turn += cycle_of(self.side)
