"""Networks read from CMake files that declare them: an independent reading of the network language, for the comparisons."""
import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Layer:
    kind: str
    filters: int
    kernel: tuple[int, int]
    strides: tuple[int, int]
    padding: str
    activation: str
    l2: float
    name: str


@dataclasses.dataclass
class Network:
    name: str
    input: tuple[int, int, int]  # height, width, channels
    layers: list[Layer]


def pair(text: str) -> tuple[int, int]:
    numbers = [int(number) for number in text.split("x")]
    return (numbers[0], numbers[-1])


def read_layer(text: str, counts: dict[str, int]) -> Layer:
    kind, *words = text.split()
    keys = dict(word.split("=") for word in words)
    name = keys.get("name", "")
    if not name:
        name = kind if counts.get(kind, 0) == 0 else f"{kind}_{counts[kind]}"
        counts[kind] = counts.get(kind, 0) + 1
    return Layer(kind, int(keys["filters"]), pair(keys["kernel"]), pair(keys.get("stride", "1")), keys.get("padding", "valid"),
                 keys.get("activation", "linear"), float(keys.get("l2", 0)), name)


def read_networks(path: pathlib.Path) -> list[Network]:
    text = re.sub(r"#.*", "", path.read_text())
    networks = []
    for name, height, width, channels, body in re.findall(r"castnet_add_network\(\s*(\w+)\s+INPUT (\d+)x(\d+)x(\d+)(.*?)\)", text, re.DOTALL):
        counts: dict[str, int] = {}
        layers = [read_layer(layer, counts) for layer in re.findall(r'"([^"]*)"', body)]
        networks.append(Network(name, (int(height), int(width), int(channels)), layers))
    return networks
