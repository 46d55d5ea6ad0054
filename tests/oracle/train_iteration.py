#!/usr/bin/python3
"""Ten iterations of the recipe `paper` in PyTorch, and the first once more with the terms that were not published
(--mirror-target, --weight-surround): the oracle of tests/test_train_oracle.c.

An implementation of its own of everything an iteration needs: StyleGAN2, the two frozen ONNX networks, MS-SSIM, the
crops and the schedule; the encoder is torchvision's ResNet-18, the optimiser torch.optim.Adam. Weights and codes come from the
fill rule of tests/fixtures/README.md, so the outputs are small. Everything is computed in float64. Run, from the project's root,

    nice /usr/bin/python3 tests/oracle/train_iteration.py --models models/cache -o tests/fixtures/train-iteration

--fixtures DIR first checks the parts against other fixtures (stylegan2-tiny-64, onnx, losses); --float32 computes in single precision,
to see what rounding alone does to the figures.
"""
import argparse
import copy
import json
import math
import os

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F
import torchvision

import filled

BATCH, ITERATIONS = 4, 10
SIDE, Z, LAYERS = 64, 64, 10
PSI = 0.7
# Below the published rate of 5e-5: Adam's first steps are as long for a gradient of rounding noise as for a real one, and at 5e-5
# float32 and float64 themselves part by more than the tolerance within two iterations.
RATE, ADVERSARIAL, CRITIC = 4e-6, 0.1, 0.4
WEIGHTS = {"id": 1.0, "landmark": 0.001, "reconstruction": 0.02, "adversarial": 1.0}
GAMMA = 10.0
SURROUND = 2.0  # of the first iteration once more
FIVE = [[0.375, 0.472], [0.621, 0.473], [0.488, 0.613], [0.380, 0.729], [0.617, 0.730]]
LANDMARK_BOX = [0.16, 0.24, 0.84, 0.92]  # x0, y0, x1, y1
TEMPLATE = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
SALT = "train-iteration."
dtype = torch.float64


def fill(name, shape, a, b=0.0, salt=SALT):
    return torch.from_numpy(filled.fill(salt, name, shape, a, b)).to(dtype)


# ---- StyleGAN2 in the layout of the widespread PyTorch conversion ----

