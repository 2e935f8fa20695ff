"""Writes published.txt: the cases of convolutions that ONNX and Keras publish, as lines that published_tests.cpp runs.

    case | SOURCE | PROBLEM | INPUT | KERNEL | OUTPUT      numbers in the layouts of Castnet, which are Keras's
    shape | SOURCE | PROBLEM | OUTPUT SHAPE
    refused | SOURCE | HOW MANY CASES | LAYER | MESSAGE    outside of the network language, which says so at configure time

Run it with the peers' Python, which has Keras, TensorFlow and the onnx package: python published.py > published.txt
"""
import itertools
import os

os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")

import keras
import numpy as np
import onnx
from onnx.backend.test.case.node import conv, convtranspose

KEYS = "filters, kernel, stride, padding, activation, l2, name"


def write(*fields):
    print(" | ".join(str(field) for field in fields))


def by(extents):
    return "x".join(str(extent) for extent in extents)


def numbers(values):
    assert np.array_equal(values, np.rint(values)), "only integers are exact"
    return " ".join(str(int(value)) for value in np.ravel(values))


def problem(kind, shape, filters, kernel, stride, padding):
    """`shape` is that of the input, images included."""
    return f"{kind} {by(shape[1:])} filters={filters} kernel={by(kernel)} stride={by(stride)} padding={padding} images={shape[0]}"


def refuse(source, layer, count=1):
    """The message is that of the first word that the language does not have."""
    for word in layer.split()[1:]:
        key, value = word.split("=")
        if key not in KEYS:
            message = f"there is no key '{key}'; the keys are {KEYS}"
            break
        if key == "padding" and value not in ("same", "valid"):
            message = f"there is no padding '{value}'; it is same or valid"
            break
        if key == "kernel" and value.count("x") > 1:
            message = f"kernel={value} is not a size; write kernel=3, or kernel=3x5 for 3 rows by 5 columns (1 to 9999)"
            break
    write("refused", source, count, layer, message)


# ONNX


def zeros_of_same(kind, size, kernel, stride):
    """What padding=same adds to a convolution's input, or takes from a transposed one's output, before and after."""
    total = max(kernel - stride, 0) if kind == "conv2d_transpose" else max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def onnx_padding(kind, attributes, sizes, kernel, stride):
    """The network language's word for ONNX's padding, where it has one."""
    same = [zeros_of_same(kind, *extents) for extents in zip(sizes, kernel, stride)]
    automatic = attributes.get("auto_pad", b"NOTSET")
    if automatic == b"SAME_UPPER" or automatic == b"SAME_LOWER" and all(before == after for before, after in same):
        return "same"
    pads = attributes.get("pads", [0, 0] * len(sizes))
    if not any(pads):
        return "valid"
    return "same" if list(zip(pads[:len(sizes)], pads[len(sizes):])) == same else by(pads[:len(sizes)])


def onnx_case(node, inputs, outputs, name):
    kind = "conv2d_transpose" if node.op_type == "ConvTranspose" else "conv2d"
    (x, w), (y,) = inputs, outputs
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if x.ndim == 3:
        x, w, y = (values[:, :, None, :] for values in (x, w, y))
    sizes, kernel = x.shape[2:], w.shape[2:]
    stride = attributes.get("strides", [1] * len(sizes))
    padding = onnx_padding(kind, attributes, sizes, kernel, stride)
    filters = y.shape[1]

    foreign = [f"{key}={value}" for key, value in {
        "groups": attributes.get("group", 1),
        "dilation": by(attributes.get("dilations", [1])),
        "output_shape": by(attributes.get("output_shape", [1])),
        "output_padding": by(attributes.get("output_padding", [1])),
    }.items() if str(value) != "1"]
    if foreign or len(sizes) > 2 or padding not in ("same", "valid"):
        words = [kind, f"filters={filters}", f"kernel={by(kernel)}", f"stride={by(stride)}", f"padding={padding}", *foreign]
        return refuse(f"ONNX {name}", " ".join(words))
    x, y = (np.moveaxis(values, 1, -1) for values in (x, y))
    write("case", f"ONNX {name}", problem(kind, x.shape, filters, kernel, stride, padding), numbers(x),
          numbers(np.transpose(w, (2, 3, 1, 0))), numbers(y))


def onnx_cases():
    conv.expect = convtranspose.expect = onnx_case
    for cases in (conv.Conv, convtranspose.ConvTranspose):
        for name in dir(cases):
            if name.startswith("export"):
                getattr(cases, name)()


# Keras


def integers(shape, seed):
    """Small integers, none of them zero, without any symmetry."""
    random = np.random.default_rng(seed)
    return random.choice([-4, -3, -2, -1, 1, 2, 3, 4], shape).astype(np.float32)


