#!/usr/bin/python3
"""The work in ONNX Runtime: onnxruntime.py FILE BATCH THREADS INPUT [FILE-WITH-FREE-BATCH] serves one network (see peer.py), fed with the
raw floats of INPUT. Of BATCH runs of FILE and one run of the other file the quicker is kept. It is the library that the Node package
brings, called through its C interface: the package itself cannot be told to take denormal numbers for zero, without which weights of
fr_feature cost ten times as much on some processors."""
import ctypes
import glob
import os
import sys

import numpy as np
import peer

LIBRARY = os.path.join(peer.ROOT, ".cache/peers/onnxruntime-%s/node_modules/onnxruntime-node/bin/napi-v*/linux/*/libonnxruntime.so.1*")
VERSION = 20
# Places in the table of functions; a released version never moves one.
CALLS = {"GetErrorMessage": 2, "CreateEnv": 3, "CreateSession": 7, "Run": 9, "CreateSessionOptions": 10, "SetSessionGraphOptimizationLevel": 23,
         "SetIntraOpNumThreads": 24, "SetInterOpNumThreads": 25, "SessionGetOutputCount": 31, "SessionGetInputName": 36,
         "SessionGetOutputName": 37, "CreateTensorWithDataAsOrtValue": 49, "GetTensorMutableData": 51, "GetTensorShapeElementCount": 64,
         "GetTensorTypeAndShape": 65, "CreateCpuMemoryInfo": 69, "GetAllocatorWithDefaultOptions": 78, "AddSessionConfigEntry": 130}
FLOAT, OPTIMIZE_ALL = 1, 99
SHAPES = {"fr_detect": (3, 240, 320), "fr_landmark": (1, 64, 64), "fr_feature": (3, 112, 112), "fr_pose": (3, 224, 224),
          "fr_expression": (3, 224, 224)}
pointer = ctypes.c_void_p


class Library:
    def __init__(self):
        paths = [p for p in glob.glob(LIBRARY % os.environ["IDEM_PEER_ONNXRUNTIME"]) if os.uname().machine.replace("x86_64", "x64").replace("aarch64", "arm64") in p]
        library = ctypes.CDLL(paths[0])
        library.OrtGetApiBase.restype = ctypes.POINTER(pointer)
        api = ctypes.CFUNCTYPE(ctypes.POINTER(pointer), ctypes.c_uint32)(library.OrtGetApiBase()[0])(VERSION)
        self.calls = {name: ctypes.CFUNCTYPE(pointer)(api[at]) for name, at in CALLS.items()}
        self.calls["GetErrorMessage"].restype = ctypes.c_char_p
        self.env, self.memory, self.allocator = self.make("CreateEnv", 3, b"peer"), self.make("CreateCpuMemoryInfo", 0, 0), None
        self.allocator = self.make("GetAllocatorWithDefaultOptions")

    def call(self, name, *args):
        status = self.calls[name](*args)
        if status:
            raise RuntimeError(f"{name}: {self.calls['GetErrorMessage'](pointer(status)).decode()}")

    def make(self, name, *args):
        """A call whose last argument receives the result."""
        out = pointer()
        self.call(name, *args, ctypes.byref(out))
        return out


class Session:
    def __init__(self, library, path, threads):
        self.library = library
        options = library.make("CreateSessionOptions")
        for name, value in (("SetSessionGraphOptimizationLevel", OPTIMIZE_ALL), ("SetIntraOpNumThreads", threads), ("SetInterOpNumThreads", 1)):
            library.call(name, options, value)
        library.call("AddSessionConfigEntry", options, b"session.set_denormal_as_zero", b"1")
        self.session = library.make("CreateSession", library.env, path.encode(), options)
        self.count = library.make("SessionGetOutputCount", self.session).value

        def names(call, count):
            found = [library.make(call, self.session, ctypes.c_size_t(i), library.allocator) for i in range(count)]
            return (pointer * count)(*[n.value for n in found])
        self.inputs, self.outputs = names("SessionGetInputName", 1), names("SessionGetOutputName", self.count)

    def feed(self, values):
        """The arguments of run for one input: the tensor over `values`, and outputs, which the first run allocates and later ones reuse."""
        shape = (ctypes.c_int64 * values.ndim)(*values.shape)
        tensor = self.library.make("CreateTensorWithDataAsOrtValue", self.library.memory, values.ctypes.data_as(pointer),
                                   ctypes.c_size_t(values.nbytes), shape, ctypes.c_size_t(values.ndim), FLOAT)
        return (pointer * 1)(tensor), (pointer * self.count)()

    def run(self, fed):
        self.library.call("Run", self.session, None, self.inputs, fed[0], ctypes.c_size_t(1), self.outputs, ctypes.c_size_t(self.count), fed[1])

    def read(self, fed):
        values = []
        for out in fed[1]:
            info = self.library.make("GetTensorTypeAndShape", pointer(out))
            size = self.library.make("GetTensorShapeElementCount", info).value
            data = self.library.make("GetTensorMutableData", pointer(out))
            values.append(np.ctypeslib.as_array(ctypes.cast(data, ctypes.POINTER(ctypes.c_float)), (size,)).copy())
        return values


def main():
    path, batch, threads, fed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    shape = SHAPES.get(os.path.basename(path).split(".")[0], (512,))
    library, x = Library(), np.fromfile(fed, "<f4").reshape(batch, *shape)
    single = Session(library, path, threads)
    parts = [single.feed(x[i:i + 1]) for i in range(batch)]
    read = {}

    def singly():
        for part in parts:
            single.run(part)
    variants = [("runs of one", singly)]
    read[singly] = lambda: [np.concatenate(o) for o in zip(*(single.read(part) for part in parts))]
    if batch > 1 and len(sys.argv) > 5:
        try:
            free = Session(library, sys.argv[5], threads)
            all_ = free.feed(x)
            free.run(all_)

            def whole():
                free.run(all_)
            variants.append(("one run of the batch", whole))
            read[whole] = lambda: free.read(all_)
        except RuntimeError as e:
            print(f"peer: {sys.argv[5]} does not run: {str(e)[:200]}", file=sys.stderr)
    best = peer.quicker(variants)
    peer.serve(best, lambda: np.concatenate(read[best]()), batch)


if __name__ == "__main__":
    main()
