"""Reads ONNX graphs, as PyTorch, tf2onnx and Castnet itself write them, with other weights on request."""
from __future__ import annotations

import pathlib

import numpy as np
import onnx
from chain import Chain, Weights, build_chain
from grid import same_zeros
from onnx.external_data_helper import load_external_data_for_model
from onnx.reference import ReferenceEvaluator
from onnx_activation import OPERATORS, POINTS, compute, recognize
from refusal import MOST_ELEMENTS, Refusal, cannot_be_cast

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE, onnx.TensorProto.BFLOAT16}
MOST_NODES, MOST_COMPUTED = 10000, 1000
# What shapes are computed with. None makes much of little.
OF_CONSTANTS = {"Constant", "Shape", "Gather", "Unsqueeze", "Squeeze", "Concat", "Cast", "Slice", "Add", "Sub", "Mul", "Div", "Mod", "Reshape", "Transpose",
                "Identity", "Floor", "ConstantOfShape"}
WEIGHTS_OF = {"Conv": (1, 2), "ConvTranspose": (1, 2), "Gemm": (1, 2), "MatMul": (1,), "BatchNormalization": (1, 2, 3, 4)}  # inputs that are weights


def read_onnx(path: pathlib.Path, state: dict[str, np.ndarray] | None = None) -> Chain:
    """Reads a graph, and takes its weights of a state_dict if one is given. Throws Refusal."""
    model = onnx.load(path, load_external_data=False)
    load_external_data_for_model(model, str(path.parent))  # of files beside it alone
    graph = Graph(model, state)
    return build_chain(graph.shape, graph.append_to)


class Node:
    """A node with its attributes as Python's values."""

    def __init__(self, proto: onnx.NodeProto):
        self.proto, self.kind = proto, proto.op_type
        self.inputs, self.outputs = list(proto.input), list(proto.output)
        self.attributes = {}
        for attribute in proto.attribute:
            value = onnx.helper.get_attribute_value(attribute)
            self.attributes[attribute.name] = value.decode() if isinstance(value, bytes) else value
        self.name = proto.name or (self.outputs or ["?"])[0]
        self.source = f"{self.name} ({self.kind})"

    def numbers(self, name: str, default: list[int], least: int) -> list[int]:
        values = [int(value) for value in self.attributes.get(name, default)]
        if len(values) != len(default) or not all(least <= value <= 9999 for value in values):
            raise cannot_be_cast(self.source, f"its {name} are {values}")
        return values