def keras_case(source, kind, x, kernel_values, filters, stride, padding):
    """What Keras's layer makes of x; a layer of one dimension where x has one."""
    dimensions = x.ndim - 2
    layer = getattr(keras.layers, f"Conv{dimensions}D" + ("Transpose" if kind == "conv2d_transpose" else ""))(
        filters, kernel_values.shape[:dimensions], stride, padding)
    layer.build(x.shape)
    layer.set_weights([kernel_values, np.zeros(filters)])
    y = np.array(layer(x))
    rows = [1] * (2 - dimensions)
    write("case", source,
          problem(kind, [x.shape[0], *rows, *x.shape[1:]], filters, [*rows, *kernel_values.shape[:dimensions]], [*rows, *stride], padding),
          numbers(x), numbers(kernel_values), numbers(y))


def keras_kernel(kind, kernel, channels, filters):
    return integers((*kernel, filters, channels) if kind == "conv2d_transpose" else (*kernel, channels, filters), 2)


def keras_own_cases():
    """keras/src/layers/convolutional/conv_test.py and conv_transpose_test.py. Their inputs are random: here they are integers, and of a
    transposed convolution only 1x3x3x4, as the output would be large. A case with groups is also run without them, for its geometry."""
    source = "Keras conv_test.py test_conv2d"
    for filters, kernel, stride, padding, note in [(5, (2, 2), (1, 1), "valid", ""), (4, (3, 3), (2, 2), "same", ""),
                                                   (6, (4, 3), (2, 1), "valid", ", without its groups")]:
        keras_case(source + note, "conv2d", integers((2, 8, 8, 4), 1), keras_kernel("conv2d", kernel, 4, filters), filters, stride, padding)
    refuse(source, "conv2d filters=6 kernel=2 padding=same dilation=2 groups=2")
    refuse(source, "conv2d filters=6 kernel=2 padding=same dilation=2x3 groups=2")
    refuse(source, "conv2d filters=6 kernel=4x3 stride=2x1 groups=2", 2)
    source = "Keras conv_test.py test_conv2d_basic"
    write("shape", source, problem("conv2d", (3, 5, 5, 4), 5, (2, 2), (1, 1), "valid"), "4x4x5")
    write("shape", source + ", without its groups", problem("conv2d", (3, 5, 5, 4), 6, (2, 2), (2, 1), "valid"), "2x4x6")
    refuse(source, "conv2d filters=6 kernel=2 padding=same dilation=2 groups=2")
    refuse(source, "conv2d filters=6 kernel=2 stride=2x1 groups=2")

    source = "Keras conv_transpose_test.py test_conv2d_transpose"
    for filters, kernel, stride in [(5, (2, 2), (2, 2)), (6, (2, 3), (2, 1)), (2, (7, 7), (16, 16))]:
        keras_case(source, "conv2d_transpose", integers((1, 3, 3, 4), 3), keras_kernel("conv2d_transpose", kernel, 4, filters), filters,
                   stride, "valid")
    refuse(source, "conv2d_transpose filters=6 kernel=7 stride=16 padding=same output_padding=2")
    source = "Keras conv_transpose_test.py test_conv2d_transpose_basic"
    for shape, filters, kernel, stride, output in [((2, 8, 8, 4), 5, (2, 2), (2, 2), "16x16x5"),
                                                   ((2, 8, 8, 4), 6, (2, 3), (2, 1), "16x10x6"),
                                                   ((1, 14, 14, 2), 2, (7, 7), (16, 16), "224x224x2")]:
        write("shape", source, problem("conv2d_transpose", shape, filters, kernel, stride, "valid"), output)
    refuse(source, "conv2d_transpose filters=6 kernel=2 stride=3 padding=same output_padding=2")


def keras_grid():
    """kernel x stride x padding: Keras's own grid on three ones, and the same for what that leaves out: convolutions, two dimensions that
    differ, several channels."""
    source = "Keras conv_transpose_test.py test_conv1d_transpose_consistency"
    for kernel, stride, padding in itertools.product(range(1, 5), range(1, 5), ("same", "valid")):
        ramp = np.arange(1, kernel + 1, dtype=np.float32).reshape(kernel, 1, 1)
        keras_case(source, "conv2d_transpose", np.ones((1, 3, 1)), ramp, 1, (stride,), padding)
        keras_case("Keras's grid, a row", "conv2d", integers((1, 5, 1), 4), ramp, 1, (stride,), padding)
        for kind, shape in [("conv2d", (1, 5, 4, 2)), ("conv2d_transpose", (1, 2, 3, 2))]:
            keras_case("Keras's grid, asymmetric", kind, integers(shape, 5), keras_kernel(kind, (kernel, 5 - kernel), 2, 3), 3,
                       (stride, 5 - stride), padding)
        if stride > 1:
            refuse(source, f"conv2d_transpose filters=1 kernel=1x{kernel} stride=1x{stride} padding={padding} output_padding=1", stride - 1)


write(f"# Written by published.py: onnx {onnx.__version__}, Keras {keras.__version__} on TensorFlow. The formats are described there.")
onnx_cases()
keras_own_cases()
keras_grid()
