"""Makes tests/fixtures/inception3-train: torchvision's InceptionV3 with statistics of the batch (or stored ones: --fixed), one
forward and backward pass in float64, and the running averages afterwards. Run with Debian's python3:

    /usr/bin/python3 tests/oracle/inception_train.py tests/fixtures/inception3-train
    /usr/bin/python3 tests/oracle/inception_train.py --fixed tests/fixtures/inception3-fixed
"""
import sys

import torch
import torchvision

import encoder_fixture

SALT = "inception."


def main(folder, fixed):
    net = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    net.fc = torch.nn.Identity()
    net.dropout = torch.nn.Identity()
    # Most units active: statistics of few pixels amplify rounding, and each unit it flips moves all gradients.
    tensors = encoder_fixture.fill_network(net, SALT, bias=0.0 if fixed else 2.0)
    shape = [2, 3, 91, 107] if fixed else [4, 3, 107, 107]
    x = encoder_fixture.fill(SALT, "input.inception3", shape, 1.0, 0.0).double().requires_grad_()
    net = net.double().train(not fixed)
    pool = net(x)
    cotangent = encoder_fixture.check_pool(pool, SALT)
    out = {"pool": pool, "grad_input": x.grad}
    params = dict(net.named_parameters())
    for name in ("Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch5x5_2.bn.weight", "Mixed_6c.branch7x7_2.bn.bias",
                 "Mixed_7c.branch_pool.bn.weight"):
        out["grad." + name] = params[name].grad
    for name in ("Conv2d_1a_3x3.bn.running_mean", "Mixed_7c.branch1x1.bn.running_var"):
        if not fixed:
            out["after." + name] = net.state_dict()[name]
    encoder_fixture.write(folder, "inception3" if fixed else "inception3-train",
                          "torchvision inception_v3, " + ("eval" if fixed else "train") + " mode, transform_input off, one pass in "
                          "float64; after.* are the running averages behind it (momentum 0.1)",
                          SALT, [{"name": "input.inception3", "shape": shape, "a": 1.0, "b": 0.0}], [cotangent], tensors, out)


main(sys.argv[-1], "--fixed" in sys.argv)
