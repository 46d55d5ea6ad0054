"""PyTorch reads the checkpoint that idem writes, and paints from it what idem paints.

    /usr/bin/python3 tests/oracle/convert_generator.py build/idem        (Debian's python3-torch 1.13)

Converts tests/fixtures/generator-64.safetensors, loads it with torch.load, and compares pictures of the plain PyTorch generator of
train_iteration.py with those of `idem sample`, at the codes that are stored with them.
"""
import os
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image

from train_iteration import synthesis

COUNT = 3


def main():
    idem = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = os.path.join(folder, "g.pt")
        subprocess.run([idem, "model", "convert", "-q", "tests/fixtures/generator-64.safetensors", checkpoint], check=True)
        subprocess.run([idem, "sample", "-q", "-g", checkpoint, "-n", str(COUNT), "--seed", "5", "-o", folder], check=True)
        saved = torch.load(checkpoint)
        assert set(saved) == {"g_ema", "latent_avg"}
        t = saved["g_ema"]
        assert t["convs.0.conv.blur.kernel"].sum() == 4 and t["to_rgbs.3.upsample.kernel"].shape == (4, 4)
        for i in range(COUNT):
            name = os.path.join(folder, "dataset_64", "{}", "00000", f"{i:05d}.{{}}")
            ws = torch.from_numpy(numpy.load(name.format("ws", "npy")))[None]
            with torch.no_grad():
                y = synthesis(t, ws)[0].permute(1, 2, 0)
            want = ((y + 1) / 2).clamp(0, 1) * 255
            got = numpy.asarray(Image.open(name.format("images", "png")).convert("RGB"), numpy.float32)
            difference = numpy.abs(want.numpy() - got).max()
            print(f"picture {i}: differs by at most {difference:.3f} of 255")
            assert difference < 0.6
    print("ok")


if __name__ == "__main__":
    main()
