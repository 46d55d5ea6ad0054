"""Iterations of StyleGAN2 training in PyTorch, written to be fast on a processor: one set of weights for the whole batch, the
optimiser's foreach form, the average in one call, a grid sampler that can be differentiated twice instead of maps as matrices.
Networks, recipe and numbers are bench/support/gan.c's."""
import math

import torch
import torch.nn.functional as F
import train_iteration as oracle

DIM, MAPPING, WIDTH, WIDTH_MAX, RATE, GAMMA, R1_EVERY, EMA = 256, 4, 2048, 128, 0.0025, 1.0, 16, 5000
ROOT3 = math.sqrt(3)


def fill(name, shape, a, b=0.0):
    return oracle.fill(name, list(shape), a, b, "")


def kernel(n, gain):
    k = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return (torch.outer(k, k) / 64 * gain)[None, None].repeat(n, 1, 1, 1)


class Part(torch.nn.Module):
    """Parameters by the names of the files; rank-4 ones in the layout under test."""

    def __init__(self, layout):
        super().__init__()
        self.layout, self.named, self.blurs = layout, {}, {}

    def add(self, name, shape, a=ROOT3, b=0.0):
        x = fill(name, shape, a, b)
        x = x[0] if x.dim() == 5 else x
        x = x.contiguous(memory_format=self.layout) if x.dim() == 4 else x
        self.named[name] = torch.nn.Parameter(x)
        self.register_parameter(name.replace(".", "_"), self.named[name])

    def blur(self, x, pad, gain=1.0, down=1):
        key = x.shape[1], gain
        if key not in self.blurs:
            self.blurs[key] = kernel(*key)
        if pad[0] == pad[1]:
            return F.conv2d(x, self.blurs[key], padding=pad[0], stride=down, groups=x.shape[1])
        return F.conv2d(F.pad(x, [pad[0], pad[1], pad[0], pad[1]]), self.blurs[key], stride=down, groups=x.shape[1])


class Generator(Part):
    def __init__(self, widths, layout):
        super().__init__(layout)
        self.widths = widths
        for i in range(MAPPING):
            self.add(f"g.style.{i + 1}.weight", (DIM, DIM), 100 * ROOT3)
            self.add(f"g.style.{i + 1}.bias", (DIM,), 20.0)
        self.add("g.input.input", (1, widths[0], 4, 4))
        self.layer_of("g.conv1", widths[0], widths[0])
        self.rgb_of("g.to_rgb1", widths[0])
        for r in range(1, len(widths)):
            self.layer_of(f"g.convs.{2 * r - 2}", widths[r - 1], widths[r])
            self.layer_of(f"g.convs.{2 * r - 1}", widths[r], widths[r])
            self.rgb_of(f"g.to_rgbs.{r - 1}", widths[r])

    def modulated(self, name, cin, cout, k):
        self.add(name + ".conv.weight", (1, cout, cin, k, k))
        self.add(name + ".conv.modulation.weight", (cin, DIM))
        self.add(name + ".conv.modulation.bias", (cin,), 0.2, 1.0)

    def layer_of(self, name, cin, cout):
        self.modulated(name, cin, cout, 3)
        self.add(name + ".noise.weight", (1,), 0.1, 0.1)
        self.add(name + ".activate.bias", (cout,), 0.2)

    def rgb_of(self, name, cin):
        self.modulated(name, cin, 3, 1)
        self.add(name + ".bias", (1, 3, 1, 1), 0.2)

    def style(self, name, w):
        p = self.named
        return F.linear(w, p[name + ".conv.modulation.weight"] / math.sqrt(DIM), p[name + ".conv.modulation.bias"])

    def layer(self, name, x, w, noise, up):
        p, style = self.named, self.style(name, w)
        weight = p[name + ".conv.weight"]
        weight = weight / math.sqrt(weight[0].numel())
        demod = torch.rsqrt(F.linear(style.square(), weight.square().sum((2, 3))) + 1e-8)[:, :, None, None]
        x = x * style[:, :, None, None]
        if up:
            x = self.blur(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), (1, 1), 4.0)
        else:
            x = F.conv2d(x, weight, padding=1)
        shift = p[name + ".noise.weight"] * noise + p[name + ".activate.bias"][None, :, None, None]
        return F.leaky_relu(torch.addcmul(shift, x, demod), 0.2) * math.sqrt(2)

    def rgb(self, name, x, w, skip):
        weight = self.named[name + ".conv.weight"]
        x = F.conv2d(x * self.style(name, w)[:, :, None, None], weight / math.sqrt(weight.shape[1])) + self.named[name + ".bias"]
        if skip is None:
            return x
        return x + F.conv_transpose2d(skip, self.skip_kernel, stride=2, padding=1, groups=3)

    skip_kernel = kernel(3, 4.0)

    def forward(self, z, mix, noise):
        w, p = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8), self.named
        for i in range(MAPPING):
            w = F.linear(w, p[f"g.style.{i + 1}.weight"] * (0.01 / math.sqrt(DIM)), p[f"g.style.{i + 1}.bias"] * 0.01)
            w = F.leaky_relu(w, 0.2) * math.sqrt(2)
        w1, w2 = w.chunk(2)
        ws = w1[:, None] + mix * (w2 - w1)[:, None]
        x = p["g.input.input"].expand(len(w1), -1, -1, -1)
        x = self.layer("g.conv1", x, ws[:, 0], noise[0], False)
        rgb = self.rgb("g.to_rgb1", x, ws[:, 1], None)
        for r in range(1, len(self.widths)):
            x = self.layer(f"g.convs.{2 * r - 2}", x, ws[:, 2 * r - 1], noise[2 * r - 1], True)
            x = self.layer(f"g.convs.{2 * r - 1}", x, ws[:, 2 * r], noise[2 * r], False)
            rgb = self.rgb(f"g.to_rgbs.{r - 1}", x, ws[:, 2 * r + 1], rgb)
        return rgb


