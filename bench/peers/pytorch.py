#!/usr/bin/python3
"""The work in PyTorch: pytorch.py NAME BATCH THREADS PRECISION serves one piece of work of bench_work (see peer.py); --export SIDE FILE
writes a filled StyleGAN2 as ONNX. Layouts are tried, for a generator compiled code too where PyTorch has it, and the fastest is kept;
bf16 is autocast. compare sets the allocator's environment."""
import os
import sys
import time

import numpy as np
import peer
import torch
import train_iteration as oracle
from generator_training import R1_EVERY, Training
from mapper_training import cycle_of
from mapper_training import Training as MapperTraining
from refinement import Refinement
from stylegan2 import Synthesis, filled_tensors, read_safetensors

oracle.dtype = torch.float32


def generator(name, batch, half):
    side = int(name.split("-")[1])
    if name.startswith("stylegan2"):
        tensors = filled_tensors(side)
    else:
        tensors, _ = read_safetensors(os.path.join(peer.ROOT, "tests/fixtures/generator-64.safetensors"))
    width = tensors["conv1.conv.modulation.weight"].shape[1]
    w = oracle.fill("input.w", [batch, width], 1, 0, "")
    cotangent = oracle.fill("cotangent", [batch, 3, side, side], 1, 0, "")

    def variant(channels_last, compiled):
        net = Synthesis(tensors, channels_last, torch.bfloat16 if half else torch.float32)
        net = torch.compile(net) if compiled else net

        def forward():
            with torch.no_grad(), autocast(half):
                return net(w)

        def with_gradient():
            code = w.clone().requires_grad_()
            with autocast(half):
                picture = net(code)
            return torch.autograd.grad(picture, code, cotangent.to(picture.dtype))[0]
        return forward if name.endswith("forward") else with_gradient

    kinds = [(last, compiled) for compiled in (False, True)[:1 + hasattr(torch, "compile")] for last in (False, True)]
    run = peer.quicker([(f"channels {'last' if last else 'first'}{', compiled' * compiled}", variant(last, compiled)) for last, compiled in kinds])
    return run, lambda: run().float().numpy(), batch


def autocast(half):
    return torch.autocast("cpu", torch.bfloat16, enabled=half)


def quicker_layout(make, iterate):
    """The work in the layout whose second iteration is faster."""
    best = None
    for layout in (torch.contiguous_format, torch.channels_last):
        t = make(layout)
        iterate(t)
        start = time.process_time()
        iterate(t)
        spent = time.process_time() - start
        if best is None or spent < best[0]:
            best = spent, t, layout
    print(f"peer: {best[2]}", file=sys.stderr)
    return best[1]


def under(half, run):
    def inner(*args):
        with autocast(half):
            return run(*args)
    return inner


def generator_training(name, batch, half):
    t = quicker_layout(lambda layout: Training(int(name.split("-")[2]), batch, layout), under(half, Training.iterate))
    return under(half, t.cycle), lambda: np.array(t.first), R1_EVERY * batch


def mapper_training(name, batch, half):
    side = int(name.split("-")[1])
    tensors, frame = filled_tensors(side), None
    if side == 64:
        tensors, about = read_safetensors(os.path.join(peer.ROOT, "tests/fixtures/generator-64.safetensors"))
        frame = {k: [float(v) for v in about["frame." + k].split()] for k in ("recogniser", "landmark")}
    net = "resnet18" if side < 256 else "inception3"

    def iterate(t):
        x = t.draw(batch)
        t.iterate(1, x, x, t.codes(batch))
    t = quicker_layout(lambda layout: MapperTraining(tensors, side, batch, net, peer.MODELS, frame, layout), under(half, iterate))
    return under(half, t.cycle), lambda: np.array(t.first), cycle_of(side) * batch


def refinement(name, batch, half):
    tensors, about = read_safetensors(os.path.join(peer.ROOT, "models/generator-128.safetensors"))
    frame = {k: [float(v) for v in about["frame." + k].split()] for k in ("recogniser", "landmark")}
    t = quicker_layout(lambda layout: Refinement(tensors, 128, batch, peer.MODELS, frame, layout), under(half, Refinement.step))
    run = under(half, t.step)
    return run, lambda: run().float().numpy(), batch


def export(side, path):
    net = Synthesis(filled_tensors(side))
    torch.onnx.export(net, torch.zeros(1, 512), path, opset_version=13, input_names=["w"], output_names=["picture"],
                      dynamic_axes={"w": {0: "n"}, "picture": {0: "n"}})


def main():
    if sys.argv[1] == "--export":
        export(int(sys.argv[2]), sys.argv[3])
        return
    name, batch, threads, half = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "bf16"
    torch.set_flush_denormal(True)  # before the threads are made: they take it over
    torch.set_num_threads(threads)
    work = refinement if name.startswith("refine-") else generator_training if name.startswith("gan-") else mapper_training if name.startswith("iteration-") else generator
    peer.serve(*work(name, batch, half))


if __name__ == "__main__":
    main()
