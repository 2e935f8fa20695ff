"""Compares outputs, the loss and every gradient with Keras's, on the same random weights, images and targets.

    python compare_with_keras.py --bin build/bin [--bound 1e-4] FILE…      the .castnet files

Prints a line per network: the largest difference of any tensor, relative to that tensor's largest magnitude. Exits with 1 above the
bound, and with 77 if Keras is not installed.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
try:
    import keras
    import numpy as np
    import tensorflow as tf
    from safetensors.numpy import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh peers installs what is missing")
    sys.exit(77)

from network_language import Layer, Network, program, read_network


def build_layer(layer: Layer) -> keras.Layer:
    common = {"activation": layer.activation, "kernel_regularizer": keras.regularizers.L2(layer.l2) if layer.l2 else None, "name": layer.name,
              "trainable": layer.trainable}
    window = (layer.kernel, layer.strides, layer.padding)
    builders = {"dense": lambda: keras.layers.Dense(layer.filters, **common),
                "conv2d": lambda: keras.layers.Conv2D(layer.filters, *window, **common),
                "conv2d_transpose": lambda: keras.layers.Conv2DTranspose(layer.filters, *window, **common),
                "max_pool": lambda: keras.layers.MaxPooling2D(*window), "average_pool": lambda: keras.layers.AveragePooling2D(*window),
                "upsample": lambda: keras.layers.UpSampling2D(layer.kernel, interpolation=layer.interpolation),
                "dropout": lambda: keras.layers.Dropout(layer.rate)}
    return builders[layer.kind]()


def build(network: Network) -> keras.Model:
    model = keras.Sequential([keras.Input(network.input)])
    shape = network.input
    for layer in network.layers:
        if layer.kind == "dense":
            model.add(keras.layers.Flatten())
        elif layer.input != shape:
            model.add(keras.layers.Reshape(layer.input))
        model.add(build_layer(layer))
        shape = None if layer.kind == "dense" else layer.output
    if network.output != shape:
        model.add(keras.layers.Reshape(network.output))
    return model


def by_name(model: keras.Model, weights: list, values: list) -> dict:
    names = [weight.path.removeprefix(model.name + "/") for weight in weights]
    return {name: np.asarray(value) for name, value in zip(names, values, strict=True)}


def loss_of(network: Network):
    """Returns the loss. Keras computes binary cross-entropy from what it finds that a softmax took, as if a sigmoid had; a copy has none."""
    loss = keras.losses.get(network.loss)
    return loss if network.layers[-1].activation == "sigmoid" else lambda targets, outputs: loss(targets, tf.identity(outputs))


def randomize_biases(model: keras.Model, rng: np.random.Generator) -> None:
    for weight in model.weights:
        if weight.path.endswith("/bias"):
            weight.assign(rng.normal(0, 0.1, weight.shape))


def relative_difference(got: np.ndarray, want: np.ndarray) -> float:
    if got.shape != want.shape:
        raise SystemExit(f"error: a tensor has shape {got.shape} here and {want.shape} in Keras")
    return float(np.max(np.abs(got - want)) / max(np.max(np.abs(want)), 1e-30))


def compare(network: Network, programs: pathlib.Path, folder: pathlib.Path, rng: np.random.Generator) -> dict[str, float]:
    model = build(network)
    randomize_biases(model, rng)
    images = rng.random((5, *network.input), np.float32)
    targets = rng.random((5, *network.output), np.float32)
    with tf.GradientTape() as tape:
        outputs = model(images)
        loss = tf.reduce_mean(loss_of(network)(targets, outputs)) + sum(model.losses)
    want = by_name(model, model.trainable_variables, tape.gradient(loss, model.trainable_variables))
    want |= {"loss": np.asarray(loss), "outputs": np.asarray(outputs)}

    explore = program(programs, "explore", network.name)
    files = {name: folder / name for name in ("model.safetensors", "x.npy", "t.npy", "y.npy", "g.safetensors")}
    save_file(by_name(model, model.weights, model.get_weights()), files["model.safetensors"])
    np.save(files["x.npy"], images)
    np.save(files["t.npy"], targets)
    common = ["--model", files["model.safetensors"], "--images", files["x.npy"]]
    subprocess.run([explore, "reconstruct", *common, "--out", files["y.npy"]], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([explore, "gradients", *common, "--targets", files["t.npy"], "--out", files["g.safetensors"]], check=True,
                   stdout=subprocess.DEVNULL)
    got = load_file(files["g.safetensors"]) | {"outputs": np.load(files["y.npy"])}
    if got.keys() != want.keys():
        raise SystemExit(f"error: {network.name}: the tensors are {sorted(got)} here and {sorted(want)} in Keras")
    return {name: relative_difference(got[name], want[name]) for name in want}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares networks with Keras.")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--bound", type=float, default=1e-4)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    worst = 0.0
    for network in [read_network(options.bin / "castnet", file) for file in options.files]:
        with tempfile.TemporaryDirectory() as folder:
            differences = compare(network, options.bin, pathlib.Path(folder), rng)
        name = max(differences, key=differences.__getitem__)
        print(f"{network.name:<16} {len(differences):>3} tensors, largest relative difference {differences[name]:.1e} ({name})")
        worst = max(worst, differences[name])
    print(f"{'worst':<16} {worst:.1e}, allowed {options.bound:.0e}")
    return 0 if worst <= options.bound else 1


if __name__ == "__main__":
    sys.exit(main())
