"""Computes in double, of a network's text and its weights, what the network makes of images. Written as the formulas."""
import json
import math
import pathlib
import re

import numpy as np

ACTIVATIONS = {
    "linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "leaky_relu": lambda x, slope=0.2: np.where(x < 0, slope * x, x),
    "elu": lambda x, alpha=1.0: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x), "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh,
    "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2, "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)), "softmax": lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
}


def read_safetensors(path: pathlib.Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    metadata = header.pop("__metadata__")
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]) for name, entry in header.items()}, metadata


def pair(text: str) -> tuple[int, int]:
    values = [int(part) for part in text.split("x")]
    return values[0], values[-1]


def zeros_before(keys: dict, large: tuple[int, int], small: tuple[int, int], kernel, stride) -> list[int]:
    padding = keys.get("padding", "valid")
    if padding == "same":
        return [max(0, (small[i] - 1) * stride[i] + kernel[i] - large[i]) // 2 for i in range(2)]
    if padding == "valid":
        return [0, 0]
    return [int(zero) for zero in padding.split(",")[::2]] if "," in padding else list(pair(padding))


def zeros_in_all(keys: dict) -> list[int]:
    padding = keys.get("padding", "valid")
    if "," in padding:
        sides = [int(zero) for zero in padding.split(",")]
        return [sides[0] + sides[1], sides[2] + sides[3]]
    return [0, 0] if padding in ("same", "valid") else [2 * zero for zero in pair(padding)]


def small_extents(keys: dict, large, kernel, stride) -> list[int]:
    if keys.get("padding") == "same":
        return [-(-large[i] // stride[i]) for i in range(2)]
    return [(large[i] + zeros_in_all(keys)[i] - kernel[i]) // stride[i] + 1 for i in range(2)]


def large_extents(keys: dict, small, kernel, stride) -> list[int]:
    if "output" in keys:
        return list(pair(keys["output"]))
    padding = keys.get("padding", "valid")
    if padding == "same":
        return [small[i] * stride[i] for i in range(2)]
    if padding == "valid":
        return [small[i] * stride[i] + max(kernel[i] - stride[i], 0) for i in range(2)]
    return [(small[i] - 1) * stride[i] + kernel[i] - zeros_in_all(keys)[i] for i in range(2)]


def windows(keys: dict, large, small, kernel, stride):
    """Yields each cell of the small grid, each tap of the kernel, and the cell of the large grid that it meets."""
    before = zeros_before(keys, large, small, kernel, stride)
    for y, x, ky, kx in np.ndindex(*small, *kernel):
        row, column = y * stride[0] + ky - before[0], x * stride[1] + kx - before[1]
        if 0 <= row < large[0] and 0 <= column < large[1]:
            yield y, x, ky, kx, row, column


def conv2d(x, keys, kernel, stride):
    large = x.shape[1:3]
    small = small_extents(keys, large, kernel.shape[:2], stride)
    result = np.zeros((len(x), *small, kernel.shape[3]))
    for i, j, ky, kx, row, column in windows(keys, large, small, kernel.shape[:2], stride):
        result[:, i, j] += x[:, row, column] @ kernel[ky, kx]
    return result


def conv2d_transpose(x, keys, kernel, stride):
    small = x.shape[1:3]
    large = large_extents(keys, small, kernel.shape[:2], stride)
    result = np.zeros((len(x), *large, kernel.shape[2]))
    for i, j, ky, kx, row, column in windows(keys, large, small, kernel.shape[:2], stride):
        result[:, row, column] += x[:, i, j] @ kernel[ky, kx].T
    return result


def pool(x, keys, is_maximum):
    kernel = pair(keys.get("pool", "2"))
    stride = pair(keys["stride"]) if "stride" in keys else kernel
    large = x.shape[1:3]
    small = small_extents(keys, large, kernel, stride)
    cells: dict = {}
    for i, j, _, _, row, column in windows(keys, large, small, kernel, stride):
        cells.setdefault((i, j), []).append(x[:, row, column])
    result = np.empty((len(x), *small, x.shape[3]))
    for (i, j), values in cells.items():
        result[:, i, j] = np.max(values, 0) if is_maximum else np.mean(values, 0)
    return result


def upsample(x, keys):
    size = pair(keys.get("size", "2"))
    for axis in (1, 2):
        count, factor = x.shape[axis], size[axis - 1]
        if keys.get("interpolation", "nearest") == "nearest":
            x = np.repeat(x, factor, axis)
            continue
        at = np.clip((np.arange(count * factor) + 0.5) / factor - 0.5, 0, count - 1)
        low = np.floor(at).astype(int)
        share = np.expand_dims(at - low, [each for each in range(4) if each != axis])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, np.minimum(low + 1, count - 1), axis) * share
    return x


def reconstruct(text: str, weights: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Returns the outputs of images (n, h, w, c)."""
    x, counts = x.astype(np.float64), {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words or words[0] in ("input", "output", "loss", "encoder", "decoder"):
            continue
        kind = words[0]
        if kind == "flatten":
            x = x.reshape(len(x), 1, 1, -1)
            continue
        if kind == "reshape":
            x = x.reshape(len(x), *(int(extent) for extent in words[1].split("x")))
            continue
        keys = dict(word.split("=") for word in words[1:])
        name = keys.get("name")
        if name is None:
            number = counts[kind] = counts.get(kind, -1) + 1
            name = f"{kind}_{number}" if number else kind
        if kind in ("max_pool", "average_pool"):
            x = pool(x, keys, kind == "max_pool")
        elif kind == "upsample":
            x = upsample(x, keys)
        elif kind != "dropout":
            kernel, stride = weights[f"{name}/kernel"].astype(np.float64), pair(keys.get("stride", "1"))
            x = x.reshape(len(x), 1, 1, -1) @ kernel if kind == "dense" else {"conv2d": conv2d, "conv2d_transpose": conv2d_transpose}[kind](x, keys, kernel, stride)
            function, parameter = re.fullmatch(r"(\w+)(?:\((.*)\))?", keys.get("activation", "linear")).groups()
            x = ACTIVATIONS[function](x + weights[f"{name}/bias"], *([float(parameter)] if parameter else []))
    return x
