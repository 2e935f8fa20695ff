"""Writes a network's inference graph as an ONNX file.

    python export.py FILE < graph.json

graph.json describes the layers and their weights; `explore export --onnx` writes it. Inputs and outputs are (n, h, w, c), as everywhere in
Castnet; in between, the graph uses ONNX's own (n, c, h, w).
"""
import json
import os
import pathlib
import sys

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    sys.exit(f"error: ONNX's library is missing ({error}); run: {sys.executable} -m pip install onnx")

OPSET, IR = 17, 8  # of 2022: later runtimes read them, and most earlier ones
OPERATORS = {"conv2d": "Conv", "dense": "Conv", "conv2d_transpose": "ConvTranspose", "max_pool": "MaxPool", "average_pool": "AveragePool"}
NCHW, NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
ACTIVATIONS = {"relu": ("Relu", {}), "leaky_relu": ("LeakyRelu", {"alpha": 0.2}), "elu": ("Elu", {"alpha": 1.0}), "softplus": ("Softplus", {}),
               "sigmoid": ("Sigmoid", {}), "tanh": ("Tanh", {}), "softmax": ("Softmax", {"axis": 1})}


def windows(layer: dict) -> tuple[str, dict]:
    """Returns a layer's operator and its attributes. Castnet gives the padding before; that after follows from the output's size."""
    transposed = layer["kind"] == "conv2d_transpose"
    large, small = (layer["output"], layer["input"]) if transposed else (layer["input"], layer["output"])
    after = [(small[i] - 1) * layer["stride"][i] + layer["kernel"][i] - large[i] - layer["pad"][i] for i in range(2)]
    attributes = {"kernel_shape": layer["kernel"], "strides": layer["stride"], "pads": layer["pad"] + [max(0, pad) for pad in after]}
    if transposed:  # rows and columns that no window reaches
        attributes["output_padding"] = [max(0, -pad) for pad in after]
    return OPERATORS[layer["kind"]], attributes


def layer_nodes(layer: dict, values: str) -> tuple[list, list, str]:
    """Returns a layer's nodes, which read `values`, its tensors, and the name of its output."""
    name = layer["name"]
    output = f"{name}/output"
    if layer["kind"] == "dropout":  # nothing in inference
        return [], [], values
    if layer["kind"] == "upsample":
        mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"} if layer["interpolation"] == "bilinear" else \
            {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        scales = numpy_helper.from_array(np.array([1, 1, *layer["stride"]], np.float32), f"{name}/scales")
        return [helper.make_node("Resize", [values, "", f"{name}/scales"], [output], name, **mode)], [scales], output
    operator, attributes = windows(layer)
    if layer["kind"] in ("max_pool", "average_pool"):
        return [helper.make_node(operator, [values], [output], name, **attributes)], [], output
    # (h, w, in, out) of conv2d to (out, in, h, w), and (h, w, out, in) of conv2d_transpose to (in, out, h, w)
    kernel = tensor(layer["kernel_values"], layer["kernel_shape"]).transpose(3, 2, 0, 1)
    tensors = [numpy_helper.from_array(np.ascontiguousarray(kernel), f"{name}/kernel"),
               numpy_helper.from_array(tensor(layer["bias_values"], [-1]), f"{name}/bias")]
    nodes = [helper.make_node(operator, [values, f"{name}/kernel", f"{name}/bias"], [f"{name}/sum"], name, **attributes)]
    if layer["activation"] == "linear":
        return nodes, tensors, f"{name}/sum"
    return nodes + activation(layer["activation"], f"{name}/sum", name), tensors, output


def activation(text: str, values: str, layer: str) -> list:
    """Returns the nodes of an activation such as relu or leaky_relu(0.1). The last one's output is LAYER/output."""
    name, _, parameter = text.rstrip(")").partition("(")
    output = [f"{layer}/output"]
    if name == "silu":
        return [helper.make_node("Sigmoid", [values], [f"{layer}/gate"]), helper.make_node("Mul", [values, f"{layer}/gate"], output)]
    if name == "gelu":  # z·(1 + erf(z / √2)) / 2; ONNX's own operator is younger than this opset
        constants = {"root": 2**-0.5, "one": 1.0, "half": 0.5}
        steps = [("Mul", values, "root", "scaled"), ("Erf", "scaled", None, "erf"), ("Add", "erf", "one", "risen"), ("Mul", "risen", "half", "share")]
        place = lambda each: each if each == values else f"{layer}/{each}"
        return [*(helper.make_node("Constant", [], [f"{layer}/{each}"], value_float=value) for each, value in constants.items()),
                *(helper.make_node(operator, [place(a), *([place(b)] if b else [])], [place(result)]) for operator, a, b, result in steps),
                helper.make_node("Mul", [values, f"{layer}/share"], output)]
    operator, attributes = ACTIVATIONS[name]
    return [helper.make_node(operator, [values], output, **({"alpha": float(parameter)} if parameter else attributes))]


def tensor(values: list[float], shape: list[int]) -> np.ndarray:
    return np.array(values, np.float32).reshape(shape)


def seen_as(values: str, before: list[int], after: list[int], name: str) -> tuple[list, str]:
    """Returns the nodes that see the values of a grid (h, w, c) in another shape, and their result. Castnet counts channels first."""
    if before == after:
        return [], values
    return [helper.make_node("Transpose", [values], [f"{name}/nhwc"], perm=NHWC),
            helper.make_node("Constant", [], [f"{name}/shape"], value_ints=[-1, *after]),
            helper.make_node("Reshape", [f"{name}/nhwc", f"{name}/shape"], [f"{name}/reshaped"]),
            helper.make_node("Transpose", [f"{name}/reshaped"], [name], perm=NCHW)], name


def build(graph: dict) -> onnx.ModelProto:
    layers = graph["layers"]
    nodes, weights = [helper.make_node("Transpose", ["input"], ["input_nchw"], perm=NCHW)], []
    current, shape = "input_nchw", graph["input"]
    for layer in layers:
        name = layer["name"]
        views, current = seen_as(current, shape, layer["input"], f"{name}/input")
        nodes += views
        shape = layer["output"]
        own_nodes, own_tensors, current = layer_nodes(layer, current)
        nodes += own_nodes
        weights += own_tensors
    views, current = seen_as(current, shape, graph["output"], "last")
    nodes += [*views, helper.make_node("Transpose", [current], ["output"], perm=NHWC)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *graph[name]]) for name in ("input", "output")]
    model = helper.make_model(helper.make_graph(nodes, graph["name"], ends[:1], ends[1:], weights), producer_name="Castnet", ir_version=IR,
                              opset_imports=[helper.make_opsetid("", OPSET)])
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    path = pathlib.Path(sys.argv[1])
    model = build(json.load(sys.stdin))
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        onnx.save(model, unfinished)
        os.replace(unfinished, path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        sys.exit(f"error: {path}: cannot be written ({error.strerror}); check the folder")


if __name__ == "__main__":
    main()
