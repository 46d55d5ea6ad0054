#!/usr/bin/python3
"""One iteration of generator training by PyTorch 1.13: D, R1 and G step, one after the other, from a start filled by the
rule of tests/fixtures/README.md. Writes losses, and digests of gradients and weights, for tests/test_gan_oracle.c. With
`path`, a step on path lengths comes behind the three:

    /usr/bin/python3 tests/oracle/gan_iteration.py > tests/fixtures/gan-iteration/fixture.json
    /usr/bin/python3 tests/oracle/gan_iteration.py path > tests/fixtures/gan-path/fixture.json
"""
import json
import math
import sys

import torch
import torch.nn.functional as F

import filled

SALT, BATCH, SIZE, DIM, MAPPING = "gan-iteration/", 8, 32, 24, 2
WIDTHS, D_WIDTHS = [16, 16, 12, 8], [16, 16, 12, 8]  # at 4, 8, 16, 32
RATE, GAMMA, R1_EVERY = 0.002, 3.0, 16
PATH, PATH_EVERY, PATH_MEAN = (2.0, 4, 0.5) if sys.argv[1:] == ["path"] else (0.0, 4, 0.0)
torch.manual_seed(0)
torch.set_num_threads(1)


def fill(name, shape, a, b):
    return torch.from_numpy(filled.fill(SALT, name, shape, a, b))


tensors = []  # name, shape, a, b


def parameter(name, shape, a, b):
    tensors.append({"name": name, "shape": list(shape), "a": a, "b": b})
    return fill(name, shape, a, b).requires_grad_(True)


ROOT3 = math.sqrt(3)  # uniform numbers of variance 1
KERNEL = torch.tensor([1.0, 3.0, 3.0, 1.0])
KERNEL = (KERNEL[:, None] * KERNEL[None, :]) / 64


def blur(x, pad, gain=1.0, up=1, down=1):
    n, c, h, w = x.shape
    if up > 1:
        z = torch.zeros(n, c, h * up, w * up, dtype=x.dtype)
        z[:, :, ::up, ::up] = x
        x = z
    x = F.pad(x, [pad[0], pad[1], pad[0], pad[1]])
    weight = (KERNEL * gain)[None, None].repeat(c, 1, 1, 1)
    return F.conv2d(x, weight, groups=c)[:, :, ::down, ::down]


