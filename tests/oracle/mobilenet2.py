#!/usr/bin/python3
"""Features of two filled pictures by MobileNetV2 of nsfwjs in PyTorch, from the package's own files, for
tests/test_features.c:

    /usr/bin/python3 tests/oracle/mobilenet2.py models/cache > tests/fixtures/mobilenet2/fixture.json
"""
import base64
import json
import re
import sys

import numpy as np
import torch
import torch.nn.functional as F

import filled

SALT, BATCH, SIDE = "mobilenet2/", 2, 64
torch.set_num_threads(1)


def fill(name, shape, a, b):
    return filled.fill(SALT, name, shape, a, b)


model = open(sys.argv[1] + "/mobilenet_v2.model.min.js").read()
shard = open(sys.argv[1] + "/mobilenet_v2.shard1.min.js").read()
raw = base64.b64decode(re.search(r'exports="([^"]*)"', shard).group(1))
weights, at = {}, 0
row = re.compile(r'name:"([^"]+)",shape:\[([\d,]*)\],dtype:"float32",quantization:\{min:([^,]+),scale:([^,]+),dtype:"uint8"\}')
for name, shape, least, scale in row.findall(model[model.index("weightsManifest:"):]):
    shape = [int(d) for d in shape.split(",")]
    n = int(np.prod(shape))
    q = np.frombuffer(raw, np.uint8, n, at).astype(np.float64)
    weights[name] = torch.from_numpy((q * float(scale) + float(least)).astype(np.float32).reshape(shape))
    at += n
assert at == len(raw)


def norm(x, name):
    p = [weights[f"{name}/{k}"] for k in ("moving_mean", "moving_variance", "gamma", "beta")]
    return F.batch_norm(x, *p, training=False, eps=1e-3)


def conv(x, name, stride=1):
    w = weights[name + "/kernel"].permute(3, 2, 0, 1)
    return F.conv2d(F.pad(x, [0, 1, 0, 1]) if stride == 2 else x, w, stride=stride)


def depthwise(x, name, stride):
    w = weights[name + "/depthwise_kernel"].permute(2, 3, 0, 1)
    return F.conv2d(F.pad(x, [0, 1, 0, 1] if stride == 2 else [1, 1, 1, 1]), w, stride=stride, groups=len(w))


x = torch.from_numpy(np.rint(fill("pictures", (BATCH, SIDE, SIDE, 3), 0.5, 0.5) * 255) / 255).permute(0, 3, 1, 2)
x = F.interpolate(x, (224, 224), mode="bilinear", align_corners=False)
x = F.relu6(norm(conv(x, "Conv1", 2), "bn_Conv1"))
for i in range(17):
    name, y = f"block_{i}_" if i else "expanded_conv_", x
    if i:
        y = F.relu6(norm(conv(y, name + "expand"), name + "expand_BN"))
    y = F.relu6(norm(depthwise(y, name + "depthwise", 2 if i in (1, 3, 6, 13) else 1), name + "depthwise_BN"))
    y = norm(conv(y, name + "project"), name + "project_BN")
    x = x + y if x.shape == y.shape else y
x = F.relu6(norm(conv(x, "Conv_1"), "Conv_1_bn")).mean([2, 3])
print(json.dumps({"note": "tests/oracle/mobilenet2.py, PyTorch " + torch.__version__.split("+")[0], "salt": SALT,
                  "batch": BATCH, "side": SIDE, "features": [[round(float(v), 6) for v in row[::64]] for row in x]},
                 indent=0))
