"""Writes the PyTorch, NumPy and safetensors files that tests/test_format.c reads, all small.

    /usr/bin/python3 tests/oracle/format_torch.py        (Debian's python3-torch 1.13, numpy 1.24)

Value i of every tensor is ((i * 37) % 101 - 50) / 8 for floats, without the / 8 for signed integers, without the - 50 and
the / 8 for unsigned ones, i % 3 == 0 for booleans: exact in every type. Files from before 1.6 name storages by address, so
their bytes differ from run to run. The safetensors file is put together here from the
format's definition, not by a library.
"""
import argparse
import collections
import io
import json
import os
import struct
import zipfile

import numpy
import torch

FOLDER = "tests/fixtures/format"


def values(shape, dtype):
    n = int(numpy.prod(shape))
    i = torch.arange(n, dtype=torch.int64)
    if dtype == torch.bool:
        x = i % 3 == 0
    elif dtype == torch.uint8:
        x = i * 37 % 101
    elif dtype.is_floating_point:
        x = (i * 37 % 101 - 50).to(torch.float64) / 8
    else:
        x = i * 37 % 101 - 50
    return x.to(dtype).reshape(shape)


def path(name):
    return os.path.join(FOLDER, name)


DTYPES = ["float32", "float16", "bfloat16", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]


def dtypes():
    return collections.OrderedDict((name, values((3, 5), getattr(torch, name))) for name in DTYPES)


def views():
    base = values((4, 6), torch.float32)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    for p in net.parameters():
        p.data.copy_(values(p.shape, torch.float32))
    return {
        "g_ema": net.state_dict(),
        "latent_avg": values((7,), torch.float32),
        "base": base,
        "tied": base,
        "transposed": base.t(),
        "row": base[2],
        "column": base[:, 3],
        "block": base[1:3, 2:5],
        "every_second": base[::2, ::3],
        "expanded": base[0:1].expand(5, 6),
        "permuted": values((2, 3, 4, 5), torch.float16).permute(3, 1, 0, 2),
        "channels_last": values((2, 3, 4, 5), torch.float32).contiguous(memory_format=torch.channels_last),
        "parameter": torch.nn.Parameter(values((2, 2), torch.float32)),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "size": torch.Size([4, 6]),
        "args": argparse.Namespace(size=64, lr=0.002, name="tiny", flag=True, nothing=None),
        "optimiser": {"state": {0: {"step": 3, "moment": values((2,), torch.float32)}}, "betas": (0.5, 0.75)},
        "epoch": 12,
        "negative": -70000,
        "large": 1 << 40,
        "note": "a text",
    }


def repack(data, method):
    """The same archive with its entries compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", method) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), method)
    return out.getvalue()


def torch_files():
    torch.save(dtypes(), path("dtypes.pt"))
    torch.save(views(), path("views.pt"))
    torch.save(views(), path("protocol4.pt"), pickle_protocol=4)
    torch.save(views(), path("legacy.pt"), _use_new_zipfile_serialization=False)
    with open(path("views.pt"), "rb") as f:
        data = f.read()
    with open(path("deflated.pt"), "wb") as f:
        f.write(repack(data, zipfile.ZIP_DEFLATED))
    torch.save(dtypes(), path("legacy-dtypes.pt"), _use_new_zipfile_serialization=False)
    torch.save(torch.nn.Linear(1, 1), path("module.pt"))

    # As PyTorch 0.2 and 0.3 wrote them.
    class OldTensor:
        def __init__(self, x):
            self.x = x

        def __reduce__(self):
            return torch._utils._rebuild_tensor, (self.x.storage(), 0, tuple(self.x.shape), self.x.stride())

    class OldParameter(OldTensor):
        def __reduce__(self):
            return torch.nn.parameter.Parameter, (OldTensor(self.x),), (True, False, collections.OrderedDict())

    x = values((3, 5), torch.float32)
    torch.save(collections.OrderedDict(weight=OldParameter(x), mean=OldTensor(x)), path("old.pt"),
               _use_new_zipfile_serialization=False)

    class System:
        def __reduce__(self):
            return os.system, ("touch /tmp/idem-was-here",)

    torch.save({"a": torch.ones(1), "b": System()}, path("system.pt"))


def wrapped_files():
    """A network of two tensors in the dictionaries that training programs save; what stands beside it has other values."""
    net = lambda prefix="": collections.OrderedDict(
        [(prefix + "conv.weight", values((3, 5), torch.float32)), (prefix + "conv.bias", values((3,), torch.float32))])
    other = collections.OrderedDict([("conv.weight", torch.zeros(3, 5)), ("conv.bias", torch.zeros(3))])
    optimiser = {"state": {0: {"step": 1, "exp_avg": torch.zeros(3, 5)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    files = {
        "g_ema": {"g": other, "d": other, "g_ema": net(), "g_optim": optimiser, "latent_avg": values((7,), torch.float32)},
        "G_ema": {"G": other, "D": other, "G_ema": net()},
        "params_ema": {"params": other, "params_ema": net()},
        "state_dict": {"epoch": 3, "arch": "x", "state_dict": net("module."), "best_acc1": numpy.float64(0.5),
                       "optimizer": optimiser},
        "model": {"model": net(), "optimizer": optimiser, "lr_scheduler": {"last_epoch": 1}},
        "module": net("module."),
        "deep": {"state_dict": {"model": net("module.")}},
        "bare": net(),
        "part": collections.OrderedDict(list(net("module.").items()) + [("head.weight", torch.zeros(2))]),
    }
    for name, content in files.items():
        torch.save(content, path("in-" + name + ".pt"))


def safetensors_file():
    kinds = {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
             "U8": "u1", "BOOL": "?"}
    names = {"F32": "float32", "F16": "float16", "F64": "float64", "I64": "int64", "I32": "int32", "I16": "int16",
             "I8": "int8", "U8": "uint8", "BOOL": "bool"}
    header, data = {"__metadata__": {"origin": "a test", "empty": ""}}, b""
    for kind, code in kinds.items():
        raw = values((3, 5), getattr(torch, names[kind])).numpy().astype(code).tobytes()
        header[names[kind]] = {"dtype": kind, "shape": [3, 5], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    bf = values((3, 5), torch.float32).numpy().view("<u4") >> 16
    raw = bf.astype("<u2").tobytes()
    header["bfloat16"] = {"dtype": "BF16", "shape": [3, 5], "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
    header["scalar"] = {"dtype": "F32", "shape": [], "data_offsets": [len(data), len(data) + 4]}
    data += struct.pack("<f", 2.5)
    header["none"] = {"dtype": "F32", "shape": [0, 3], "data_offsets": [len(data), len(data)]}
    text = json.dumps(header).encode()
    with open(path("all.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def npy_files():
    for name, code in (("float32", "<f4"), ("float16", "<f2"), ("float64", "<f8"), ("int64", "<i8"), ("int32", "<i4"),
                       ("uint8", "u1"), ("bool", "?")):
        numpy.save(path(name + ".npy"), values((2, 3, 4), getattr(torch, name)).numpy().astype(code))
    numpy.save(path("rank0.npy"), numpy.float32(2.5))
    numpy.save(path("fortran.npy"), numpy.asfortranarray(values((3, 4), torch.float32).numpy()))
    numpy.save(path("complex.npy"), numpy.zeros(2, "<c8"))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    torch_files()
    wrapped_files()
    safetensors_file()
    npy_files()
