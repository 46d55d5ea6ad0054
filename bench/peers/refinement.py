"""One step of refining codes in PyTorch: bench/support/refine.c does the same work from the same numbers."""
import torch
import train_iteration as oracle
from mapper_training import Crop, Frozen, Training
from stylegan2 import Synthesis


class Refinement(Training):
    """The networks of Training without what is trained there."""

    def __init__(self, tensors, side, batch, models, frame, layout):
        self.layout = layout
        self.g = Synthesis(tensors, layout == torch.channels_last)
        self.box = torch.tensor(frame["landmark"], dtype=torch.float32).reshape(2, 3)
        self.crop_id, self.crop_lnd = Crop(frame["recogniser"], 112, side), Crop(self.box, 64, side)
        self.e_id, self.e_lnd = (Frozen(f"{models}/{name}.onnx", layout) for name in ("fr_feature", "fr_landmark"))
        width, layers = tensors["conv1.conv.modulation.weight"].shape[1], 2 * (side.bit_length() - 1) - 2

        def filled(name, shape, a, b):
            return oracle.fill(name, shape, a, b, "")
        self.ws = filled("ws", [batch, layers, width], 1, 0).requires_grad_()
        self.x = filled("attr", [batch, side, side, 3], 0.5, 0.5).permute(0, 3, 1, 2)
        self.persons, self.wanted = filled("persons", [2, 512], 0.08, 0), filled("wanted", [batch, 51, 2], 80, 80)

    def step(self):
        y = (self.g(self.ws) + 1) / 2
        cosines = self.identity(y) @ self.persons.T
        loss = -cosines[:, 0].mean() + 0.3 * cosines[:, 1].relu().mean()
        loss = loss + 1e-3 * (self.wanted - self.landmarks(y)).square().mean() + (self.x - y).abs().mean()
        return torch.autograd.grad(loss, self.ws)[0]
