"""Writes tests/fixtures/format/ada3.pkl and ada4.pkl, files of the layout of NVIDIA's StyleGAN2-ADA, as pickle protocol 3
(Python 3.7, what their released files are) and 4 write it.

    /usr/bin/python3 tests/oracle/format_nvidia.py        (Debian's python3-torch 1.13, numpy 1.24)

A generator of 8x8 pixels, 4 channels, z and w of 6 numbers. Value i of tensor number k of G_ema's state_dict is
((i + 7 k) * 37 % 101 - 50) / 64, those of G are the negative. The classes below have the attributes and tensors of the
published ones and no program; the source text in the file would leave a trace if it were run.
"""
import os
import pickle
import sys
import types

import numpy
import torch

FOLDER = "tests/fixtures/format"
SOURCE = "open('/tmp/idem-was-here', 'w').close()\n" + "# as long as a real one\n" * 40


def module(name):
    parts = name.split(".")
    for i in range(len(parts)):
        full = ".".join(parts[: i + 1])
        sys.modules.setdefault(full, types.ModuleType(full))
    return sys.modules[name]


class EasyDict(dict):
    __module__ = "dnnlib.util"

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)


def _reconstruct_persistent_obj(meta):
    raise RuntimeError("only named, never called")


_reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
module("torch_utils.persistence")._reconstruct_persistent_obj = _reconstruct_persistent_obj
module("dnnlib.util").EasyDict = EasyDict


class Persistent(torch.nn.Module):
    """Pickled as its source text, the name of its class and its state."""

    def __init__(self, **kwargs):
        super().__init__()
        self._init_args = ()
        self._init_kwargs = kwargs
        for key, value in kwargs.items():
            setattr(self, key, value)

    def __reduce__(self):
        meta = dict(type="class", version=6, module_src=SOURCE, class_name=type(self).__name__, state=dict(self.__dict__))
        return _reconstruct_persistent_obj, (meta,), None


RESAMPLE = torch.tensor([[1.0, 3, 3, 1]]) * torch.tensor([[1.0], [3], [3], [1]]) / 64


class FullyConnectedLayer(Persistent):
    def __init__(self, n_in, n_out, lr=1.0):
        super().__init__(activation="lrelu")
        self.weight = torch.nn.Parameter(torch.randn([n_out, n_in]))
        self.bias = torch.nn.Parameter(torch.zeros([n_out]))
        self.weight_gain = lr / numpy.sqrt(n_in)
        self.bias_gain = lr


class SynthesisLayer(Persistent):
    def __init__(self, n_in, n_out, w_dim, resolution, up=1):
        super().__init__(resolution=resolution, up=up, use_noise=True, activation="lrelu", conv_clamp=256)
        self.register_buffer("resample_filter", RESAMPLE.clone())
        self.padding = 1
        self.act_gain = numpy.sqrt(2)
        self.affine = FullyConnectedLayer(w_dim, n_out if up == 1 else n_in)
        self.weight = torch.nn.Parameter(torch.randn([n_out, n_in, 3, 3]).contiguous(memory_format=torch.channels_last))
        self.register_buffer("noise_const", torch.randn([resolution, resolution]))
        self.noise_strength = torch.nn.Parameter(torch.zeros([]))
        self.bias = torch.nn.Parameter(torch.zeros([n_out]))


class ToRGBLayer(Persistent):
    def __init__(self, n_in, w_dim):
        super().__init__(conv_clamp=256)
        self.affine = FullyConnectedLayer(w_dim, n_in)
        self.weight = torch.nn.Parameter(torch.randn([3, n_in, 1, 1]))
        self.bias = torch.nn.Parameter(torch.zeros([3]))
        self.weight_gain = 1 / numpy.sqrt(n_in)


class SynthesisBlock(Persistent):
    def __init__(self, n_in, n_out, w_dim, resolution):
        super().__init__(in_channels=n_in, w_dim=w_dim, resolution=resolution, is_last=resolution == 8, architecture="skip",
                         use_fp16=False, channels_last=False)
        self.register_buffer("resample_filter", RESAMPLE.clone())
        self.num_conv = self.num_torgb = 0
        if n_in == 0:
            self.const = torch.nn.Parameter(torch.randn([n_out, resolution, resolution]))
        else:
            self.conv0 = SynthesisLayer(n_in, n_out, w_dim, resolution, up=2)
        self.conv1 = SynthesisLayer(n_out, n_out, w_dim, resolution)
        self.torgb = ToRGBLayer(n_out, w_dim)


class SynthesisNetwork(Persistent):
    def __init__(self, w_dim, channels):
        super().__init__(w_dim=w_dim, img_resolution=8, img_resolution_log2=3, img_channels=3, block_resolutions=[4, 8])
        self.num_ws = 4
        self.b4 = SynthesisBlock(0, channels, w_dim, 4)
        self.b8 = SynthesisBlock(channels, channels, w_dim, 8)


class MappingNetwork(Persistent):
    def __init__(self, z_dim, w_dim):
        super().__init__(z_dim=z_dim, c_dim=0, w_dim=w_dim, num_ws=4, num_layers=2, w_avg_beta=0.995)
        self.fc0 = FullyConnectedLayer(z_dim, w_dim, 0.01)
        self.fc1 = FullyConnectedLayer(w_dim, w_dim, 0.01)
        self.register_buffer("w_avg", torch.zeros([w_dim]))


class Generator(Persistent):
    def __init__(self, sign):
        super().__init__(z_dim=6, c_dim=0, w_dim=6, img_resolution=8, img_channels=3,
                         mapping_kwargs=EasyDict(num_layers=2), synthesis_kwargs=EasyDict(channel_base=32, conv_clamp=256))
        self.num_ws = 4
        self.synthesis = SynthesisNetwork(6, 4)
        self.mapping = MappingNetwork(6, 6)
        for k, t in enumerate(self.state_dict().values()):
            i = torch.arange(t.numel(), dtype=torch.int64)
            t.copy_((sign * ((i + 7 * k) * 37 % 101 - 50) / 64).reshape(t.shape))


class Discriminator(Persistent):
    def __init__(self):
        super().__init__(c_dim=0, img_resolution=8)
        self.fromrgb = FullyConnectedLayer(3, 4)
        self.mapping = None


class AugmentPipe(Persistent):
    def __init__(self):
        super().__init__(xflip=1.0, imgfilter_bands=[1, 1, 1, 1])
        self.register_buffer("p", torch.ones([]))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(0)
    with torch.no_grad():
        data = {"G": Generator(-1).eval().requires_grad_(False), "D": Discriminator().eval(), "G_ema": Generator(1).eval(),
                "training_set_kwargs": EasyDict(class_name="training.dataset.ImageFolderDataset", path="x.zip", resolution=8),
                "augment_pipe": AugmentPipe()}
    with open(os.path.join(FOLDER, "ada3.pkl"), "wb") as f:
        pickle.dump(data, f, protocol=3)
    del data["G"], data["D"]
    with open(os.path.join(FOLDER, "ada4.pkl"), "wb") as f:
        pickle.dump(data, f, protocol=4)
    for name in data["G_ema"].state_dict():
        print(name)


if __name__ == "__main__":
    main()