def generator_tensors():
    """Name, shape, a, b of every tensor of the generator."""
    unit = math.sqrt(3)
    channels = {4: 32, 8: 32, 16: 32, 32: 16, 64: 8}
    out = [(f"style.{i}.weight", [Z, Z], 100 * unit, 0) for i in range(1, 5)]
    out += [(f"style.{i}.bias", [Z], 10, 0) for i in range(1, 5)]
    out.append(("latent_avg", [Z], 0.2, 0))
    out.append(("input.input", [1, channels[4], 4, 4], unit, 0))

    def conv(name, cin, cout, k, rgb=False):
        rows = [(f"{name}.conv.weight", [1, cout, cin, k, k], unit * (0.25 if rgb else 1), 0),
                (f"{name}.conv.modulation.weight", [cin, Z], unit, 0),
                (f"{name}.conv.modulation.bias", [cin], 0.2, 1)]
        if rgb:
            rows.append((f"{name}.bias", [1, 3, 1, 1], 0.2, 0))
        else:
            rows += [(f"{name}.noise.weight", [1], 0.1, 0.1), (f"{name}.activate.bias", [cout], 0.2, 0)]
        return rows

    out += conv("conv1", 32, 32, 3) + conv("to_rgb1", 32, 3, 1, True)
    side, cin, n = 4, 32, 0
    while side < SIDE:
        side *= 2
        cout = channels[side]
        out += conv(f"convs.{2 * n}", cin, cout, 3) + conv(f"convs.{2 * n + 1}", cout, cout, 3)
        out += conv(f"to_rgbs.{n}", cout, 3, 1, True)
        cin, n = cout, n + 1
    out += [(f"noises.noise_{i}", [1, 1, 2 ** ((i + 5) // 2), 2 ** ((i + 5) // 2)], unit, 0) for i in range(9)]
    return out


def blur(x, gain, pad):
    k = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)
    k = torch.outer(k, k) / 64 * gain
    c = x.shape[1]
    return F.conv2d(F.pad(x, (pad[0], pad[1], pad[0], pad[1])), k.expand(c, 1, 4, 4), groups=c)


def modulated(t, name, x, w, up=False, demodulate=True):
    weight = t[f"{name}.conv.weight"][0]
    o, i, k, _ = weight.shape
    style = w @ t[f"{name}.conv.modulation.weight"].T / math.sqrt(w.shape[1]) + t[f"{name}.conv.modulation.bias"]
    full = weight[None] / math.sqrt(i * k * k) * style[:, None, :, None, None]
    if demodulate:
        full = full * torch.rsqrt(full.square().sum((2, 3, 4), keepdim=True) + 1e-8)
    rows = []
    for n in range(x.shape[0]):
        if up:
            rows.append(blur(F.conv_transpose2d(x[n:n + 1], full[n].transpose(0, 1), stride=2), 4, (1, 1)))
        else:
            rows.append(F.conv2d(x[n:n + 1], full[n], padding=k // 2))
    return torch.cat(rows)


def styled(t, name, x, w, noise, up=False):
    x = modulated(t, name, x, w, up) + t[f"{name}.noise.weight"] * noise
    return F.leaky_relu(x + t[f"{name}.activate.bias"][None, :, None, None], 0.2) * math.sqrt(2)


def rgb(t, name, x, w, skip):
    y = modulated(t, name, x, w, demodulate=False) + t[f"{name}.bias"]
    if skip is not None:
        n, c, h, v = skip.shape
        wide = torch.zeros(n, c, 2 * h, 2 * v, dtype=skip.dtype)
        wide[:, :, ::2, ::2] = skip
        y = y + blur(wide, 4, (2, 1))
    return y


def mapping(t, z):
    x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
    for i in range(1, 5):
        scale = 0.01 / math.sqrt(x.shape[1])
        x = F.leaky_relu(x @ (t[f"style.{i}.weight"] * scale).T + t[f"style.{i}.bias"] * 0.01, 0.2) * math.sqrt(2)
    return x


def synthesis(t, ws):
    """ws [N, LAYERS, Z]"""
    x = t["input.input"].expand(ws.shape[0], -1, -1, -1)
    x = styled(t, "conv1", x, ws[:, 0], t["noises.noise_0"])
    skip = rgb(t, "to_rgb1", x, ws[:, 1], None)
    for n in range((LAYERS - 2) // 2):
        x = styled(t, f"convs.{2 * n}", x, ws[:, 2 * n + 1], t[f"noises.noise_{2 * n + 1}"], up=True)
        x = styled(t, f"convs.{2 * n + 1}", x, ws[:, 2 * n + 2], t[f"noises.noise_{2 * n + 2}"])
        skip = rgb(t, f"to_rgbs.{n}", x, ws[:, 2 * n + 3], skip)
    return skip


# ---- frozen networks ----

class Onnx:
    def __init__(self, path):
        graph = onnx.load(path).graph
        self.nodes, self.output = graph.node, graph.output[0].name
        self.values = {}
        for t in graph.initializer:
            x = torch.from_numpy(onnx.numpy_helper.to_array(t).copy())
            self.values[t.name] = x.to(dtype) if x.is_floating_point() else x
        self.input = next(i.name for i in graph.input if i.name not in self.values)

    def __call__(self, x):
        v = dict(self.values)
        v[self.input] = x
        for n in self.nodes:
            a = {k.name: onnx.helper.get_attribute_value(k) for k in n.attribute}
            i = [v[name] for name in n.input]
            if n.op_type == "Conv":
                assert a["pads"][:2] == a["pads"][2:]
                y = F.conv2d(*i, stride=a["strides"], padding=a["pads"][:2], dilation=a["dilations"], groups=a["group"])
            elif n.op_type == "PRelu":
                y = torch.where(i[0] > 0, i[0], i[0] * i[1])
            elif n.op_type == "Relu":
                y = F.relu(i[0])
            elif n.op_type == "Add":
                y = i[0] + i[1]
            elif n.op_type in ("Flatten", "Reshape"):
                y = i[0].flatten(1)  # both only before the output, batch first
            elif n.op_type == "Gemm":
                assert a["alpha"] == a["beta"] == a["transB"] == 1
                y = i[0] @ i[1].T + i[2]
            elif n.op_type == "BatchNormalization":
                y = F.batch_norm(i[0], i[3], i[4], i[1], i[2], False, 0, a["epsilon"])
            else:
                raise SystemExit(f"{n.op_type} is not implemented")
            v[n.output[0]] = y
        return v[self.output]


def template_crop():
    """Similarity [[c, -d, x], [d, c, y]] from template to picture, unit coordinates: least squares in the template, inverted."""
    rows, right = [], []
    for (x, y), (u, v) in zip(FIVE, TEMPLATE):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        right += [(u + 0.5) / 112, (v + 0.5) / 112]
    a, b, p, q = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    inverse = np.linalg.inv(np.array([[a, -b, p], [b, a, q], [0, 0, 1]]))
    return inverse[:2]


def crop(x, m, side):
    at = (torch.arange(side, dtype=dtype) + 0.5) / side
    v, u = torch.meshgrid(at, at, indexing="ij")
    grid = torch.stack([m[0][0] * u + m[0][1] * v + m[0][2], m[1][0] * u + m[1][1] * v + m[1][2]], -1) * 2 - 1
    return F.grid_sample(x, grid.expand(x.shape[0], -1, -1, -1), mode="bilinear", padding_mode="border", align_corners=False)


def box_matrix():
    x0, y0, x1, y1 = LANDMARK_BOX
    return [[x1 - x0, 0, x0], [0, y1 - y0, y0]]


def identity(net, x):
    return F.normalize(net((crop(x, template_crop(), 112) * 255 - 127) / 128))


def landmarks(net, x):
    m = box_matrix()
    grey = (crop(x, m, 64) * torch.tensor([0.299, 0.587, 0.114], dtype=dtype)[:, None, None]).sum(1, keepdim=True)
    p = net(grey * 255 / 256).reshape(-1, 68, 2)[:, 17:]
    return p * torch.tensor([m[0][0], m[1][1]], dtype=dtype) + torch.tensor([m[0][2], m[1][2]], dtype=dtype)


# ---- losses ----

def msssim(x, y):
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    at = torch.arange(11, dtype=dtype) - 5
    g = torch.exp(-at * at / 4.5)
    g = g / g.sum()
    window = torch.outer(g, g).expand(x.shape[1], 1, 11, 11)
    sides, s = [], min(x.shape[2:])
    while s >= 11 and len(sides) < 5:
        sides.append(s)
        s = (s + 1) // 2
    total = sum(weights[:len(sides)])
    product = 1
    for i in range(len(sides)):
        def mean(v):
            return F.conv2d(v, window, groups=v.shape[1])
        mx, my = mean(x), mean(y)
        cs = (2 * (mean(x * y) - mx * my) + 9e-4) / (mean(x * x) - mx * mx + mean(y * y) - my * my + 9e-4)
        if i == len(sides) - 1:
            cs = cs * (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4)
        product = product * F.relu(cs.mean((2, 3))) ** (weights[i] / total)
        pad = [x.shape[2] % 2, x.shape[3] % 2]
        x, y = F.avg_pool2d(x, 2, padding=pad), F.avg_pool2d(y, 2, padding=pad)
    return product.mean(1)


def l1w(x, y):
    s = x.shape[2]
    at = torch.arange(s, dtype=dtype) - (s - 1) / 2
    g = torch.exp(-(at[:, None] ** 2 + at[None] ** 2) / (2 * (80 * s / 256) ** 2))
    mask = g.max() + g.min() - g
    return ((x - y).abs().mean(1) * (mask / mask.sum())).sum()


def surround(x, y):
    """Mean difference outside the ellipse in the landmark net's box."""
    x0, y0, x1, y1 = LANDMARK_BOX
    at = (torch.arange(x.shape[2], dtype=dtype) + 0.5) / x.shape[2]
    outside = ((at - (x0 + x1) / 2) / (x1 - x0))[None] ** 2 + ((at - (y0 + y1) / 2) / (y1 - y0))[:, None] ** 2 > 0.25
    return (x - y).abs()[:, :, outside].mean()


def mlp(p, prefix, x):
    for i in range(4):
        x = F.linear(x, p[f"{prefix}.{i}.weight"], p[f"{prefix}.{i}.bias"])
        if i < 3:
            x = F.leaky_relu(x, 0.2)
    return x


# ---- trained networks ----

def mlp_tensors(prefix, sizes):
    """The mapper's last layer is small, so that its codes stay near the generator's mean."""
    return [row for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
            for row in ((f"{prefix}.{i}.weight", [b, a], math.sqrt(6 / 1.04 / a) * (0.25 if b == Z else 1), 0),
                        (f"{prefix}.{i}.bias", [b], 0.1, 0))]


def resnet():
    net = torchvision.models.resnet18(weights=None).to(dtype)
    net.fc = torch.nn.Identity()
    rows = []
    for name, p in net.named_parameters():
        if p.ndim == 4:
            rows.append((f"E_attr.{name}", list(p.shape), math.sqrt(6 / p[0].numel()), 0))
        else:
            rows.append((f"E_attr.{name}", list(p.shape), *((0.1, 1) if name.endswith("weight") else (0.05, 0))))
        with torch.no_grad():
            p.copy_(fill(*rows[-1]))
    return net.train(), rows


def digest(name, x):
    """Norm, and the projection on a filled direction."""
    x = x.detach()
    return [float(x.norm()), float((x * fill("direction." + name, list(x.shape), 1)).sum())]


def check_parts(folder, models):
    def want(path):
        path = os.path.join(folder, path)
        return torch.from_numpy(np.load(path) if path.endswith("npy") else np.fromfile(path, "<f4")).to(dtype)

    def report(what, got, expected):
        error = float((got.reshape(-1) - expected.reshape(-1)).abs().max() / expected.abs().max())
        print(f"{what}: {error:.2e}")
        if error > 1e-4:
            raise SystemExit(what + " does not agree with its fixture")

    about = json.load(open(os.path.join(folder, "stylegan2-tiny-64/fixture.json")))
    t = {r["name"]: fill(r["name"], r["shape"], r["a"], r["b"], "") for r in about["tensors"]}
    ws = next(r for r in about["inputs"] if r["name"] == "input.ws")
    report("StyleGAN2", synthesis(t, fill(ws["name"], ws["shape"], ws["a"], ws["b"], "")), want("stylegan2-tiny-64/image_from_ws.npy"))
    z = next(r for r in about["inputs"] if r["name"] == "input.z")
    report("mapping", mapping(t, fill(z["name"], z["shape"], z["a"], z["b"], "")), want("stylegan2-tiny-64/w.npy"))
    about = json.load(open(os.path.join(folder, "onnx/fixture.json")))
    for name in ("fr_feature", "fr_landmark"):
        r = next(r for r in about["inputs"] if r["name"] == "input." + name)
        got = Onnx(os.path.join(models, name + ".onnx"))(fill(r["name"], r["shape"], r["a"], r["b"], ""))
        report(name, got, want(f"onnx/{name}.output.f32"))
    about = json.load(open(os.path.join(folder, "losses/fixture.json")))
    for case in about["cases"]:
        x, y = want(f"losses/x{case['size']}.npy"), want(f"losses/y{case['size']}.npy")
        report(f"MS-SSIM {case['size']}", msssim(x, y), torch.tensor(case["msssim"], dtype=dtype))
        report(f"L1w {case['size']}", l1w(x, y), torch.tensor(case["l1w_sum"], dtype=dtype))


def main():
    global dtype
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", default="models/cache")
    parser.add_argument("--fixtures")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("-o", required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dtype = torch.float32 if args.float32 else torch.float64
    if args.fixtures:
        check_parts(args.fixtures, args.models)

    rows = generator_tensors()
    g = {row[0]: fill(*row) for row in rows}
    e_id, e_lnd = (Onnx(os.path.join(args.models, f)) for f in ("fr_feature.onnx", "fr_landmark.onnx"))
    e_attr, attr_rows = resnet()
    mlp_rows = mlp_tensors("mapper", [1024, 2048, 1024, 512, Z]) + mlp_tensors("critic", [Z, 256, 128, 64, 1])
    p = {row[0]: fill(*row).requires_grad_() for row in mlp_rows}
    p.update({"E_attr." + name: value for name, value in e_attr.named_parameters()})
    start = {name: value.detach().clone() for name, value in p.items()}
    mapper = [n for n in p if not n.startswith("critic")]
    critic = [n for n in p if n.startswith("critic")]

    def adam(names, rate):
        return torch.optim.Adam([p[n] for n in names], lr=rate, betas=(0.9, 0.999), eps=1e-7)
    plain, adversarial, d_w = adam(mapper, RATE), adam(mapper, RATE * ADVERSARIAL), adam(critic, RATE * CRITIC)

    def step(optimiser, names, grads):
        for n, value in zip(names, grads):
            p[n].grad = value
        optimiser.step()

    mean = g["latent_avg"]

    def code(it, which):
        z = fill(f"z.{which}.{it}", [BATCH, Z], math.sqrt(3))
        return mean + PSI * (mapping(g, z) - mean)

    still = copy.deepcopy(e_attr)

    def untrained(id, x):
        """What the codes would be if no step had been taken."""
        return mlp(start, "mapper", torch.cat([id, still(x * 2 - 1)], 1))

    def picture(w):
        return (synthesis(g, w[:, None].expand(-1, LAYERS, -1)) + 1) / 2

    iterations, gradients, weights = [], {}, {}
    for it in range(ITERATIONS):
        cross, versus = it % 3 == 0, it % 2 == 0
        with torch.no_grad():
            w_id = code(it, "id")
            w_attr = code(it, "attr") if cross else w_id
            x_id, x_attr = picture(w_id), picture(w_attr)
            target, points = identity(e_id, x_id), landmarks(e_lnd, x_attr) * 160
            control = picture(untrained(target, x_attr))
            control = {"id": (target - identity(e_id, control)).abs().mean(),
                       "landmark": (points - landmarks(e_lnd, control) * 160).square().mean()}
        w = mlp(p, "mapper", torch.cat([target, e_attr(x_attr * 2 - 1)], 1))
        y = picture(w)
        row = {"cross": cross, "adversarial_step": versus}
        row["id"] = (target - identity(e_id, y)).abs().mean()
        row["landmark"] = (points - landmarks(e_lnd, y) * 160).square().mean()
        loss = WEIGHTS["id"] * row["id"] + WEIGHTS["landmark"] * row["landmark"]
        if not cross:
            row["msssim"] = msssim(x_attr, y).mean()
            row["l1w"] = l1w(x_attr, y)
            row["reconstruction"] = 0.84 * (1 - row["msssim"]) + 0.16 * row["l1w"]
            loss = loss + WEIGHTS["reconstruction"] * row["reconstruction"]
        row["total"] = loss
        if it == 0:
            both = F.normalize(target + identity(e_id, x_id.flip(3)))
            more = {"id": (both - identity(e_id, y)).abs().mean(), "landmark": row["landmark"], "surround": surround(x_attr, y)}
            more["total"] = WEIGHTS["id"] * more["id"] + WEIGHTS["landmark"] * more["landmark"] + SURROUND * more["surround"]
            more_grads = torch.autograd.grad(more["total"], [p[n] for n in mapper], retain_graph=True)
        plain_grads = torch.autograd.grad(loss, [p[n] for n in mapper], retain_graph=versus)
        if versus:
            row["adversarial"] = F.softplus(-mlp(p, "critic", w)).mean()
            adversarial_grads = torch.autograd.grad(WEIGHTS["adversarial"] * row["adversarial"], [p[n] for n in mapper])
            real = code(it, "real").requires_grad_()
            logits = mlp(p, "critic", real)
            row["bce"] = F.softplus(-logits).mean() + F.softplus(mlp(p, "critic", w.detach())).mean()
            slope, = torch.autograd.grad(logits.sum(), real, create_graph=True)
            row["r1"] = GAMMA / 2 * slope.square().sum(1).mean()
            critic_grads = torch.autograd.grad(row["bce"] + row["r1"], [p[n] for n in critic])
        if it == 0:
            gradients = {"plain": {n: digest(n, v) for n, v in zip(mapper, plain_grads)},
                         "unpublished": {n: digest(n, v) for n, v in zip(mapper, more_grads)},
                         "adversarial": {n: digest(n, v) for n, v in zip(mapper, adversarial_grads)},
                         "critic": {n: digest(n, v) for n, v in zip(critic, critic_grads)}}
        step(plain, mapper, plain_grads)
        if versus:
            step(adversarial, mapper, adversarial_grads)
            step(d_w, critic, critic_grads)
        row.update({"untrained_" + k: v for k, v in control.items()})
        iterations.append({k: v if isinstance(v, bool) else float(v) for k, v in row.items()})
        print(it, {k: v if isinstance(v, bool) else round(v, 6) for k, v in iterations[-1].items()},
              f"y {float(y.min()):.2f} .. {float(y.max()):.2f}, points {float(points.min()):.1f} .. {float(points.max()):.1f}", flush=True)
        if it in (0, ITERATIONS - 1):
            weights[str(it + 1)] = {n: digest(n, v.detach() - start[n]) for n, v in p.items()}
            weights[str(it + 1)].update({"E_attr." + n: digest("E_attr." + n, v) for n, v in e_attr.named_buffers()
                                         if n.endswith(("running_mean", "running_var"))})

    about = {
        "note": "ten iterations of the recipe paper by tests/oracle/train_iteration.py (PyTorch "
                + torch.__version__.split("+")[0] + ", " + str(dtype).split(".")[1] + "); digests are [norm, sum of products with the "
                "tensor filled as direction.NAME, a 1, b 0]: of the gradients of iteration 0, of the change of weights since the start, "
                "and of the running statistics, after 1 and 10 iterations (weight_tolerance: entries whose gradient is "
                "rounding noise step either way)",
        "command": "nice /usr/bin/python3 tests/oracle/train_iteration.py --models models/cache -o tests/fixtures/train-iteration",
        # Adam's first step is the sign of a gradient, and so of rounding where that is near 0: processors differ by up to 0.03.
        "tolerance": 0.001, "weight_tolerance": 0.05, "salt": SALT, "batch": BATCH, "truncation": PSI, "rate": RATE,
        "codes": "z.id.N, z.attr.N (in cross-face iterations) and z.real.N (the critic's) of iteration N, [batch, 64], a sqrt 3, b 0",
        "five": FIVE, "landmark_box": LANDMARK_BOX, "recogniser_crop": [float(v) for v in template_crop().reshape(-1)],
        "generator": [{"name": n, "shape": s, "a": a, "b": b} for n, s, a, b in rows],
        "trained": [{"name": n, "shape": s, "a": a, "b": b} for n, s, a, b in attr_rows + mlp_rows],
        "iterations": iterations, "unpublished": {k: float(v) for k, v in more.items()}, "surround_weight": SURROUND, "gradients": gradients, "weights": weights,
    }
    filled.save(args.o, about)


if __name__ == "__main__":
    main()
