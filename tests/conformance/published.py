"""Writes published.txt: test cases of convolutions from ONNX and Keras, as lines that published_tests.cpp runs.

    case | SOURCE | PROBLEM | INPUT | KERNEL | OUTPUT    numbers in Castnet's layouts, which are Keras's
    shape | SOURCE | PROBLEM | OUTPUT SHAPE
    refused | SOURCE | PROBLEM | MESSAGE                 the network language's error message

Run it with the peers' Python, which has Keras, TensorFlow and the onnx package: python published.py > published.txt
"""
import itertools
import os

os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")

import keras
import numpy as np
import onnx
from onnx.backend.test.case.node import conv, convtranspose

KEYS = {"conv2d": "filters, kernel, stride, padding, activation, l2, trainable and name",
        "conv2d_transpose": "filters, kernel, stride, padding, activation, l2, trainable, name and output"}


def write(*fields):
    print(" | ".join(str(field) for field in fields))


def by(extents):
    return "x".join(str(extent) for extent in extents)


def numbers(values):
    assert np.array_equal(values, np.rint(values)), "only integers are exact"
    return " ".join(str(int(value)) for value in np.ravel(values))


def problem(kind, shape, filters, kernel, stride, padding, more=""):
    """Writes a problem. `shape` is the input's, with images; `more` holds further keys."""
    return f"{kind} {by(shape[1:])} filters={filters} kernel={by(kernel)} stride={by(stride)} padding={padding}{more} images={shape[0]}"


def refuse_key(source, kind, shape, filters, kernel, stride, padding, key, value):
    write("refused", source, problem(kind, shape, filters, kernel, stride, padding, f" {key}={value}"),
          f"{kind} has no key '{key}'; its keys are {KEYS[kind]}")


# ONNX


def onnx_padding(kind, attributes, sizes, kernel, stride, outputs):
    """Returns ONNX's padding for `padding=`: "same" for SAME_UPPER, else top,bottom,left,right."""
    automatic = attributes.get("auto_pad", b"NOTSET")
    if automatic == b"SAME_UPPER":
        return "same"
    before, after = np.reshape(attributes.get("pads", [0, 0] * len(sizes)), (2, -1))
    if automatic == b"SAME_LOWER" or "output_shape" in attributes:  # the formulas of Conv and ConvTranspose; the odd zero goes before
        large, small = (outputs, sizes) if kind == "conv2d_transpose" else (sizes, outputs)
        total = np.maximum((np.array(small) - 1) * stride + kernel + attributes.get("output_padding", 0) - large, 0)
        before, after = total - total // 2, total // 2
    return ",".join(str(zeros) for zeros in np.transpose([before, after]).ravel())


def onnx_case(node, inputs, outputs, name):
    kind = "conv2d_transpose" if node.op_type == "ConvTranspose" else "conv2d"
    (x, w), (y,) = inputs, outputs
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    if x.ndim == 3:
        x, w, y = (values[:, :, None, :] for values in (x, w, y))
    sizes, kernel, filters, source = x.shape[2:], w.shape[2:], y.shape[1], f"ONNX {name}"
    stride = attributes.get("strides", [1] * len(sizes))
    padding = onnx_padding(kind, attributes, sizes, kernel, stride, y.shape[2:])
    x, y = (np.moveaxis(values, 1, -1) for values in (x, y))
    for attribute, key in (("group", "groups"), ("dilations", "dilation")):
        if attribute in attributes:
            return refuse_key(source, kind, x.shape, filters, kernel, stride, padding, key, by(np.ravel(attributes[attribute])))
    if len(sizes) > 2:
        return write("refused", source, problem(kind, x.shape, filters, kernel, stride, padding),
                     f"'{by(x.shape[1:])}' is not a shape; write 28x28x1, say, for rows x columns x channels (1 to 9999)")
    output = f" output={by(y.shape[1:3])}" if {"output_padding", "output_shape"} & attributes.keys() else ""
    write("case", source, problem(kind, x.shape, filters, kernel, stride, padding, output), numbers(x), numbers(np.transpose(w, (2, 3, 1, 0))),
          numbers(y))


def onnx_cases():
    conv.expect = convtranspose.expect = onnx_case
    for cases in (conv.Conv, convtranspose.ConvTranspose):
        for name in dir(cases):
            if name.startswith("export"):
                getattr(cases, name)()


# Keras


def integers(shape, seed):
    """Returns small random integers, without zeros or symmetry."""
    random = np.random.default_rng(seed)
    return random.choice([-4, -3, -2, -1, 1, 2, 3, 4], shape).astype(np.float32)


def keras_case(source, kind, x, kernel_values, filters, stride, padding, output_padding=None):
    """Prints the output of Keras's layer for x. The layer has one dimension if x has."""
    dimensions = x.ndim - 2
    transpose = kind == "conv2d_transpose"
    layer = getattr(keras.layers, f"Conv{dimensions}D" + ("Transpose" if transpose else ""))(
        filters, kernel_values.shape[:dimensions], stride, padding, **({"output_padding": output_padding} if transpose else {}))
    layer.build(x.shape)
    layer.set_weights([kernel_values, np.zeros(filters)])
    y = np.array(layer(x))
    rows = [1] * (2 - dimensions)
    output = f" output={by([*rows, *y.shape[1:-1]])}" if output_padding else ""
    write("case", source, problem(kind, [x.shape[0], *rows, *x.shape[1:]], filters, [*rows, *kernel_values.shape[:dimensions]], [*rows, *stride],
                                  padding, output), numbers(x), numbers(kernel_values), numbers(y))


