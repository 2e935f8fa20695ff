"""One common form for the files of all frameworks: a chain of Castnet's layers, with weights in Castnet's layouts.

The readers append what they find, in the order of the data. What Castnet has no layer for is folded into a neighbour: activations, batch
normalization, padding and cropping. Frameworks count the numbers of an image in different orders, so the chain knows for each number of
the reader's array at which position of Castnet's image it lies. Reshapes and transposes then move positions; a dense layer that meets an
order other than Castnet's has its rows or columns sorted.
"""
from __future__ import annotations

import dataclasses

import numpy as np
from grid import LAYOUTS, from_grid, to_grid
from refusal import MOST_LAYERS, Refusal, cannot_be_cast, check_size

NEVER_FALLING = {"relu", "leaky_relu", "elu", "sigmoid", "tanh", "softplus"}  # a maximum of them is theirs of the maximum
ENCODER_END = " the encoder's end"  # a mark that no layer is called
Shape = tuple[int, int, int]


@dataclasses.dataclass
class Layer:
    kind: str  # Castnet's statement
    source: str  # the layer in the user's file, for messages
    input: Shape
    output: Shape
    kernel: np.ndarray | None = None  # conv2d (h, w, in, out), conv2d_transpose (h, w, out, in), dense (in, out)
    bias: np.ndarray | None = None
    window: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    zeros: tuple[int, int, int, int] = (0, 0, 0, 0)  # top, bottom, left, right
    activation: str = "linear"
    l2: float = 0
    trainable: bool = True
    rate: float = 0
    interpolation: str = "nearest"
    name: str = ""
    has_bias: bool = True  # in the user's file


@dataclasses.dataclass
class Weights:
    """What a layer with weights brings along."""
    kernel: np.ndarray
    bias: np.ndarray | None
    l2: float = 0
    trainable: bool = True


@dataclasses.dataclass
class Scaling:
    """A factor and a summand for each number, which wait for the next layer with weights."""
    factor: np.ndarray
    summand: np.ndarray
    source: str


def build_chain(shape: tuple[int, ...], build) -> Chain:
    """Returns the chain that build(chain) appends to an empty one. Files do not say which axis of the input is which, so this tries what they
    may be, and takes what needs the fewest reshapes. Throws Refusal."""
    chains, refusals = [], []  # refusals behind how far they got
    for layout in LAYOUTS.get(len(shape), ("vector",)):
        chain = Chain(shape, layout)
        try:
            build(chain)
            chains.append(chain)
        except Refusal as refusal:
            refusals.append((len(chain.marks), refusal))
    if not chains:
        raise max(refusals, key=lambda refused: refused[0])[1]
    return min(chains, key=lambda chain: sum(layer.kind == "reshape" for layer in chain.layers))


