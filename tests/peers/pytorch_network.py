"""Builds networks in PyTorch, for the comparisons and the benchmark."""
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from network_language import Layer, Network

ACTIVATIONS = {"linear": lambda x: x, "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
               "softmax": lambda x: functional.softmax(x, dim=1), "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
               "leaky_relu(0.01)": functional.leaky_relu, "gelu": functional.gelu, "silu": functional.silu, "softplus": functional.softplus}
LOSSES = {"mean_squared_error": functional.mse_loss, "mean_absolute_error": functional.l1_loss,
          "binary_crossentropy": functional.binary_cross_entropy, "huber(0.5)": lambda y, t: functional.huber_loss(y, t, delta=0.5)}


def to_numbers(grids: torch.Tensor) -> torch.Tensor:
    """Returns a row for each grid, in the order rows, columns, channels."""
    return grids if grids.dim() == 2 else grids.permute(0, 2, 3, 1).flatten(1)


def to_grids(x: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    """Returns grids with channels first of a shape with channels last."""
    if x.dim() == 4 and (*x.shape[2:], x.shape[1]) == shape:
        return x
    return to_numbers(x).reshape(len(x), *shape).permute(0, 3, 1, 2)


def turn(kernel: torch.Tensor) -> torch.Tensor:
    """Turns a kernel from Castnet's layout to PyTorch's: (h, w, a, b) to (b, a, h, w), and (in, out) to (out, in)."""
    return kernel.T if kernel.dim() == 2 else kernel.permute(3, 2, 0, 1)


def turn_back(kernel: torch.Tensor) -> torch.Tensor:
    return kernel.T if kernel.dim() == 2 else kernel.permute(2, 3, 1, 0)


def pad(layer: Layer, x: torch.Tensor, value: float) -> torch.Tensor:
    """Pads each side as far as the windows reach."""
    sides = []
    for small, stride, size, before, large in zip(layer.output, layer.strides, layer.kernel, layer.pad, layer.input):
        sides = [before, max(0, (small - 1) * stride + size - before - large), *sides]
    return functional.pad(x, sides, value=value) if any(sides) else x


def convolve(layer: Layer, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    (top, left), reach = layer.pad, [(small - 1) * s + k for small, s, k in zip(layer.output, layer.strides, layer.kernel)]
    if (reach[0] - layer.input[0], reach[1] - layer.input[1]) == (2 * top, 2 * left):
        return functional.conv2d(x, kernel, bias, layer.strides, layer.pad)
    return functional.conv2d(pad(layer, x, 0), kernel, bias, layer.strides)


def transpose(layer: Layer, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """PyTorch crops both sides by the first side's zeros. output_padding gives some of the last side back; a slice takes more away."""
    height, width, _ = layer.output
    given_back = [max(0, wanted - ((small - 1) * stride + size - 2 * zeros))
                  for wanted, small, stride, size, zeros in zip(layer.output, layer.input, layer.strides, layer.kernel, layer.pad)]
    return functional.conv_transpose2d(x, kernel, bias, layer.strides, layer.pad, given_back)[:, :, :height, :width]


def random_weights(network: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Returns weights of Castnet's names and layouts that keep sums near 1."""
    weights = {}
    for layer in network.layers:
        if layer.kernel_shape:
            deviation = 1 / np.sqrt(np.prod(layer.kernel_shape[:-1]))
            weights[f"{layer.name}/kernel"] = rng.normal(0, deviation, layer.kernel_shape).astype(np.float32)
            weights[f"{layer.name}/bias"] = rng.normal(0, 0.1, layer.filters).astype(np.float32)
    return weights


class Model(nn.Module):
    """A network from grids to grids, with channels first."""

    def __init__(self, network: Network):
        super().__init__()
        self.network, self.weights = network, nn.ParameterDict()

    def load(self, weights: dict[str, np.ndarray]) -> None:
        """Takes weights of Castnet's names and layouts."""
        trainable = {layer.name: layer.trainable for layer in self.network.layers}
        for name, value in weights.items():
            tensor = torch.from_numpy(value)
            parameter = turn(tensor) if name.endswith("/kernel") else tensor
            self.weights[name] = nn.Parameter(parameter.contiguous(), trainable[name.split("/")[0]])

    def gradients(self) -> dict[str, np.ndarray]:
        grads = {name: weight.grad for name, weight in self.weights.items() if weight.requires_grad}
        return {name: (turn_back(grad) if name.endswith("/kernel") else grad).numpy() for name, grad in grads.items()}

    def apply_layer(self, layer: Layer, x: torch.Tensor) -> torch.Tensor:
        """Returns what the layer's activation takes."""
        if layer.kind == "dense":
            return functional.linear(to_numbers(x), self.weights[f"{layer.name}/kernel"], self.weights[f"{layer.name}/bias"])
        if layer.kind == "dropout":
            return functional.dropout(x, layer.rate, self.training)
        x = to_grids(x, layer.input)
        if layer.kind == "max_pool":
            return functional.max_pool2d(pad(layer, x, -torch.inf), layer.kernel, layer.strides)
        if layer.kind == "upsample":
            return functional.interpolate(x, scale_factor=layer.kernel, mode=layer.interpolation)
        compute = {"conv2d": convolve, "conv2d_transpose": transpose}[layer.kind]
        return compute(layer, x, self.weights[f"{layer.name}/kernel"], self.weights[f"{layer.name}/bias"])

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """Returns what the last activation takes."""
        *before, last = self.network.layers
        for layer in before:
            x = ACTIVATIONS[layer.activation](self.apply_layer(layer, x))
        return self.apply_layer(last, x)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return to_grids(ACTIVATIONS[self.network.layers[-1].activation](self.sums(x)), self.network.output)

    def loss(self, x: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Returns the loss with the kernels' penalties; that behind a sigmoid from what the sigmoid takes."""
        if (self.network.loss, self.network.layers[-1].activation) == ("binary_crossentropy", "sigmoid"):
            loss = functional.binary_cross_entropy_with_logits(to_grids(self.sums(x), self.network.output), targets)
        else:
            loss = LOSSES[self.network.loss](self(x), targets)
        return loss + sum(layer.l2 * self.weights[f"{layer.name}/kernel"].square().sum() for layer in self.network.layers if layer.l2)


MODES = ("eager", "channels last", "compiled")


def lay_out(mode: str, model: Model, images: np.ndarray) -> torch.Tensor:
    """Lays the model out as the mode has it, and returns the images so: a compiled model too has the channels last."""
    layout = torch.contiguous_format if mode == "eager" else torch.channels_last
    model.to(memory_format=layout)
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=layout)


class Trainer:
    """Trains a model in a mode, with a fused Adam."""

    def __init__(self, model: Model, images: np.ndarray, batch_size: int, mode: str = "channels last"):
        self.mode, self.batch_size, self.model = mode, batch_size, model.train()
        self.show(images)
        self.loss = torch.compile(model.loss, dynamic=False) if mode == "compiled" else model.loss
        self.optimizer = torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7, fused=True)
        self.steps = 0

    def show(self, images: np.ndarray) -> None:
        """Trains on these images from now on."""
        self.images = lay_out(self.mode, self.model, images)

    def epoch(self) -> float:
        """Returns the mean loss of the images, while the weights change."""
        total = 0.0
        for order in torch.randperm(len(self.images)).split(self.batch_size):
            batch = self.images[order]
            self.optimizer.zero_grad()
            loss = self.loss(batch, batch)
            loss.backward()
            self.steps += 1
            self.optimizer.param_groups[0]["eps"] = 1e-7 / (1 - 0.999**self.steps) ** 0.5  # Keras's stands outside the bias correction
            self.optimizer.step()
            total += loss.item() * len(batch)
        return total / len(self.images)


def seconds_of(call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def fastest_trainer(network: Network, weights: dict[str, np.ndarray], images: np.ndarray, batch_size: int) -> Trainer:
    """Returns a trainer of the mode whose second epoch is the fastest: the first one compiles."""
    trainers = []
    for mode in MODES:
        model = Model(network)
        model.load(weights)
        trainer = Trainer(model, images, batch_size, mode)
        trainer.epoch()
        trainers.append((min(seconds_of(trainer.epoch) for _ in range(3)), trainer))
    return min(trainers, key=lambda pair: pair[0])[1]