class Generator:
    def __init__(self):
        self.p = p = {}

        def add(name, shape, a=ROOT3, b=0.0):
            p["g." + name] = parameter("g." + name, shape, a, b)

        def modulated(name, cin, cout, k):
            add(name + ".conv.weight", (1, cout, cin, k, k))
            add(name + ".conv.modulation.weight", (cin, DIM))
            add(name + ".conv.modulation.bias", (cin,), 0.2, 1.0)

        def layer(name, cin, cout):
            modulated(name, cin, cout, 3)
            add(name + ".noise.weight", (1,), 0.1, 0.2)
            add(name + ".activate.bias", (cout,), 0.3)

        def rgb(name, cin):
            modulated(name, cin, 3, 1)
            add(name + ".bias", (1, 3, 1, 1), 0.2)

        for i in range(MAPPING):
            add(f"style.{i + 1}.weight", (DIM, DIM), ROOT3 * 100)
            add(f"style.{i + 1}.bias", (DIM,), 20.0)
        add("input.input", (1, WIDTHS[0], 4, 4))
        layer("conv1", WIDTHS[0], WIDTHS[0])
        rgb("to_rgb1", WIDTHS[0])
        for r in range(1, len(WIDTHS)):
            layer(f"convs.{2 * r - 2}", WIDTHS[r - 1], WIDTHS[r])
            layer(f"convs.{2 * r - 1}", WIDTHS[r], WIDTHS[r])
            rgb(f"to_rgbs.{r - 1}", WIDTHS[r])

    def mapping(self, z):
        x = z * torch.rsqrt(torch.mean(z**2, dim=1, keepdim=True) + 1e-8)
        for i in range(MAPPING):
            w, b = self.p[f"g.style.{i + 1}.weight"], self.p[f"g.style.{i + 1}.bias"]
            x = F.leaky_relu(F.linear(x, w * (0.01 / math.sqrt(w.shape[1])), b * 0.01), 0.2) * math.sqrt(2)
        return x

    def modconv(self, name, x, w, up=False, demodulate=True):
        weight = self.p[f"g.{name}.conv.weight"]
        _, cout, cin, k, _ = weight.shape
        m = self.p[f"g.{name}.conv.modulation.weight"]
        style = F.linear(w, m / math.sqrt(DIM), self.p[f"g.{name}.conv.modulation.bias"])
        weight = weight / math.sqrt(cin * k * k) * style[:, None, :, None, None]
        if demodulate:
            weight = weight * torch.rsqrt(weight.pow(2).sum([2, 3, 4], keepdim=True) + 1e-8)
        n, _, h, _ = x.shape
        x = x.reshape(1, n * cin, h, h)
        if up:
            weight = weight.transpose(1, 2).reshape(n * cin, cout, k, k)
            x = F.conv_transpose2d(x, weight, stride=2, groups=n).reshape(n, cout, 2 * h + 1, 2 * h + 1)
            return blur(x, (1, 1), 4)
        x = F.conv2d(x, weight.reshape(n * cout, cin, k, k), padding=k // 2, groups=n)
        return x.reshape(n, cout, h, h)

    def layer(self, name, x, w, noise, up):
        x = self.modconv(name, x, w, up) + self.p[f"g.{name}.noise.weight"] * noise
        return F.leaky_relu(x + self.p[f"g.{name}.activate.bias"][None, :, None, None], 0.2) * math.sqrt(2)

    def rgb(self, name, x, w, skip):
        x = self.modconv(name, x, w, demodulate=False) + self.p[f"g.{name}.bias"]
        return x if skip is None else x + blur(skip, (2, 1), 4, up=2)

    def codes(self, z, mix):
        w1, w2 = self.mapping(z).chunk(2)
        return w1[:, None] + mix * (w2 - w1)[:, None]

    def __call__(self, z, mix, noise):
        return self.synthesis(self.codes(z, mix), noise)

    def synthesis(self, ws, noise):
        x = self.p["g.input.input"].repeat(len(ws), 1, 1, 1)
        x = self.layer("conv1", x, ws[:, 0], noise[0], False)
        rgb = self.rgb("to_rgb1", x, ws[:, 1], None)
        for r in range(1, len(WIDTHS)):
            x = self.layer(f"convs.{2 * r - 2}", x, ws[:, 2 * r - 1], noise[2 * r - 1], True)
            x = self.layer(f"convs.{2 * r - 1}", x, ws[:, 2 * r], noise[2 * r], False)
            rgb = self.rgb(f"to_rgbs.{r - 1}", x, ws[:, 2 * r + 1], rgb)
        return rgb


class Discriminator:
    def __init__(self):
        self.p = p = {}

        def add(name, shape, a=ROOT3, b=0.0):
            p["d." + name] = parameter("d." + name, shape, a, b)

        top = len(D_WIDTHS) - 1
        add("convs.0.0.weight", (D_WIDTHS[top], 3, 1, 1))
        add("convs.0.1.bias", (D_WIDTHS[top],), 0.2)
        for i, r in enumerate(range(top, 0, -1), 1):
            cin, cout = D_WIDTHS[r], D_WIDTHS[r - 1]
            add(f"convs.{i}.conv1.0.weight", (cin, cin, 3, 3))
            add(f"convs.{i}.conv1.1.bias", (cin,), 0.2)
            add(f"convs.{i}.conv2.1.weight", (cout, cin, 3, 3))
            add(f"convs.{i}.conv2.2.bias", (cout,), 0.2)
            add(f"convs.{i}.skip.1.weight", (cout, cin, 1, 1))
        c = D_WIDTHS[0]
        add("final_conv.0.weight", (c, c + 1, 3, 3))
        add("final_conv.1.bias", (c,), 0.2)
        add("final_linear.0.weight", (c, c * 16))
        add("final_linear.0.bias", (c,), 0.2)
        add("final_linear.1.weight", (1, c))
        add("final_linear.1.bias", (1,), 0.2)

    def conv(self, name, x, **how):
        w = self.p[f"d.{name}.weight"]
        return F.conv2d(x, w / math.sqrt(w[0].numel()), **how)

    def act(self, name, x):
        return F.leaky_relu(x + self.p[f"d.{name}.bias"][None, :, None, None], 0.2) * math.sqrt(2)

    def __call__(self, x):
        x = self.act("convs.0.1", self.conv("convs.0.0", x))
        for i in range(1, len(D_WIDTHS)):
            y = self.act(f"convs.{i}.conv1.1", self.conv(f"convs.{i}.conv1.0", x, padding=1))
            y = self.act(f"convs.{i}.conv2.2", self.conv(f"convs.{i}.conv2.1", blur(y, (2, 2)), stride=2))
            x = (y + self.conv(f"convs.{i}.skip.1", blur(x, (1, 1)), stride=2)) / math.sqrt(2)
        n, c, h, w = x.shape
        group = min(n, 4)
        s = x.view(group, -1, 1, c, h, w)
        s = torch.sqrt(s.var(0, unbiased=False) + 1e-8).mean([2, 3, 4], keepdim=True).squeeze(2).repeat(group, 1, h, w)
        x = self.act("final_conv.1", self.conv("final_conv.0", torch.cat([x, s], 1), padding=1))
        w = self.p["d.final_linear.0.weight"]
        x = F.linear(x.reshape(n, -1), w / math.sqrt(w.shape[1]), self.p["d.final_linear.0.bias"])
        x = F.leaky_relu(x, 0.2) * math.sqrt(2)
        w = self.p["d.final_linear.1.weight"]
        return F.linear(x, w / math.sqrt(w.shape[1]), self.p["d.final_linear.1.bias"])


def augment(x, numbers):
    """Warp, colours, box: grid_sample's coordinates run from -1 to 1 between the outer edges of the pixels."""
    m, colour, offset, box = numbers[:, :6], numbers[:, 6:15].reshape(-1, 3, 3), numbers[:, 15:18], numbers[:, 18:]
    at = torch.arange(SIZE, dtype=torch.float32) - (SIZE - 1) / 2
    dy, dx = torch.meshgrid(at, at, indexing="ij")
    u = m[:, 0, None, None] * dx + m[:, 1, None, None] * dy + m[:, 2, None, None]
    v = m[:, 3, None, None] * dx + m[:, 4, None, None] * dy + m[:, 5, None, None]
    grid = torch.stack([u, v], -1) * (2 / SIZE)
    # As a matrix per picture, for grid_sample cannot be differentiated twice.
    basis = torch.eye(SIZE * SIZE).reshape(-1, 1, SIZE, SIZE)
    maps = [F.grid_sample(basis, g.expand(len(basis), -1, -1, -1), mode="bicubic", padding_mode="reflection",
                          align_corners=False).reshape(SIZE * SIZE, -1) for g in grid[:, None]]
    y = torch.einsum("ncp,npq->ncq", x.reshape(BATCH, 3, -1), torch.stack(maps)).reshape(x.shape)
    y = torch.einsum("nij,njhw->nihw", colour, y) + offset[:, :, None, None]
    px = torch.arange(SIZE, dtype=torch.float32)
    b = box[:, :, None, None]
    inside = (px[None, None] >= b[:, 0]) & (px[None, None] < b[:, 2])
    inside = inside & (px[None, :, None] >= b[:, 1]) & (px[None, :, None] < b[:, 3])
    return y * (~inside)[:, None].float()


def step_inputs(step):
    """What one step draws; the recipe for filling is repeated in the C test."""
    z = fill(f"z.{step}", (2 * BATCH, DIM), ROOT3, 0)
    mix = (fill(f"mix.{step}", (BATCH, 2 * len(WIDTHS), 1), 1, 0) > 0).float()
    noise = []
    for i in range(2 * len(WIDTHS) - 1):
        side = 4 << (i + 1) // 2
        noise.append(fill(f"noise.{i}.{step}", (BATCH, 1, side, side), ROOT3, 0))
    return z, mix, noise


def numbers(which):
    base = torch.tensor([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 6, 14, 13], dtype=torch.float32)
    change = fill(f"augment.{which}", (BATCH, 22), 0.2, 0)
    change[:, 18:] = 0
    return base + change


def digest(name, x):
    """Norm, and product with a filled direction."""
    d = fill("direction." + name, x.shape, 1, 0).double()
    return [float(x.double().norm()), float((x.double() * d).sum())]


def digests(named):
    return {k: digest(k, v.detach()) for k, v in named.items()}


G, D = Generator(), Discriminator()
start = {k: v.detach().clone() for k, v in {**G.p, **D.p}.items()}
k = R1_EVERY / (R1_EVERY + 1)
d_adam = torch.optim.Adam(D.p.values(), RATE, betas=(0, 0.99**k), eps=1e-8)
share = PATH_EVERY / (PATH_EVERY + 1) if PATH else 1
g_adam = torch.optim.Adam(G.p.values(), RATE, betas=(0, 0.99**share), eps=1e-8)
real = fill("real", (BATCH, 3, SIZE, SIZE), 1, 0)
gradients = {}

# D
fake = G(*step_inputs("d")).detach()
real_logits, fake_logits = D(augment(real, numbers("real"))), D(augment(fake, numbers("made")))
d_loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
sign = torch.sign(real_logits).mean()
gradients["d"] = dict(zip(D.p, torch.autograd.grad(d_loss, D.p.values())))
for name, g in gradients["d"].items():
    D.p[name].grad = g.clone()
d_adam.step()

# R1, behind D's step
x = real.clone().requires_grad_(True)
(slope,) = torch.autograd.grad(D(augment(x, numbers("real"))).sum(), x, create_graph=True)
r1 = GAMMA / 2 * slope.pow(2).reshape(BATCH, -1).sum(1).mean()
gradients["r1"] = {n: torch.zeros_like(D.p[n]) if g is None else g for n, g in zip(
    D.p, torch.autograd.grad(r1 * R1_EVERY, D.p.values(), allow_unused=True))}
for name, g in gradients["r1"].items():
    D.p[name].grad = g.clone()
d_adam.step()

# G
g_loss = F.softplus(-D(augment(G(*step_inputs("g")), numbers("made")))).mean()
gradients["g"] = dict(zip(G.p, torch.autograd.grad(g_loss, G.p.values())))
for name, g in gradients["g"].items():
    G.p[name].grad = g.clone()
g_adam.step()

losses = {"d": float(d_loss), "sign": float(sign), "r1": float(r1), "g": float(g_loss)}
if PATH:  # behind G's step, on half the batch
    n = BATCH // 2
    z, mix, noise = step_inputs("path")
    ws = G.codes(torch.cat([z[:n], z[BATCH:BATCH + n]]), mix[:n])
    pictures = G.synthesis(ws, [x[:n] for x in noise])
    y = fill("path_noise", pictures.shape, ROOT3, 0) / SIZE
    (slope,) = torch.autograd.grad((pictures * y).sum(), ws, create_graph=True)
    lengths = slope.square().sum(2).mean(1).sqrt()
    mean = PATH_MEAN + 0.01 * (lengths.mean() - PATH_MEAN)
    loss = PATH * (lengths - mean).square().mean()
    losses |= {"path": float(loss), "path_mean": float(mean)}
    slopes = torch.autograd.grad(loss * PATH_EVERY, G.p.values(), allow_unused=True)
    gradients["path"] = {k: torch.zeros_like(p) if g is None else g for (k, p), g in zip(G.p.items(), slopes)}
    for name, g in gradients["path"].items():
        G.p[name].grad = g.clone()
    g_adam.step()

print(json.dumps({
    "note": "one iteration of tests/oracle/gan_iteration.py, PyTorch " + torch.__version__.split("+")[0],
    "salt": SALT, "tolerance": 1e-3, "batch": BATCH, "size": SIZE, "dim": DIM, "mapping": MAPPING,
    "rate": RATE, "gamma": GAMMA, "r1_every": R1_EVERY, "tensors": tensors,
    "path": {"weight": PATH, "every": PATH_EVERY, "mean": PATH_MEAN}, "losses": losses,
    "gradients": {s: digests(g) for s, g in gradients.items()},
    "weights": digests({n: v - start[n] for n, v in {**G.p, **D.p}.items()}),
}, indent=0))