class Discriminator(Part):
    def __init__(self, widths, layout):
        super().__init__(layout)
        self.top = top = len(widths) - 1
        self.add("d.convs.0.0.weight", (widths[top], 3, 1, 1))
        self.add("d.convs.0.1.bias", (widths[top],), 0.2)
        for i, r in enumerate(range(top, 0, -1), 1):
            cin, cout = widths[r], widths[r - 1]
            self.add(f"d.convs.{i}.conv1.0.weight", (cin, cin, 3, 3))
            self.add(f"d.convs.{i}.conv1.1.bias", (cin,), 0.2)
            self.add(f"d.convs.{i}.conv2.1.weight", (cout, cin, 3, 3))
            self.add(f"d.convs.{i}.conv2.2.bias", (cout,), 0.2)
            self.add(f"d.convs.{i}.skip.1.weight", (cout, cin, 1, 1))
        c = widths[0]
        self.add("d.final_conv.0.weight", (c, c + 1, 3, 3))
        self.add("d.final_conv.1.bias", (c,), 0.2)
        self.add("d.final_linear.0.weight", (c, c * 16))
        self.add("d.final_linear.0.bias", (c,), 0.2)
        self.add("d.final_linear.1.weight", (1, c))
        self.add("d.final_linear.1.bias", (1,), 0.2)

    def conv(self, name, x, **how):
        w = self.named[f"d.{name}.weight"]
        return F.conv2d(x, w / math.sqrt(w[0].numel()), **how)

    def act(self, name, x):
        return F.leaky_relu(x + self.named[f"d.{name}.bias"][None, :, None, None], 0.2) * math.sqrt(2)

    def forward(self, x, parts=1):
        x = self.act("convs.0.1", self.conv("convs.0.0", x))
        for i in range(1, self.top + 1):
            y = self.act(f"convs.{i}.conv1.1", self.conv(f"convs.{i}.conv1.0", x, padding=1))
            y = self.act(f"convs.{i}.conv2.2", self.conv(f"convs.{i}.conv2.1", self.blur(y, (2, 2)), stride=2))
            x = (y + self.conv(f"convs.{i}.skip.1", self.blur(x, (1, 1), down=2))) / math.sqrt(2)
        x = torch.cat([self.deviation(part) for part in x.chunk(parts)])
        x = self.act("final_conv.1", self.conv("final_conv.0", x, padding=1))
        w = self.named["d.final_linear.0.weight"]
        x = F.linear(x.flatten(1), w / math.sqrt(w.shape[1]), self.named["d.final_linear.0.bias"])
        x = F.leaky_relu(x, 0.2) * math.sqrt(2)
        w = self.named["d.final_linear.1.weight"]
        return F.linear(x, w / math.sqrt(w.shape[1]), self.named["d.final_linear.1.bias"])

    @staticmethod
    def deviation(x):
        n, c, h, w = x.shape
        group = min(n, 4)
        s = x.reshape(group, -1, 1, c, h, w)
        s = torch.sqrt(s.var(0, unbiased=False) + 1e-8).mean([2, 3, 4], keepdim=True).squeeze(2).repeat(group, 1, h, w)
        return torch.cat([x, s], 1)


HOW = 2, 2, False  # cubic, mirrored, corners not aligned


class Sample(torch.autograd.Function):
    """grid_sample whose gradient can be differentiated: both are linear in the picture."""

    @staticmethod
    def forward(ctx, x, grid):
        ctx.save_for_backward(x, grid)
        return torch.grid_sampler(x, grid, *HOW)

    @staticmethod
    def backward(ctx, dy):
        x, grid = ctx.saved_tensors
        return SampleBack.apply(dy, x, grid), None


class SampleBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx, dy, x, grid):
        ctx.save_for_backward(grid)
        return torch.ops.aten.grid_sampler_2d_backward(dy.contiguous(), x, grid, *HOW, [True, False])[0]

    @staticmethod
    def backward(ctx, ddx):
        return Sample.apply(ddx, ctx.saved_tensors[0]), None, None


def augment(x, grid, colour, offset, keep):
    y = Sample.apply(x, grid)
    n, _, h, w = y.shape
    y = torch.baddbmm(offset[:, :, None], colour, y.reshape(n, 3, -1)).reshape(n, 3, h, w)
    return y * keep


def numbers(name, batch, side):
    change = fill(name, (batch, 22), 0.1)
    change[:, [0, 4, 6, 10, 14]] += 1
    at = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    dy, dx = torch.meshgrid(at, at, indexing="ij")
    m = change[:, :6, None, None]
    grid = torch.stack([m[:, 0] * dx + m[:, 1] * dy + m[:, 2], m[:, 3] * dx + m[:, 4] * dy + m[:, 5]], -1) * (2 / side)
    keep = torch.ones(batch, 1, side, side)
    keep[:, :, side // 4:side // 2, side // 4:side // 2] = 0
    return grid, change[:, 6:15].reshape(-1, 3, 3), change[:, 15:18], keep


class Training:
    def __init__(self, side, batch, layout):
        widths = [max(8, min(WIDTH_MAX, WIDTH // (4 << r))) for r in range(int(math.log2(side)) - 1)]
        self.g, self.d = Generator(widths, layout), Discriminator(widths, layout)
        self.g_list, self.d_list = list(self.g.parameters()), list(self.d.parameters())
        self.average = [p.detach().clone() for p in self.g_list]
        k = R1_EVERY / (R1_EVERY + 1)
        self.d_adam = torch.optim.Adam(self.d_list, RATE * k, betas=(0.0, 0.99**k), eps=1e-8, foreach=True)
        self.g_adam = torch.optim.Adam(self.g_list, RATE, betas=(0.0, 0.99), eps=1e-8, foreach=True)
        self.z = fill("z", (2 * batch, DIM), ROOT3)
        self.mix = (fill("mix", (batch, 2 * len(widths), 1), 1) > 0).float()
        sides = [4 << (i + 1) // 2 for i in range(2 * len(widths) - 1)]
        self.noise = [fill(f"noise.{i}", (batch, 1, s, s), ROOT3) for i, s in enumerate(sides)]
        self.real = fill("real", (batch, 3, side, side), 1).contiguous(memory_format=layout)
        self.how_real, self.how_made = numbers("augment.real", batch, side), numbers("augment.made", batch, side)
        self.decay, self.iteration, self.first = 0.5 ** (batch / EMA), 0, []
        for _ in range(2):
            self.iterate(self.first)

    def iterate(self, losses=None):
        with torch.no_grad():
            made = augment(self.g(self.z, self.mix, self.noise), *self.how_made)
            shown = augment(self.real, *self.how_real)
        real, fake = self.d(torch.cat([shown, made]), 2).chunk(2)
        d_loss = F.softplus(-real).mean() + F.softplus(fake).mean()
        self.step(self.d_adam, self.d_list, d_loss)
        r1 = torch.zeros(())
        if self.iteration % R1_EVERY == 0:
            x = self.real.clone(memory_format=torch.preserve_format).requires_grad_()
            (slope,) = torch.autograd.grad(self.d(augment(x, *self.how_real)).sum(), x, create_graph=True)
            r1 = GAMMA / 2 * slope.square().sum() / len(x)
            self.step(self.d_adam, self.d_list, r1 * R1_EVERY)
        g_loss = F.softplus(-self.d(augment(self.g(self.z, self.mix, self.noise), *self.how_made))).mean()
        self.step(self.g_adam, self.g_list, g_loss)
        torch._foreach_mul_(self.average, self.decay)
        torch._foreach_add_(self.average, [p.detach() for p in self.g_list], alpha=1 - self.decay)
        self.iteration += 1
        if losses is not None:
            losses += [float(d_loss), float(torch.sign(real).mean()), float(r1), float(g_loss)]

    @staticmethod
    def step(adam, parameters, loss):
        for p, g in zip(parameters, torch.autograd.grad(loss, parameters, allow_unused=True)):
            p.grad = torch.zeros_like(p) if g is None else g
        adam.step()

    def cycle(self):
        for _ in range(R1_EVERY):
            self.iterate()