class Graph:
    def __init__(self, model: onnx.ModelProto, state: dict[str, np.ndarray] | None):
        graph = model.graph
        self.opsets = model.opset_import
        self.constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in self.constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise Refusal(f"the graph has {len(inputs)} inputs and {len(graph.output)} outputs; Castnet casts chains with one of each")
        self.input, self.output = inputs[0].name, graph.output[0].name
        self.shape = tuple(int(dimension.dim_value) for dimension in inputs[0].type.tensor_type.shape.dim)[1:]
        self.batch = [dimension.dim_value for dimension in inputs[0].type.tensor_type.shape.dim][:1]
        if len(graph.node) > MOST_NODES:
            raise Refusal(f"the graph has {len(graph.node)} nodes; it may have at most {MOST_NODES}")
        self.nodes = [Node(node) for node in graph.node]
        self._replace(state)

    def append_to(self, chain: Chain) -> None:
        """Appends the whole graph to an empty chain."""
        known, data = dict(self.constants), self._data_nodes()
        value, others = self.input, [node for node in self.nodes if node not in data]
        pieces = self._pieces(data)
        while pieces:
            self._compute_constants(chain, others, value, known)
            taken, activation = self._activation(pieces, value, known)
            if taken:
                last = pieces[taken - 1][-1]
                chain.activate(last.source, activation)
            else:
                taken, last = 1, pieces[0][0]
                if len(pieces[0]) > 1:
                    raise cannot_be_cast(last.source, "the graph branches there, and Castnet casts chains alone")
                Step(self, chain, last, value, known).append()
            for node in (node for piece in pieces[:taken] for node in piece):
                chain.mark(node.name)
            value = last.outputs[0]
            pieces = pieces[taken:]
        chain.end("the output")

    def _replace(self, state: dict[str, np.ndarray] | None) -> None:
        """Replaces the weights by those of a state_dict with the same names."""
        if state is None:
            return
        for node in self.nodes:
            for i in WEIGHTS_OF.get(node.kind, ()):
                name = node.inputs[i] if i < len(node.inputs) else ""
                if name not in self.constants:
                    continue
                found = [key for key in state if key == name or key.endswith(f".{name}") or name.endswith(f".{key}")]
                if name in state:
                    found = [name]
                if len(found) != 1:
                    raise Refusal(f"{node.source} takes the weights {name}, of which the state_dict holds {len(found)}; export the graph with "
                                  "torch.onnx.export(…, dynamo=False, do_constant_folding=False, training=torch.onnx.TrainingMode.PRESERVE), so that the names stay")
                if state[found[0]].shape != self.constants[name].shape:
                    raise Refusal(f"the state_dict holds {found[0]} of shape {state[found[0]].shape} where the graph needs {self.constants[name].shape}; "
                                  "give the weights of this graph")
                self.constants[name] = state[found[0]]

    def _data_nodes(self) -> list[Node]:
        """Returns the nodes between the input and the output, in order. Throws Refusal for a graph that has none, or is not in order."""
        of_data, forward = {self.input}, []
        for node in self.nodes:
            if node.kind != "Shape" and of_data & set(node.inputs):
                if of_data & set(node.outputs):
                    raise Refusal(f"{node.source} makes what exists already; is it a whole graph?")
                of_data |= set(node.outputs)
                forward.append(node)
        needed, back = {self.output}, []
        for node in reversed(forward):
            if needed & set(node.outputs):
                needed |= set(node.inputs)
                back.append(node)
        if not back or self.input not in needed or not back[0].outputs or back[0].outputs[0] != self.output:
            raise Refusal("its output does not follow from its input, node by node; is it a whole graph?")
        return back[::-1]

    def _pieces(self, data: list[Node]) -> list[list[Node]]:
        """Cuts the nodes where all that follows depends on one value: a chain's pieces are single nodes."""
        last_use = {name: i for i, node in enumerate(data) for name in node.inputs}
        pieces, begin, reach = [], 0, last_use.get(self.input, 0)
        for i, node in enumerate(data):
            if i >= reach:  # what was made before this node is used up
                pieces.append(data[begin:i + 1])
                begin = i + 1
            reach = max([reach, *(last_use.get(name, 0) for name in node.outputs)])
        return pieces if begin == len(data) else [*pieces, data[begin:]]

    def _activation(self, pieces: list[list[Node]], value: str, known: dict[str, np.ndarray]) -> tuple[int, str]:
        """Returns the most pieces from the first on that are an activation together, and which; 0 if none are."""
        values, found = {value: POINTS}, (0, "")

        def operand(name: str) -> np.ndarray | None:
            constant = known.get(name, np.empty(0))
            return values.get(name, constant.reshape(-1)[0].astype(np.float64) if constant.size == 1 else None)

        for i, piece in enumerate(pieces):
            for node in piece:
                is_identity = node.kind == "Identity" or node.kind == "Cast" and node.attributes.get("to") in FLOATS
                inputs = [operand(name) for name in node.inputs]
                if any(each is None for each in inputs) or not (is_identity or node.kind in OPERATORS):
                    return found
                values[node.outputs[0]] = inputs[0] if is_identity else compute(node.kind, node.attributes, inputs)
            name = recognize(values[piece[-1].outputs[0]])
            if name:
                found = (i + 1, name)
        return found

    def _compute_constants(self, chain: Chain, nodes: list[Node], value: str, known: dict[str, np.ndarray]) -> None:
        """Computes what depends on the constants and on the shape of the value."""
        for node in nodes:
            if node.kind == "Shape" and node.inputs == [value]:
                shape = np.array([1, *chain.values.shape], np.int64)
                known[node.outputs[0]] = shape[node.attributes.get("start", 0):node.attributes.get("end")]
            elif node.kind in OF_CONSTANTS and node.outputs[0] not in known and all(name in known for name in node.inputs if name):
                known[node.outputs[0]] = self._constant(node, known)

    def _constant(self, node: Node, known: dict[str, np.ndarray]) -> np.ndarray:
        inputs = {name: known[name] for name in node.inputs if name}
        sizes = [int(np.prod(each, dtype=object)) if node.kind == "ConstantOfShape" else each.size for each in inputs.values()]
        if node.kind not in ("Transpose", "Reshape", "Identity", "Cast", "Constant") and sum(sizes) > MOST_COMPUTED:
            raise cannot_be_cast(node.source, "it computes with whole weights; export the graph with its constants folded")
        values = [onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(each.dtype), each.shape) for name, each in inputs.items()]
        graph = onnx.helper.make_graph([node.proto], "constant", values, [onnx.helper.make_empty_tensor_value_info(node.outputs[0])])
        model = onnx.helper.make_model(graph, opset_imports=self.opsets)
        return np.asarray(ReferenceEvaluator(model).run(None, inputs)[0])


