"""Writes a chain in the network language."""
from __future__ import annotations

import re

import numpy as np
from chain import ENCODER_END, Chain, Layer
from grid import padding_text
from refusal import Refusal

RESERVED = {"adam", "best", "self_test"}  # in checkpoints
LARGEST_L2, SMALLEST_L2 = 9999, 1e-30


def with_parameter(name: str, value: float, default: float) -> str:
    """Returns a function of the language as leaky_relu(0.1). The parameter is left out where it is Castnet's default."""
    number = np.float32(value)
    return name if number == np.float32(default) else f"{name}({np.format_float_positional(number, trim='-')})"


def shape_text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def pair_text(pair: tuple[int, int]) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def name_layers(layers: list[Layer]) -> None:
    """Gives each layer a name that Castnet allows and no other has. Keeps those of the user's file where that is so."""
    taken: set[str] = set()
    for layer in layers:
        wanted = layer.name if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", layer.name) and layer.name not in RESERVED | taken else ""
        layer.name = wanted if layer.kernel is not None else ""
        taken.add(layer.name)
    counts: dict[str, int] = {}
    for layer in layers:
        while not layer.name:
            number = counts[layer.kind] = counts.get(layer.kind, -1) + 1
            name = f"{layer.kind}_{number}" if number else layer.kind
            if name not in taken:
                layer.name = name
                taken.add(name)


def is_named_so_anyway(layers: list[Layer]) -> list[bool]:
    """Returns for each layer whether Castnet would give it this name: those without a name are numbered by their kind."""
    counts: dict[str, int] = {}
    anyway = []
    for layer in layers:
        number = counts.get(layer.kind, 0)
        anyway.append(layer.name == (f"{layer.kind}_{number}" if number else layer.kind))
        counts[layer.kind] = number + anyway[-1]
    return anyway


def layer_text(layer: Layer) -> str:
    """Returns a layer's statement without its name."""
    keys = f" activation={layer.activation}" if layer.activation != "linear" else ""
    keys += f" l2={layer.l2!r}" if SMALLEST_L2 <= layer.l2 <= LARGEST_L2 else ""
    keys += "" if layer.trainable else " trainable=false"
    transposed = layer.kind == "conv2d_transpose"
    large, small = (layer.output, layer.input) if transposed else (layer.input, layer.output)
    match layer.kind:
        case "reshape":
            return "flatten" if layer.output[:2] == (1, 1) else f"reshape {shape_text(layer.output)}"
        case "dense":
            return f"dense units={layer.output[2]}{keys}"
        case "dropout":
            return f"dropout rate={layer.rate!r}"
        case "upsample":
            return f"upsample size={pair_text(layer.window)}" + (f" interpolation={layer.interpolation}" if layer.interpolation != "nearest" else "")
    padding = padding_text(transposed, layer.window, layer.stride, layer.zeros, large, small)
    if layer.kernel is None:
        stride = "" if layer.stride == layer.window else f" stride={pair_text(layer.stride)}"
        return f"{layer.kind} pool={pair_text(layer.window)}{stride}{padding}"
    stride = "" if layer.stride == (1, 1) else f" stride={pair_text(layer.stride)}"
    return f"{layer.kind} filters={layer.output[2]} kernel={pair_text(layer.window)}{stride}{padding}{keys}"


def code_of(chain: Chain, wanted: str) -> int:
    """Returns how many of the chain's layers are the encoder: up to the layer that the user names, or up to the end of the first of two
    models, or else up to the narrowest point."""
    ends = [i + 1 for i, layer in enumerate(chain.layers[:-1]) if layer.kind != "reshape"]
    if chain.layers and chain.layers[-1].kind == "reshape":
        ends = ends[:-1]
    if not ends:
        raise Refusal("holds fewer than two layers; Castnet casts autoencoders, which have an encoder and a decoder")
    if wanted:
        own = {layer.name: i + 1 for i, layer in enumerate(chain.layers)}
        end = chain.marks.get(wanted, own.get(wanted))
        end = next((each for each in reversed(ends) if end is not None and each <= end), None)
        if end is None:
            raise Refusal(f"--code {wanted}: the encoder cannot end there; give one of {', '.join(chain.layers[each - 1].name for each in ends)}")
        return end
    if chain.marks.get(ENCODER_END) in ends:
        return chain.marks[ENCODER_END]
    return min(ends, key=lambda end: np.prod(chain.layers[end - 1].output))


def network_text(chain: Chain, encoder: int, comment: str) -> tuple[str, list[Layer | None]]:
    """Returns the network's text, and for each of its lines the layer that it is of."""
    lines: list[tuple[str, Layer | None]] = [(f"# {comment}", None), (f"input {shape_text(chain.input)}", None)]
    if chain.grid != chain.input:
        lines.append((f"output {shape_text(chain.grid)}", None))
    if chain.loss and chain.loss != "mean_squared_error":
        lines.append((f"loss {chain.loss}", None))
    lines.append(("encoder", None))
    for i, (layer, anyway) in enumerate(zip(chain.layers, is_named_so_anyway(chain.layers))):
        if i == encoder:
            lines.append(("decoder", None))
        name = "" if anyway or layer.kind == "reshape" else f" name={layer.name}"
        lines.append((f"  {layer_text(layer)}{name}", layer))
    return "".join(f"{line}\n" for line, _ in lines), [layer for _, layer in lines]