class Chain:
    def __init__(self, shape: tuple[int, ...], layout: str):
        """Begins with images of a shape in the reader's order, without the batch, that `layout` shows as rows x columns x channels."""
        check_size(shape, "the input")
        if len(shape) not in LAYOUTS:
            raise Refusal(f"the input has the shape {shape}; Castnet takes vectors, signals and images, (n), (n, c) or (h, w, c)")
        self.layout, self.notes, self.layers, self.marks = layout, [], [], {}
        self.input = self.grid = to_grid(np.empty(shape, np.bool_), layout).shape
        self.values = from_grid(self._positions(self.grid), len(shape), layout)
        self.shape, self.loss = shape, None
        self.scaling: Scaling | None = None
        self.zeros: tuple[int, int, int, int] | None = None

    # What the reader's layers do, in the reader's order of numbers.

    def extents(self, layout: str) -> tuple[int, int]:
        """Returns rows and columns, with the zeros that wait around them."""
        rows, columns, _ = to_grid(self.values, layout).shape
        top, bottom, left, right = self.zeros or (0, 0, 0, 0)
        return rows + top + bottom, columns + left + right

    def conv2d(self, source: str, weights: Weights, stride: tuple[int, int], zeros: tuple[int, ...], layout: str) -> None:
        extents = self.extents(layout)
        around, self.zeros = self.zeros or (0, 0, 0, 0), None
        zeros = tuple(int(a + b) for a, b in zip(zeros, around))
        layer = self._weighted("conv2d", source, weights, stride, zeros, layout)
        output = [(extents[i] + zeros[2 * i] + zeros[2 * i + 1] - around[2 * i] - around[2 * i + 1] - layer.window[i]) // stride[i] + 1
                  for i in range(2)]
        self._end_at(layer, output, layout)

    def conv2d_transpose(self, source: str, weights: Weights, stride: tuple[int, int], before: tuple[int, int], output: tuple[int, int],
                         layout: str) -> None:
        """Appends a transpose whose output begins `before` cells inside the first window."""
        self._check_nothing_waits(source)
        rows = self.extents(layout)
        spans = [(rows[i] - 1) * stride[i] + weights.kernel.shape[i] for i in range(2)]
        zeros = (before[0], spans[0] - before[0] - output[0], before[1], spans[1] - before[1] - output[1])
        self._end_at(self._weighted("conv2d_transpose", source, weights, stride, zeros, layout), output, layout)

    def dense(self, source: str, weights: Weights) -> None:
        """Appends a dense layer, which maps the last axis: pixel by pixel where there are others."""
        inputs, units = weights.kernel.shape
        if self.values.shape[-1] != inputs:
            raise cannot_be_cast(source, f"it takes {inputs} values where {self.values.shape[-1]} come in")
        if self.values.ndim > 1:
            return self.conv2d(source, dataclasses.replace(weights, kernel=weights.kernel[None, None]), (1, 1), (0, 0, 0, 0), "channels_last")
        self._check_no_zeros_wait(source)
        kernel = np.empty_like(weights.kernel)
        kernel[self.values] = weights.kernel
        layer = self._with_weights("dense", source, self.grid, dataclasses.replace(weights, kernel=kernel), units)
        scaling, self.scaling = self.scaling, None
        if scaling is not None:
            layer.bias, layer.has_bias = layer.bias + scaling.summand @ kernel, True
            layer.kernel = kernel * scaling.factor[:, None]
            self._note_fold(scaling.source, source)
        self._append(layer, (1, 1, units))
        self.values = self._positions(self.grid).reshape(-1)

    def pool(self, kind: str, source: str, window: tuple[int, int], stride: tuple[int, int], zeros: tuple[int, ...], layout: str) -> None:
        self._check_nothing_waits(source)
        rows = self.extents(layout)
        self._see(layout, source)
        layer = Layer(kind, source, self.grid, self.grid, window=window, stride=stride, zeros=zeros)
        self._end_at(layer, [(rows[i] + zeros[2 * i] + zeros[2 * i + 1] - window[i]) // stride[i] + 1 for i in range(2)], layout)

    def upsample(self, source: str, size: tuple[int, int], interpolation: str, layout: str) -> None:
        self._check_nothing_waits(source)
        rows = self.extents(layout)
        self._see(layout, source)
        layer = Layer("upsample", source, self.grid, self.grid, window=size, interpolation=interpolation)
        self._end_at(layer, [rows[i] * size[i] for i in range(2)], layout)

    def dropout(self, source: str, rate: float) -> None:
        if not 0 <= rate < 1:
            raise cannot_be_cast(source, f"its rate is {rate}")
        if rate > 0:
            self._check_no_zeros_wait(source)
            self._append(Layer("dropout", source, self.grid, self.grid, rate=rate), self.grid)

    def activate(self, source: str, activation: str, axis: int = -1) -> None:
        """Folds the activation into the layer before. A softmax is over the axis."""
        if activation == "linear":
            return
        self._check_nothing_waits(source)
        if activation == "softmax" and not self._is_channels(axis):
            raise cannot_be_cast(source, "a softmax is cast over channels alone")
        name = activation.partition("(")[0]
        for layer in reversed(self.layers):
            if layer.kernel is not None and layer.activation == "linear":
                layer.activation = activation
                return
            passes = name != "softmax" and (layer.kind == "reshape" or layer.kind == "max_pool" and name in NEVER_FALLING
                                            or layer.kind == "upsample" and layer.interpolation == "nearest")
            if not passes:
                break
        raise cannot_be_cast(source, "an activation belongs to the layer before, and no layer that has none stands there; put it behind one")

    def scale(self, source: str, factor: np.ndarray, summand: np.ndarray) -> None:
        """Folds a factor and a summand, which broadcast to the reader's array, into the layer before, or else into the one behind."""
        self._check_nothing_waits(source)
        factor, summand = (self._in_order(np.broadcast_to(each, self.values.shape)) for each in (factor, summand))
        for layer in reversed(self.layers):
            if layer.kernel is not None and layer.activation != "linear":
                break
            if layer.kind in ("reshape", "dropout"):
                continue
            channels = [each.reshape(-1, layer.output[2]) for each in (factor, summand)]
            if layer.kernel is None and (layer.kind == "max_pool" and np.any(factor <= 0) or any(np.any(each != each[0]) for each in channels)):
                break
            if any(np.any(each != each[0]) for each in channels):
                break
            factor, summand = (each[0] for each in channels)
            if layer.kernel is not None:
                layer.kernel = layer.kernel * (factor[:, None] if layer.kind == "conv2d_transpose" else factor)
                layer.bias, layer.has_bias = layer.bias * factor + summand, True
                if np.any(factor != 1):  # else it is a bias, as any other
                    self._note_fold(source, layer.source)
                return
            factor, summand = (np.broadcast_to(each, layer.input).reshape(-1) for each in (factor, summand))
        size = self.values.size
        if factor.size != size:
            raise cannot_be_cast(source, "it stands behind a pool or an upsampling with an activation before; put it before the activation")
        self.scaling = Scaling(factor, summand, source)

    def pad(self, source: str, zeros: tuple[int, int, int, int]) -> None:
        """Keeps zeros for the next convolution: top, bottom, left, right."""
        self._check_nothing_waits(source)
        if min(zeros) < 0:
            raise cannot_be_cast(source, "its padding is negative")
        self.zeros = zeros if any(zeros) else None

    def crop(self, source: str, cut: tuple[int, int, int, int], layout: str) -> None:
        """Folds a crop, of top, bottom, left and right, into the padding of the layer before."""
        self._check_nothing_waits(source)
        layer = self.layers[-1] if self.layers else None
        if layer is None or layer.kind not in ("conv2d", "conv2d_transpose"):
            raise cannot_be_cast(source, "a crop belongs to the convolution before, and none stands there; put it behind one")
        self._see(layout, source)
        transposed = layer.kind == "conv2d_transpose"
        steps = (1, 1) if transposed else layer.stride
        sign = 1 if transposed else -1
        zeros = tuple(zero + sign * cells * steps[i // 2] for i, (zero, cells) in enumerate(zip(layer.zeros, cut)))
        output = (layer.output[0] - cut[0] - cut[1], layer.output[1] - cut[2] - cut[3])
        if min(cut) < 0 or min(output) < 1 or not transposed and min(zeros) < 0:
            raise cannot_be_cast(source, "it crops more than the padding of the layer before; lower that layer's padding")
        layer.zeros = zeros
        self.layers.pop()
        self._end_at(layer, output, layout)

    def reshape(self, source: str, shape: tuple[int, ...]) -> None:
        self._check_no_zeros_wait(source)
        if len(shape) not in LAYOUTS or int(np.prod(shape)) != self.values.size:
            raise cannot_be_cast(source, f"it makes the shape {shape} of {self.values.shape}")
        self.values = self.values.reshape(shape)

    def transpose(self, source: str, axes: tuple[int, ...]) -> None:
        self._check_no_zeros_wait(source)
        if sorted(axes) != list(range(self.values.ndim)):
            raise cannot_be_cast(source, f"it permutes {self.values.ndim} axes by {axes}")
        self.values = self.values.transpose(axes)

    def end(self, source: str) -> None:
        """Ends the chain in an image of the input's layout."""
        self._check_nothing_waits(source)
        if self.values.size == np.prod(self.shape):
            self.values = self.values.reshape(self.shape)
        self._see(self.layout, source)
        self.notes += [f"{layer.source} has no bias: it gets one of zeros, which will be trained" for layer in self.layers if not layer.has_bias]

    def mark(self, name: str) -> None:
        """Names what was appended, and remembers that what the user calls so ends here."""
        self.marks[name] = len(self.layers)
        for layer in self.layers:
            layer.name = layer.name or name

    # How.

    @staticmethod
    def _positions(grid: Shape) -> np.ndarray:
        return np.arange(int(np.prod(grid)), dtype=np.int32).reshape(grid)

    def _in_order(self, numbers: np.ndarray) -> np.ndarray:
        """Returns numbers of the reader's array in Castnet's order."""
        ordered = np.empty(self.values.size, np.float64)
        ordered[self.values.reshape(-1)] = numbers.reshape(-1)
        return ordered

    def _is_channels(self, axis: int) -> bool:
        if not -self.values.ndim <= axis < self.values.ndim:
            return False
        pixels = np.moveaxis(self.values, axis, -1) // self.grid[2]
        return pixels.shape[-1] == self.grid[2] and bool(np.all(pixels == pixels[..., :1]))

    def _see(self, layout: str, source: str) -> None:
        """Shows the reader's array as rows x columns x channels to the next layer."""
        wanted = to_grid(self.values, layout)
        if not np.array_equal(wanted, self._positions(wanted.shape)):
            self._sort(wanted.reshape(-1), source)
        if wanted.shape != self.grid:
            if self.layers and self.layers[-1].kind == "reshape":
                self.layers.pop()
            self.layers.append(Layer("reshape", source, self.grid, wanted.shape))
            self.grid = wanted.shape
        self.values = from_grid(self._positions(wanted.shape), self.values.ndim, layout)

    def _sort(self, positions: np.ndarray, source: str) -> None:
        """Sorts the outputs of the dense layer before, so that the number at positions[i] comes to i."""
        for layer in reversed(self.layers):
            if layer.kind == "dense":
                layer.kernel, layer.bias = layer.kernel[:, positions], layer.bias[positions]
                return
            if layer.kind not in ("reshape", "dropout"):
                break
        raise cannot_be_cast(source, "it takes rows, columns and channels in another order than they have; leave out the reshape or transpose before")

    def _weighted(self, kind: str, source: str, weights: Weights, stride: tuple[int, int], zeros: tuple[int, ...], layout: str) -> Layer:
        self._see(layout, source)
        rows, columns, inputs, outputs = weights.kernel.shape
        if kind == "conv2d_transpose":
            inputs, outputs = outputs, inputs
        if inputs != self.grid[2]:
            raise cannot_be_cast(source, f"its kernel takes {inputs} channels where {self.grid[2]} come in")
        layer = self._with_weights(kind, source, self.grid, weights, outputs)
        layer.window, layer.stride, layer.zeros = (rows, columns), stride, zeros
        scaling, self.scaling = self.scaling, None
        if scaling is not None:
            factor, summand = (each.reshape(-1, self.grid[2]) for each in (scaling.factor, scaling.summand))
            if kind != "conv2d" or any(zeros) or any(np.any(each != each[0]) for each in (factor, summand)):
                raise cannot_be_cast(scaling.source, f"it cannot be folded into {source}, whose border would change; put it before the activation")
            layer.bias, layer.has_bias = layer.bias + np.einsum("hwio,i->o", layer.kernel, summand[0]), True
            layer.kernel = layer.kernel * factor[0][:, None]
            self._note_fold(scaling.source, source)
        return layer

    def _with_weights(self, kind: str, source: str, grid: Shape, weights: Weights, outputs: int) -> Layer:
        bias = np.zeros(outputs) if weights.bias is None else weights.bias.reshape(-1)
        if bias.size != outputs:
            raise cannot_be_cast(source, f"its bias has {bias.size} values where {outputs} come out")
        return Layer(kind, source, grid, grid, weights.kernel, bias, l2=weights.l2, trainable=weights.trainable, has_bias=weights.bias is not None)

    def _end_at(self, layer: Layer, extents, layout: str) -> None:
        rank = self.values.ndim
        channels = layer.bias.size if layer.bias is not None else layer.input[2]
        self._append(layer, (int(extents[0]), int(extents[1]), channels))
        self.values = from_grid(self._positions(self.grid), rank, layout)

    def _append(self, layer: Layer, output: Shape) -> None:
        check_size(output, f"the output of layer {layer.source}")
        if len(self.layers) == MOST_LAYERS:
            raise Refusal(f"there are more than {MOST_LAYERS} layers; leave some out")
        layer.output = self.grid = output
        self.layers.append(layer)

    def _note_fold(self, source: str, into: str) -> None:
        self.notes.append(f"folded {source} into {into}: it will not be trained")

    def _check_no_zeros_wait(self, source: str) -> None:
        if self.zeros is not None:
            raise cannot_be_cast(source, "the padding before it belongs to a convolution, and this is none")

    def _check_nothing_waits(self, source: str) -> None:
        self._check_no_zeros_wait(source)
        if self.scaling is not None:
            raise cannot_be_cast(self.scaling.source, f"no layer stands beside it that it could be folded into, but {source}; put it before the activation")