class Step:
    """One node of the chain, whose operator has a method of its name."""

    def __init__(self, graph: Graph, chain: Chain, node: Node, value: str, known: dict[str, np.ndarray]):
        self.graph, self.chain, self.node, self.value, self.known = graph, chain, node, value, known
        self.source = node.source

    def append(self) -> None:
        node = self.node
        if node.kind in ("Add", "Sub", "Mul", "Div"):
            return self.arithmetic()
        if node.inputs[:1] != [self.value]:
            raise cannot_be_cast(self.source, "it does not take the layer before as its first input")
        method = {"AveragePool": self.pool, "MaxPool": self.pool, "BatchNormalization": self.batch_normalization, "Conv": self.convolution,
                  "ConvTranspose": self.convolution, "Dropout": self.dropout, "Flatten": self.flatten, "Gemm": self.gemm, "MatMul": self.matmul, "Pad": self.pad,
                  "Reshape": self.reshape, "Resize": self.resize, "Softmax": self.softmax, "Squeeze": self.squeeze, "Transpose": self.transpose,
                  "Unsqueeze": self.unsqueeze, "Upsample": self.resize}.get(node.kind)
        if method is None:
            raise cannot_be_cast(self.source, "Castnet has no such layer; leave it out, or write it as layers of the README's table")
        method()

    def constant(self, i: int, what: str) -> np.ndarray | None:
        """Returns an input that must be known, or None if it is left out."""
        name = self.node.inputs[i] if i < len(self.node.inputs) else ""
        if name and name not in self.known:
            raise cannot_be_cast(self.source, f"its {what} is computed while it runs; export the graph with its constants folded")
        return self.known[name] if name else None

    def weights(self, kernel: np.ndarray, i: int) -> Weights:
        return Weights(kernel.astype(np.float32), self.constant(i, "bias"))

    # Layers with weights.

    def convolution(self) -> None:
        node, transposed = self.node, self.node.kind == "ConvTranspose"
        kernel = self.constant(1, "kernel")
        if kernel is None or kernel.ndim not in (3, 4):
            raise cannot_be_cast(self.source, "Castnet's convolutions are of signals and images")
        dimensions = kernel.ndim - 2
        if node.attributes.get("group", 1) != 1 or any(step != 1 for step in node.attributes.get("dilations", [])):
            raise cannot_be_cast(self.source, "it has a dilation or groups; Castnet's convolutions have none")
        if dimensions == 1:
            kernel = kernel[:, :, None]
        # (out, in, h, w) of Conv to (h, w, in, out), and (in, out, h, w) of ConvTranspose to (h, w, out, in)
        weights = self.weights(kernel.transpose(2, 3, 1, 0), 2)
        window, stride = weights.kernel.shape[:2], self.pair("strides", dimensions, 1)
        if not transposed:
            return self.chain.conv2d(self.source, weights, stride, self.zeros(window, stride, dimensions), "channels_first")
        rows = self.chain.extents("channels_first")
        added = self.pair("output_padding", dimensions, 0)
        pads = self.zeros_given(dimensions)
        if node.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or "output_shape" in node.attributes:
            raise cannot_be_cast(self.source, "its padding follows from its output's shape; export it with pads and output_padding")
        output = [(rows[i] - 1) * stride[i] + window[i] + added[i] - pads[2 * i] - pads[2 * i + 1] for i in range(2)]
        self.chain.conv2d_transpose(self.source, weights, stride, (pads[0], pads[2]), (output[0], output[1]), "channels_first")

    def gemm(self) -> None:
        attributes = self.node.attributes
        kernel = self.constant(1, "kernel")
        if attributes.get("transA", 0) or kernel is None or kernel.ndim != 2:
            raise cannot_be_cast(self.source, "it is no dense layer")
        weights = self.weights((kernel.T if attributes.get("transB", 0) else kernel) * attributes.get("alpha", 1.0), 2)
        if weights.bias is not None:
            weights.bias = np.broadcast_to(weights.bias * attributes.get("beta", 1.0), (1, weights.kernel.shape[1]))[0]
        self.chain.dense(self.source, weights)

    def matmul(self) -> None:
        kernel = self.constant(1, "kernel")
        if kernel is None or kernel.ndim != 2:
            raise cannot_be_cast(self.source, "it is no dense layer")
        self.chain.dense(self.source, Weights(kernel.astype(np.float32), None))

    def batch_normalization(self) -> None:
        factor, summand, mean, variance = (self.constant(i, "parameters") for i in range(1, 5))
        factor = factor / np.sqrt(variance.astype(np.float64) + self.node.attributes.get("epsilon", 1e-5))
        shape = (-1, *[1] * (self.chain.values.ndim - 1))
        self.chain.scale(self.source, factor.reshape(shape), (summand - mean * factor).reshape(shape))

    def arithmetic(self) -> None:
        """Adds or multiplies by constants: a bias, or a batch normalization taken apart."""
        first, second = self.node.inputs
        other = self.constant(1 if first == self.value else 0, "other operand")
        operator, is_first = self.node.kind, first == self.value
        if second == first or not is_first and operator == "Div" or other.size > MOST_ELEMENTS:
            raise cannot_be_cast(self.source, "Castnet has no such layer; leave it out")
        other = other.astype(np.float64)
        if other.ndim == self.chain.values.ndim + 1:  # with the batch's axis
            if other.shape[0] != 1:
                raise cannot_be_cast(self.source, "it treats the images of a batch differently")
            other = other[0]
        factor = {"Mul": other, "Div": 1 / other if operator == "Div" else 1}.get(operator, np.float64(1 if is_first or operator == "Add" else -1))
        summand = {"Add": other, "Sub": -other if is_first else other}.get(operator, np.float64(0))
        self.chain.scale(self.source, factor, summand)

    # Windows without weights.

    def pool(self) -> None:
        node = self.node
        dimensions = len(node.attributes["kernel_shape"])
        window, stride = self.pair("kernel_shape", dimensions, 1), self.pair("strides", dimensions, 1)
        zeros = self.zeros(window, stride, dimensions)
        if node.attributes.get("ceil_mode", 0) or any(step != 1 for step in node.attributes.get("dilations", [])):
            raise cannot_be_cast(self.source, "it has a dilation or rounds its output's size up; Castnet's pools do not")
        if node.kind == "AveragePool" and any(zeros) and node.attributes.get("count_include_pad", 0):
            raise cannot_be_cast(self.source, "it counts the padding as cells; set count_include_pad=False")
        self.chain.pool("max_pool" if node.kind == "MaxPool" else "average_pool", self.source, window, stride, zeros, "channels_first")

    def resize(self) -> None:
        node, chain = self.node, self.chain
        extents = np.array(chain.values.shape)
        scales = self.constant(len(node.inputs) - 1, "size")
        if scales is None:
            raise cannot_be_cast(self.source, "its size is not given")
        factors = scales[1:] / extents if len(node.inputs) == 4 else scales[1:]
        if len(factors) != len(extents) or factors[0] != 1 or np.any(factors != np.round(factors)) or np.any(factors < 1):
            raise cannot_be_cast(self.source, f"it enlarges by {factors.tolist()}; Castnet enlarges rows and columns by whole numbers")
        size = (1, *map(int, factors[1:]))[-2:]
        mode, place = node.attributes.get("mode", "nearest"), node.attributes.get("coordinate_transformation_mode", "half_pixel")
        rounds = node.attributes.get("nearest_mode", "round_prefer_floor")
        if len(node.inputs) == 2:  # of an early opset
            place, rounds = "asymmetric", "floor"
        if mode == "nearest" and (place, rounds) in (("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")):
            chain.upsample(self.source, size, "nearest", "channels_first")
        elif mode == "linear" and place in ("half_pixel", "pytorch_half_pixel"):
            chain.upsample(self.source, size, "bilinear", "channels_first")
        else:
            raise cannot_be_cast(self.source, f"its mode is {mode}, {place}; Castnet has nearest, and linear between the pixels' centres (align_corners=False)")

    def dropout(self) -> None:
        rate = self.constant(1, "ratio")
        self.chain.dropout(self.source, self.node.attributes.get("ratio", 0.5) if rate is None else float(rate))

    def pad(self) -> None:
        node = self.node
        pads = self.constant(1, "padding") if len(node.inputs) > 1 else node.attributes["pads"]
        value = self.constant(2, "value")
        if node.attributes.get("mode", "constant") != "constant" or value is not None and np.any(value != 0) or self.constant(3, "axes") is not None:
            raise cannot_be_cast(self.source, "it pads with something else than zeros; Castnet pads with zeros")
        rank = self.chain.values.ndim + 1
        before, after = [int(pad) for pad in pads[:rank]], [int(pad) for pad in pads[rank:]]
        if len(after) != rank or rank < 3:
            raise cannot_be_cast(self.source, "Castnet pads rows and columns alone")
        # Which axes are rows and columns follows from where the zeros are.
        moved = [axis for axis in range(rank) if before[axis] or after[axis]]
        if any(axis < 1 for axis in moved) or 1 in moved and rank - 1 in moved:
            raise cannot_be_cast(self.source, "Castnet pads rows and columns alone")
        last = rank - 2 if 1 in moved else rank - 1
        sides = [(before[axis], after[axis]) for axis in ((last,) if rank == 3 else (last - 1, last))]
        zeros = (0, 0, *sides[0]) if rank == 3 else (*sides[0], *sides[1])
        if min(zeros) >= 0:
            return self.chain.pad(self.source, zeros)
        self.chain.crop(self.source, tuple(-zero for zero in zeros), "channels_last" if 1 in moved else "channels_first")

    def softmax(self) -> None:
        axis = self.node.attributes.get("axis", -1 if max((opset.version for opset in self.graph.opsets if not opset.domain), default=13) >= 13 else 1)
        self.chain.activate(self.source, "softmax", self.inner([axis])[0])

    # The same numbers in another order or shape.

    def flatten(self) -> None:
        if self.node.attributes.get("axis", 1) != 1:
            raise cannot_be_cast(self.source, "it mixes the images of a batch")
        self.chain.reshape(self.source, (self.chain.values.size,))

    def reshape(self) -> None:
        target = self.node.attributes.get("shape")
        target = [int(extent) for extent in (self.constant(1, "shape") if target is None else target)]
        if target and target[0] in self.graph.batch:
            target[0] = 1
        shape = np.empty((1, *self.chain.values.shape), np.bool_)
        target = [shape.shape[i] if extent == 0 and i < shape.ndim else extent for i, extent in enumerate(target)]
        try:
            made = shape.reshape(target).shape
        except ValueError:
            raise cannot_be_cast(self.source, f"it makes the shape {target} of {shape.shape}") from None
        if not made or made[0] != 1:
            raise cannot_be_cast(self.source, "it mixes the images of a batch")
        self.chain.reshape(self.source, made[1:])

    def squeeze(self) -> None:
        axes = self.axes()
        shape = [extent for i, extent in enumerate(self.chain.values.shape) if i not in self.inner(axes)]
        self.chain.reshape(self.source, tuple(shape))

    def unsqueeze(self) -> None:
        shape, axes = list(self.chain.values.shape), self.axes()
        rank = len(shape) + 1 + len(axes)
        for axis in sorted(axis % rank for axis in axes):
            if axis == 0:
                raise cannot_be_cast(self.source, "it mixes the images of a batch")
            shape.insert(axis - 1, 1)
        self.chain.reshape(self.source, tuple(shape))

    def transpose(self) -> None:
        axes = [int(axis) for axis in self.node.attributes.get("perm", range(self.chain.values.ndim, -1, -1))]
        if axes[:1] != [0]:
            raise cannot_be_cast(self.source, "it mixes the images of a batch")
        self.chain.transpose(self.source, tuple(axis - 1 for axis in axes[1:]))

    # Attributes.

    def axes(self) -> list[int]:
        axes = self.constant(1, "axes") if len(self.node.inputs) > 1 else self.node.attributes.get("axes")
        if axes is None:
            raise cannot_be_cast(self.source, "its axes are not given")
        return [int(axis) for axis in axes]

    def inner(self, axes: list[int]) -> list[int]:
        """Returns axes counted without the batch's."""
        rank = self.chain.values.ndim + 1
        if not all(-rank < axis < rank and axis != 0 for axis in axes):
            raise cannot_be_cast(self.source, "it mixes the images of a batch")
        return [axis % rank - 1 for axis in axes]

    def pair(self, name: str, dimensions: int, default: int) -> tuple[int, int]:
        values = self.node.numbers(name, [default] * dimensions, default)
        return tuple(([default] + values)[-2:]) if dimensions == 1 else tuple(values)

    def zeros_given(self, dimensions: int) -> tuple[int, ...]:
        """Returns the attribute pads, all those before and then all those after, as top, bottom, left, right."""
        pads = self.node.numbers("pads", [0] * 2 * dimensions, 0)
        return (0, 0, *pads) if dimensions == 1 else (pads[0], pads[2], pads[1], pads[3])

    def zeros(self, window: tuple[int, int], stride: tuple[int, int], dimensions: int) -> tuple[int, ...]:
        mode = self.node.attributes.get("auto_pad", "NOTSET")
        if mode not in ("SAME_UPPER", "SAME_LOWER"):
            return self.zeros_given(dimensions)
        rows = self.chain.extents("channels_first")
        return tuple(zero for i in range(2) for zero in same_zeros(rows[i], window[i], stride[i], mode == "SAME_LOWER"))
