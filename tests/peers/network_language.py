"""Reads networks as the compiler describes them, for the comparisons."""
import dataclasses
import json
import math
import pathlib
import subprocess


@dataclasses.dataclass
class Layer:
    kind: str
    filters: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: str  # as written in the file
    pad: tuple[int, int]  # zeros above and to the left
    activation: str
    l2: float
    trainable: bool
    rate: float
    interpolation: str
    name: str
    input: tuple[int, int, int]
    output: tuple[int, int, int]

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Keras's; () of a layer without weights."""
        shapes = {"dense": (math.prod(self.input), self.filters), "conv2d": (*self.kernel, self.input[2], self.filters),
                  "conv2d_transpose": (*self.kernel, self.filters, self.input[2])}
        return shapes.get(self.kind, ())


@dataclasses.dataclass
class Network:
    name: str
    input: tuple[int, int, int]  # height, width, channels
    output: tuple[int, int, int]
    loss: str
    layers: list[Layer]


def read_layer(described: dict) -> Layer:
    keys = dict(word.split("=") for word in described["text"].split()[1:])
    return Layer(described["kind"], described["output"][2], tuple(described["kernel"]), tuple(described["stride"]), keys.get("padding", "valid"),
                 tuple(described["pad"]), described["activation"], described["l2"], described["trainable"], described["rate"], described["interpolation"], described["name"], tuple(described["input"]), tuple(described["output"]))


def read_network(castnet: pathlib.Path, file: pathlib.Path) -> Network:
    described = json.loads(subprocess.run([castnet, "describe", "--json", file], capture_output=True, text=True, check=True).stdout)
    return Network(described["name"], tuple(described["input"]), tuple(described["output"]), described["loss"], [read_layer(layer) for layer in described["layers"]])


def program(programs: pathlib.Path, name: str, network: str) -> pathlib.Path:
    """Returns the path of train or explore of a network."""
    return programs / (name if network == "mnist_cae" else f"{name}-{network}")
