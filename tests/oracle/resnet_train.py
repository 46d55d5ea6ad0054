"""Makes tests/fixtures/resnet18-train: torchvision's ResNet-18 in training mode (statistics of the batch), one forward and
backward pass, and the running averages afterwards. Run with Debian's python3:

    /usr/bin/python3 tests/oracle/resnet_train.py tests/fixtures/resnet18-train
"""
import sys

import torchvision

import encoder_fixture


def main(folder):
    net = torchvision.models.resnet18(weights=None)
    del net.fc
    tensors = encoder_fixture.fill_network(net, "")
    shape = [6, 3, 64, 64]
    x = encoder_fixture.fill("", "input.resnet18", shape, 1.0, 0.0).double().requires_grad_()
    net = net.double().train()
    h = net.maxpool(net.relu(net.bn1(net.conv1(x))))
    for layer in (net.layer1, net.layer2, net.layer3, net.layer4):
        h = layer(h)
    pool = h.mean((2, 3))
    cotangent = encoder_fixture.check_pool(pool, "")
    out = {"pool": pool, "grad_input": x.grad}
    params = dict(net.named_parameters())
    for name in ("bn1.weight", "layer1.0.bn1.bias", "layer2.0.downsample.0.weight", "layer4.1.bn2.weight"):
        out["grad." + name] = params[name].grad
    for name in ("bn1.running_mean", "bn1.running_var", "layer4.1.bn2.running_mean", "layer4.1.bn2.running_var"):
        out["after." + name] = net.state_dict()[name]
    encoder_fixture.write(folder, "resnet18-train", "torchvision resnet18, train mode, one pass in float64; after.* are the running "
                          "averages behind it (momentum 0.1)", "",
                          [{"name": "input.resnet18", "shape": shape, "a": 1.0, "b": 0.0}], [cotangent], tensors, out)


main(sys.argv[1])
