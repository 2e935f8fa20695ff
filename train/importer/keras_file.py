"""Reads models that Keras saved: .keras files of Keras 3 and 2.13 or later, and .h5 files."""
from __future__ import annotations

import dataclasses
import io
import json
import pathlib

import h5py
import numpy as np
from archive import Archive
from chain import ENCODER_END, Chain, Weights, build_chain
from grid import same_zeros
from keras_weights import ArchivedWeights, LegacyWeights
from network_text import with_parameter
from refusal import Refusal, cannot_be_cast

MOST_NESTED = 20
MODELS = {"Sequential", "Functional", "Model"}
ACTIVATIONS = {"linear", "relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "softmax"}
LOSSES = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "meansquarederror": "mean_squared_error",
          "meanabsoluteerror": "mean_absolute_error", "binarycrossentropy": "binary_crossentropy", "huber": "huber"}
ONLY_IN_TRAINING = {"GaussianNoise", "GaussianDropout", "ActivityRegularization", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout"}


@dataclasses.dataclass
class Node:
    """A layer of the chain: its configuration, and where its weights are."""
    kind: str
    config: dict
    place: tuple[str, ...]  # the names of its models in the weights' file, and its own
    trainable: bool

    @property
    def name(self) -> str:
        return str(self.config.get("name", self.kind.lower()))

    @property
    def source(self) -> str:
        return f"{self.name} ({self.kind})"


def read_keras(path: pathlib.Path) -> Chain:
    with open(path, "rb") as file:
        legacy = file.read(8) == b"\x89HDF\r\n\x1a\n"
    if legacy:
        with h5py.File(path) as file:
            text = file.attrs.get("model_config")
            if text is None:
                raise Refusal("holds weights alone; save the whole model with model.save()")
            return read_model(json.loads(text), json.loads(file.attrs.get("training_config", "{}")), LegacyWeights(file))
    archive = Archive(path)
    config = json.loads(archive.read("config.json"))
    with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        return read_model(config, config.get("compile_config") or {}, ArchivedWeights(file))


def read_model(model: dict, training: dict, weights) -> Chain:
    nodes = chain_of(model)
    shape = input_of(model, nodes)

    def build(chain: Chain) -> None:
        for node in nodes:
            if node.kind != ENCODER_END:
                append(chain, node, weights)
            chain.mark(node.name)
        chain.end("the output")
        chain.loss = loss_of(training.get("loss"), chain)

    return build_chain(shape, build)


# The graph.

def chain_of(model: dict) -> list[Node]:
    """Returns the layers in the order of the data. Between two models that are all there is, a node tells that the encoder ends."""
    parts = parts_of(model, (), True, 0)
    models = [i for i, part in enumerate(parts) if isinstance(part, list)]
    if len(models) == 2 and all(isinstance(part, list) or part.kind == "InputLayer" for part in parts):
        parts.insert(models[1], Node(ENCODER_END, {"name": ENCODER_END}, (), True))
    return flat(parts)


def flat(parts: list) -> list[Node]:
    return [node for part in parts for node in (flat(part) if isinstance(part, list) else [part])]


def parts_of(model: dict, place: tuple[str, ...], trainable: bool, depth: int) -> list:
    """Returns a model's layers, and for each model among them a list of its own."""
    kind, config = model["class_name"], model["config"]
    if kind not in MODELS or "layers" not in config:
        raise Refusal(f"the model is of the class {kind}, whose file does not tell how its layers are connected; "
                      "save keras.Sequential([model.encoder, model.decoder]), say, or a functional model, in its place")
    if depth == MOST_NESTED:
        raise Refusal(f"models are nested more than {MOST_NESTED} deep; is it a model's file?")
    trainable = trainable and config.get("trainable", True)
    entries = places_of(config["layers"], kind == "Sequential")
    if kind != "Sequential":
        entries = in_order(config, entries)
    parts = []
    for entry, own in entries:
        if ">" in (entry.get("registered_name") or ""):
            raise cannot_be_cast(f"{name_of(entry)} ({entry['registered_name']})", "its class is the user's own; write it as Keras's layers")
        if entry["class_name"] in MODELS:
            parts.append(parts_of(entry, (*place, own), trainable, depth + 1))
        else:
            parts.append(Node(entry["class_name"], entry["config"], (*place, own), bool(trainable and entry["config"].get("trainable", True))))
    return parts


def places_of(layers: list[dict], sequential: bool) -> list[tuple[dict, str]]:
    """Returns the layers with the names that their weights have in the file: of their classes, numbered."""
    counts: dict[str, int] = {}
    places = []
    for layer in layers:
        if sequential and layer["class_name"] == "InputLayer":
            places.append((layer, ""))
            continue
        name = snake_case(layer["class_name"])
        counts[name] = counts.get(name, -1) + 1
        places.append((layer, f"{name}_{counts[name]}" if counts[name] else name))
    return places


def snake_case(name: str) -> str:
    """Returns the class's name as Keras writes it in files."""
    letters = [letter for letter in name if letter.isalnum() or letter == "_"]
    text = ""
    for i, letter in enumerate(letters):
        begins_word = letter.isupper() and i > 0 and (letters[i - 1].islower() or i + 1 < len(letters) and letters[i + 1].islower())
        text += ("_" if begins_word else "") + letter
    return text.lower()


def in_order(config: dict, entries: list) -> list:
    """Returns a functional model's layers from its input to its output. Throws Refusal if they are no chain."""
    by_name = {name_of(layer): (layer, place) for layer, place in entries}
    name, first = end_of(config["output_layers"], "outputs"), end_of(config["input_layers"], "inputs")
    order = []
    while True:
        layer, place = by_name.pop(name, (None, None))
        if layer is None:
            raise Refusal(f"layer {name} is used twice or missing, so that the layers are no chain; Castnet casts chains alone")
        order.append((layer, place))
        if name == first:
            return order[::-1]
        before = sources_of(layer.get("inbound_nodes", []))
        if len(before) != 1:
            raise cannot_be_cast(f"{name} ({layer['class_name']})",
                                 f"it takes {len(before)} inputs, and Castnet casts chains alone; leave out what joins or branches there")
        name = before[0]


def name_of(layer: dict) -> str:
    return layer.get("name") or layer["config"]["name"]


def end_of(ends: list, what: str) -> str:
    """Returns the one layer at an end of a functional model: ["name", 0, 0], also within a list."""
    if ends and isinstance(ends[0], str):
        return ends[0]
    if len(ends) != 1:
        raise Refusal(f"the model has {len(ends)} {what}; Castnet casts chains with one")
    return ends[0][0]


def sources_of(nodes: list) -> list[str]:
    """Returns the names of the layers that a layer takes its inputs from."""
    names = []
    for node in nodes:
        if isinstance(node, dict):  # of Keras 3
            names += tensors_of([node["args"], node.get("kwargs", {})])
        else:
            names += [tensor[0] for tensor in node]
    return names


def tensors_of(value, depth: int = 0) -> list[str]:
    if depth == MOST_NESTED:
        raise Refusal("the arguments of a layer are nested too deep; is it a model's file?")
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return [value["config"]["keras_history"][0]]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [name for part in parts for name in tensors_of(part, depth + 1)]


def input_of(model: dict, nodes: list[Node]) -> tuple[int, ...]:
    """Returns the input's shape without the batch."""
    shape = None
    for node in nodes:
        shape = shape or node.config.get("batch_shape") or node.config.get("batch_input_shape")
    shape = shape or model["config"].get("build_input_shape") or (model.get("build_config") or {}).get("input_shape")
    if not shape:
        raise Refusal("the model was never built, so that its input's shape is not known; call it once before it is saved")
    return tuple(shape[1:])


# The layers.

def append(chain: Chain, node: Node, weights) -> None:
    """Appends a layer to the chain. Throws Refusal if Castnet has none of its kind."""
    config, source, layout = node.config, node.source, node.config.get("data_format") or "channels_last"
    dimensions = 1 if "1D" in node.kind else 2
    match node.kind:
        case "InputLayer":
            return
        case "Conv1D" | "Conv2D" | "Conv1DTranspose" | "Conv2DTranspose":
            append_convolution(chain, node, weights, layout, dimensions)
        case "Dense":
            chain.dense(source, weights_of(chain, node, weights))
            append_activation(chain, source, config.get("activation"))
        case "Flatten":
            chain.reshape(source, (chain.values.size,))
        case "Reshape":
            chain.reshape(source, whole_shape(config["target_shape"], chain.values.size))
        case "Permute":
            chain.transpose(source, tuple(axis - 1 for axis in config["dims"]))
        case "MaxPooling1D" | "MaxPooling2D" | "AveragePooling1D" | "AveragePooling2D":
            window = pair(config["pool_size"], dimensions)
            stride = pair(config.get("strides") or config["pool_size"], dimensions)
            kind = "max_pool" if "Max" in node.kind else "average_pool"
            chain.pool(kind, source, window, stride, zeros_of(chain, config, window, stride, layout), layout)
        case "UpSampling1D" | "UpSampling2D":
            interpolation = config.get("interpolation", "nearest")
            if interpolation not in ("nearest", "bilinear"):
                raise cannot_be_cast(source, f"its interpolation is {interpolation}; choose nearest or bilinear")
            chain.upsample(source, pair(config["size"], dimensions), interpolation, layout)
        case "Dropout":
            chain.dropout(source, config["rate"])
        case "ZeroPadding1D" | "ZeroPadding2D":
            chain.pad(source, sides(config["padding"], dimensions))
        case "Cropping1D" | "Cropping2D":
            chain.crop(source, sides(config["cropping"], dimensions), layout)
        case "BatchNormalization":
            append_normalization(chain, node, weights)
        case "Activation":
            append_activation(chain, source, config["activation"])
        case "ReLU" | "LeakyReLU" | "ELU" | "Softmax":
            append_activation(chain, source, {"class_name": node.kind, "config": config})
        case kind if kind in ONLY_IN_TRAINING:
            chain.notes.append(f"left out {source}, which works in training alone")
        case "Lambda":
            raise cannot_be_cast(source, "it holds Python code, which an import never runs; write it as layers")
        case _:
            raise cannot_be_cast(source, "Castnet has no such layer; leave it out, or write it as layers of the README's table")


def append_convolution(chain: Chain, node: Node, weights, layout: str, dimensions: int) -> None:
    config, source = node.config, node.source
    if pair(config.get("dilation_rate") or 1, dimensions) != (1, 1) or config.get("groups", 1) != 1:
        raise cannot_be_cast(source, "it has a dilation or groups; Castnet's convolutions have none")
    read = weights_of(chain, node, weights)
    if dimensions == 1:
        read.kernel = read.kernel[None]
    if read.kernel.ndim != 4:
        raise cannot_be_cast(source, f"its kernel has the shape {read.kernel.shape}")
    window, stride = read.kernel.shape[:2], pair(config["strides"], dimensions)
    if node.kind.endswith("Transpose"):
        before, output = transpose_geometry(chain.extents(layout), config, window, stride, dimensions)
        chain.conv2d_transpose(source, read, stride, before, output, layout)
    else:
        chain.conv2d(source, read, stride, zeros_of(chain, config, window, stride, layout), layout)
    append_activation(chain, source, config.get("activation"))


def zeros_of(chain: Chain, config: dict, window: tuple[int, int], stride: tuple[int, int], layout: str) -> tuple[int, ...]:
    """Returns the zeros of a window's padding: top, bottom, left, right."""
    if config["padding"] == "causal":
        return 0, 0, window[1] - 1, 0
    if config["padding"] != "same":
        return 0, 0, 0, 0
    extents = chain.extents(layout)
    return (*same_zeros(extents[0], window[0], stride[0]), *same_zeros(extents[1], window[1], stride[1]))


def transpose_geometry(extents, config: dict, window, stride, dimensions: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Returns where a transpose's output begins and its extents. Keras's _convert_conv_transpose_padding_args_from_keras_to_jax()."""
    added = config.get("output_padding")
    added = None if added is None else (0, *pair(added, dimensions))[-2:]
    before, output = [], []
    for i in range(2):
        kernel, step = window[i], stride[i]
        if config["padding"] == "valid":
            left, total = kernel - 1, 2 * (kernel - 1) + (max(step - kernel, 0) if added is None else added[i])
        else:
            total = step + kernel - 2 if added is None else kernel + kernel % 2 - 2 + added[i]
            left = min(total // 2 + total % 2, kernel - 1)
        if dimensions == 1 and i == 0:
            left, total = 0, 0  # the one row of a signal
        before.append(kernel - 1 - left)
        output.append((extents[i] - 1) * step + 2 + total - kernel)
    return (before[0], before[1]), (output[0], output[1])


def append_activation(chain: Chain, source: str, activation) -> None:
    """Folds an activation, given by its name or as a layer's or a function's configuration."""
    name, config = (activation, {}) if isinstance(activation, str) or activation is None else (activation["class_name"], activation["config"])
    if name == "function":  # a function of the user's, or one of Keras's by its name
        name, config = config if isinstance(config, str) else config["name"], {}
    axis = config.get("axis", -1) if isinstance(config, dict) else -1
    chain.activate(source, castnet_activation(source, name, config if isinstance(config, dict) else {}), axis - 1 if axis > 0 else axis)


def castnet_activation(source: str, name: str | None, config: dict) -> str:
    if name == "LeakyReLU":
        return with_parameter("leaky_relu", config.get("negative_slope", config.get("alpha", 0.3)), 0.2)
    if name == "ReLU":
        if config.get("max_value") is not None or config.get("threshold"):
            raise cannot_be_cast(source, "it has a maximum or a threshold; use relu or leaky_relu")
        slope = config.get("negative_slope") or 0
        return with_parameter("leaky_relu", slope, 0.2) if slope else "relu"
    if name == "ELU":
        return with_parameter("elu", config.get("alpha", 1.0), 1)
    if name == "leaky_relu":
        return "leaky_relu"  # 0.2 in Keras 3 and here
    name = {"Softmax": "softmax", "swish": "silu", None: "linear"}.get(name, name)
    if name not in ACTIVATIONS:
        raise cannot_be_cast(source, f"its activation is {name}; Castnet has linear, leaky_relu and {', '.join(sorted(ACTIVATIONS - {'linear'}))}")
    return name


def append_normalization(chain: Chain, node: Node, weights) -> None:
    """Appends what a batch normalization does in inference: γ·(x - mean) / √(variance + ε) + β."""
    config = node.config
    kinds = [kind for kind, there in (("gamma", config.get("scale", True)), ("beta", config.get("center", True))) if there]
    values = weights.read(node.place, node.name, [*kinds, "moving_mean", "moving_variance"])
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    shape = [1] * chain.values.ndim
    shape[axis - 1 if axis > 0 else axis] = -1
    factor = values.get("gamma", 1.0) / np.sqrt(values["moving_variance"].astype(np.float64) + config.get("epsilon", 1e-3))
    summand = values.get("beta", 0.0) - values["moving_mean"] * factor
    chain.scale(node.source, factor.reshape(shape), summand.reshape(shape))


def weights_of(chain: Chain, node: Node, weights) -> Weights:
    has_bias = node.config.get("use_bias", True)
    values = weights.read(node.place, node.name, ["kernel", "bias"] if has_bias else ["kernel"])
    return Weights(values["kernel"], values.get("bias"), l2_of(chain, node), node.trainable)


def l2_of(chain: Chain, node: Node) -> float:
    """Returns λ of the kernel's penalty. Says which other penalties are left out."""
    config = node.config
    regularizer = config.get("kernel_regularizer")
    own = regularizer["config"] if regularizer else {}
    others = [key for key in ("bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint") if config.get(key)]
    if regularizer and (own.get("l1") or "l2" not in own):
        others.append("kernel_regularizer")
    for key in others:
        chain.notes.append(f"left out the {key} of {node.source}, which works in training alone")
    return float(own.get("l2") or 0) if "kernel_regularizer" not in others else 0.0


def loss_of(loss, chain: Chain) -> str | None:
    """Returns the loss that the model was compiled with in Castnet's words, if Castnet has it."""
    if loss is None:
        return None
    name, config = (loss, {}) if isinstance(loss, str) else (loss.get("class_name"), loss.get("config")) if isinstance(loss, dict) else ("", {})
    if name == "function":
        name, config = config, {}
    known = LOSSES.get(str(name).lower().replace("_", ""))
    if not known or not isinstance(config, dict) or config.get("from_logits") or config.get("label_smoothing"):
        chain.notes.append(f"left out the loss {name}, which Castnet has not in this form; choose one below the input")
        return None
    if known == "huber" and "delta" not in config:
        chain.notes.append("the file holds no δ of huber, which is taken as 1; write huber(0.5), say, for another")
    delta = config.get("delta", 1.0)
    return with_parameter("huber", delta, 1) if known == "huber" else known


# Numbers.

def pair(value, dimensions: int) -> tuple[int, int]:
    """Returns rows and columns of a size; a signal has one row."""
    values = list(value) if isinstance(value, (list, tuple)) else [value] * dimensions
    values = [1] * (2 - len(values)) + values
    if len(values) != 2 or not all(type(each) is int and 1 <= each <= 9999 for each in values):
        raise Refusal(f"a layer has the size {value}; it must be 1 to 9999")
    return values[0], values[1]


def sides(value, dimensions: int) -> tuple[int, int, int, int]:
    """Returns top, bottom, left and right of Keras's padding and cropping: a number, a pair, or a pair for each axis."""
    if dimensions == 1:
        before, after = value if isinstance(value, list) else (value, value)
        return 0, 0, int(before), int(after)
    rows, columns = value if isinstance(value, list) else (value, value)
    (top, bottom), (left, right) = (each if isinstance(each, list) else (each, each) for each in (rows, columns))
    return int(top), int(bottom), int(left), int(right)


def whole_shape(target: list[int], size: int) -> tuple[int, ...]:
    """Returns the shape with -1 filled in."""
    known = int(np.prod([extent for extent in target if extent != -1]))
    return tuple(size // max(1, known) if extent == -1 else int(extent) for extent in target)