def keras_kernel(kind, kernel, channels, filters):
    return integers((*kernel, filters, channels) if kind == "conv2d_transpose" else (*kernel, channels, filters), 2)


def keras_own_cases():
    """Prints the cases of keras/src/layers/convolutional/conv_test.py and conv_transpose_test.py. Their random inputs are integers here,
    and only 1x3x3x4 for transposed convolutions, as the output would be large. Cases with groups also run without them, for geometry."""
    source = "Keras conv_test.py test_conv2d"
    for filters, kernel, stride, padding, note in [(5, (2, 2), (1, 1), "valid", ""), (4, (3, 3), (2, 2), "same", ""),
                                                   (6, (4, 3), (2, 1), "valid", ", without its groups")]:
        keras_case(source + note, "conv2d", integers((2, 8, 8, 4), 1), keras_kernel("conv2d", kernel, 4, filters), filters, stride, padding)
    for kernel, stride, padding, key, value in [((2, 2), (1, 1), "same", "dilation", 2), ((2, 2), (1, 1), "same", "dilation", "2x3"),
                                                ((4, 3), (2, 1), "valid", "groups", 2), ((4, 3), (2, 1), "valid", "groups", 2)]:
        refuse_key(source, "conv2d", (2, 8, 8, 4), 6, kernel, stride, padding, key, value)
    source = "Keras conv_test.py test_conv2d_basic"
    write("shape", source, problem("conv2d", (3, 5, 5, 4), 5, (2, 2), (1, 1), "valid"), "4x4x5")
    write("shape", source + ", without its groups", problem("conv2d", (3, 5, 5, 4), 6, (2, 2), (2, 1), "valid"), "2x4x6")
    refuse_key(source, "conv2d", (3, 4, 4, 4), 6, (2, 2), (1, 1), "same", "dilation", 2)
    refuse_key(source, "conv2d", (3, 5, 5, 4), 6, (2, 2), (2, 1), "valid", "groups", 2)

    source = "Keras conv_transpose_test.py test_conv2d_transpose"
    for filters, kernel, stride, padding, output_padding in [(5, (2, 2), (2, 2), "valid", None), (6, (7, 7), (16, 16), "same", 2),
                                                             (6, (2, 3), (2, 1), "valid", None), (2, (7, 7), (16, 16), "valid", None)]:
        keras_case(source, "conv2d_transpose", integers((1, 3, 3, 4), 3), keras_kernel("conv2d_transpose", kernel, 4, filters), filters,
                   stride, padding, output_padding)
    source = "Keras conv_transpose_test.py test_conv2d_transpose_basic"
    for shape, filters, kernel, stride, output in [((2, 8, 8, 4), 5, (2, 2), (2, 2), "16x16x5"),
                                                   ((2, 8, 8, 4), 6, (2, 3), (2, 1), "16x10x6"),
                                                   ((1, 14, 14, 2), 2, (7, 7), (16, 16), "224x224x2")]:
        write("shape", source, problem("conv2d_transpose", shape, filters, kernel, stride, "valid"), output)
    write("shape", source, problem("conv2d_transpose", (2, 8, 8, 4), 6, (2, 2), (3, 3), "same", " output=23x23"), "23x23x6")
    source = "Keras conv_transpose_test.py test_bad_init_args"
    for filters, stride, output_padding, what in [(2, (2, 2), (3, 3), "height cannot be 10; of 3 it can be 7 to 8"),
                                                  (2, (2, 3), (1, 3), "width cannot be 12; of 3 it can be 9 to 11"),
                                                  (16, (1, 1), (1, 1), "height cannot be 6; of 3 it can be 5 to 5")]:
        output = [2 * s + 3 + p for s, p in zip(stride, output_padding)]
        write("refused", source, problem("conv2d_transpose", (1, 3, 3, 1), filters, (3, 3), stride, "valid", f" output={by(output)}"),
              f"the output's {what} here")


def keras_grid():
    """Prints cases of kernel x stride x padding: Keras's own grid on three ones, and what that leaves out: convolutions, two different
    dimensions, several channels."""
    source = "Keras conv_transpose_test.py test_conv1d_transpose_consistency"
    for kernel, stride, padding in itertools.product(range(1, 5), range(1, 5), ("same", "valid")):
        ramp = np.arange(1, kernel + 1, dtype=np.float32).reshape(kernel, 1, 1)
        keras_case(source, "conv2d_transpose", np.ones((1, 3, 1)), ramp, 1, (stride,), padding)
        keras_case("Keras's grid, a row", "conv2d", integers((1, 5, 1), 4), ramp, 1, (stride,), padding)
        for kind, shape in [("conv2d", (1, 5, 4, 2)), ("conv2d_transpose", (1, 2, 3, 2))]:
            keras_case("Keras's grid, asymmetric", kind, integers(shape, 5), keras_kernel(kind, (kernel, 5 - kernel), 2, 3), 3,
                       (stride, 5 - stride), padding)
        for output_padding in range(1, stride):
            keras_case(source, "conv2d_transpose", np.ones((1, 3, 1)), ramp, 1, (stride,), padding, output_padding)


write(f"# Written by published.py: onnx {onnx.__version__}, Keras {keras.__version__} on TensorFlow. The formats are described there.")
onnx_cases()
keras_own_cases()
keras_grid()
