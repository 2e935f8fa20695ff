"""Imports each published autoencoder from the file that Keras or PyTorch saves of it, and compares what both compute.

    python published_tests.py --bin build/bin --python build/venv/bin/python

The networks are those that people start from: Keras's and TensorFlow's own examples, PyTorch Lightning's course, MLPerf Tiny, and
Bergmann and others, arXiv:1807.02011. Exits with 1 if something differs, 77 without a peer.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
warnings.simplefilter("ignore")
try:
    import keras
    import numpy as np
    import torch
    from keras.layers import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Dense, Dropout, Flatten, LeakyReLU, MaxPooling2D, Reshape, UpSampling2D
    from torch import nn
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh peers installs what is missing")
    sys.exit(77)

from reference import read_safetensors, reconstruct

ROOT = pathlib.Path(__file__).resolve().parents[2]
PUBLISHED = ROOT / "tests" / "networks" / "published"  # by hand
IMPORTER = ROOT / "train" / "importer"
OWN = {"notebook": ROOT / "train" / "mnist_cae.castnet"}
BOUND = 1e-5  # of the largest output


def relu(layer, filters, kernel, strides=1, padding="same"):
    return layer(filters, kernel, strides=strides, padding=padding, activation="relu")


def notebook() -> list:
    return [keras.Input((28, 28, 1)), relu(Conv2D, 32, 3, 2), relu(Conv2D, 64, 3, 2), Conv2D(2, 7),
            relu(Conv2DTranspose, 64, 7, padding="valid"), relu(Conv2DTranspose, 32, 3, 2), Conv2DTranspose(1, 7, 2, padding="same")]


def keras_blog() -> list:
    encoder = [relu(Conv2D, 16, 3), MaxPooling2D(2, padding="same"), relu(Conv2D, 8, 3), MaxPooling2D(2, padding="same"), relu(Conv2D, 8, 3),
               MaxPooling2D(2, padding="same")]
    decoder = [relu(Conv2D, 8, 3), UpSampling2D(2), relu(Conv2D, 8, 3), UpSampling2D(2), relu(Conv2D, 16, 3, padding="valid"), UpSampling2D(2)]
    return [keras.Input((28, 28, 1)), *encoder, *decoder, Conv2D(1, 3, padding="same", activation="sigmoid")]


def keras_denoise() -> list:
    return [keras.Input((28, 28, 1)), relu(Conv2D, 32, 3), MaxPooling2D(2, padding="same"), relu(Conv2D, 32, 3), MaxPooling2D(2, padding="same"),
            relu(Conv2D, 32, 3), UpSampling2D(2), relu(Conv2D, 32, 3), UpSampling2D(2), Conv2D(1, 3, padding="same", activation="sigmoid")]


def keras_timeseries() -> list:
    return [keras.Input((288, 1)), relu(Conv1D, 32, 7, 2), Dropout(0.2), relu(Conv1D, 16, 7, 2),
            relu(Conv1DTranspose, 16, 7, 2), Dropout(0.2), relu(Conv1DTranspose, 32, 7, 2), Conv1DTranspose(1, 7, padding="same")]


def tf_basic() -> list:
    return [keras.Input((28, 28)), Flatten(), Dense(64, activation="relu"), Dense(784, activation="sigmoid"), Reshape((28, 28))]


def tf_denoise() -> list:
    return [keras.Input((28, 28, 1)), relu(Conv2D, 16, 3, 2), relu(Conv2D, 8, 3, 2), relu(Conv2DTranspose, 8, 3, 2), relu(Conv2DTranspose, 16, 3, 2),
            Conv2D(1, 3, padding="same", activation="sigmoid")]


def tf_ecg() -> list:
    return [keras.Input((140,)), *(Dense(units, activation="relu") for units in (32, 16, 8, 16, 32)), Dense(140, activation="sigmoid")]


def industrial() -> list:
    sizes = [(32, 4, 2), (32, 4, 2), (32, 3, 1), (64, 4, 2), (64, 3, 1), (128, 4, 2), (64, 3, 1), (32, 3, 1)]
    layers = [part for size in sizes for part in (Conv2D(size[0], size[1], size[2], padding="same"), LeakyReLU(negative_slope=0.2))]
    layers += [Conv2D(100, 8), Conv2DTranspose(32, 8), LeakyReLU(negative_slope=0.2)]
    filters = [size[0] for size in sizes[-2::-1]] + [3]
    for (_, kernel, stride), count in zip(sizes[::-1], filters):
        kind = Conv2DTranspose if stride == 2 else Conv2D
        layers += [kind(count, kernel, stride, padding="same"), LeakyReLU(negative_slope=0.2)]
    return [keras.Input((128, 128, 3)), *layers[:-1]]


def toy_car_dense() -> list:
    return [keras.Input((640,)), *(Dense(units, activation="relu") for units in (128, 128, 128, 128, 8, 128, 128, 128, 128)), Dense(640)]


def cifar_lightning() -> nn.Module:
    encoder = [nn.Conv2d(3, 32, 3, 2, 1), nn.GELU(), nn.Conv2d(32, 32, 3, 1, 1), nn.GELU(), nn.Conv2d(32, 64, 3, 2, 1), nn.GELU(), nn.Conv2d(64, 64, 3, 1, 1),
               nn.GELU(), nn.Conv2d(64, 64, 3, 2, 1), nn.GELU(), nn.Flatten(), nn.Linear(1024, 128)]
    decoder = [nn.Linear(128, 1024), nn.GELU(), nn.Unflatten(1, (64, 4, 4)), nn.ConvTranspose2d(64, 64, 3, 2, 1, 1), nn.GELU(), nn.Conv2d(64, 64, 3, 1, 1),
               nn.GELU(), nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.GELU(), nn.Conv2d(32, 32, 3, 1, 1), nn.GELU(), nn.ConvTranspose2d(32, 3, 3, 2, 1, 1), nn.Tanh()]
    return nn.Sequential(*encoder, *decoder).eval()


KERAS = {"notebook": (notebook, "mse", (1, 1, 2)), "keras_blog": (keras_blog, "binary_crossentropy", (4, 4, 8)),
         "keras_denoise": (keras_denoise, "binary_crossentropy", (7, 7, 32)), "keras_timeseries": (keras_timeseries, "mse", (1, 72, 16)),
         "tf_basic": (tf_basic, "mse", (1, 1, 64)), "tf_denoise": (tf_denoise, "mse", (7, 7, 8)), "tf_ecg": (tf_ecg, "mae", (1, 1, 8)),
         "industrial": (industrial, "mse", (1, 1, 100)), "toy_car_dense": (toy_car_dense, "mse", (1, 1, 8))}


def save_keras(name: str, folder: pathlib.Path, rng: np.random.Generator) -> tuple[list[pathlib.Path], np.ndarray, np.ndarray]:
    """Returns the file, images and what the model makes of them."""
    layers, loss, _ = KERAS[name]
    model = keras.Sequential(layers())
    for weight in model.weights:
        if weight.path.endswith("bias"):
            weight.assign(rng.normal(0, 0.1, weight.shape))
    model.compile("adam", loss)
    x = rng.random((2, *model.input_shape[1:]), np.float32)
    path = folder / f"{name}.keras"
    model.save(path)
    return [path], x, np.asarray(model(x, training=False))


def save_lightning(folder: pathlib.Path, rng: np.random.Generator) -> tuple[list[pathlib.Path], np.ndarray, np.ndarray]:
    """Saves a graph, and beside it other weights. Returns the files, images and what the model makes of them, with the channels last."""
    x = rng.uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
    graph, weights = folder / "cifar_lightning.onnx", folder / "cifar_lightning.pt"
    torch.onnx.export(cifar_lightning(), (torch.from_numpy(x),), graph, dynamo=False)
    model = cifar_lightning()
    torch.save(model.state_dict(), weights)
    with torch.no_grad():
        y = model(torch.from_numpy(x)).numpy()
    return [graph, weights], x.transpose(0, 2, 3, 1), y.transpose(0, 2, 3, 1)


def layers_of(programs: pathlib.Path, network: pathlib.Path) -> list[tuple]:
    """Returns what each layer of a network computes, and of which part it is."""
    described = json.loads(subprocess.run([programs / "castnet", "describe", "--json", network], capture_output=True, text=True, check=True).stdout)
    return [tuple(layer[key] for key in ("kind", "part", "input", "output", "kernel", "stride", "pad", "activation", "rate", "interpolation"))
            for layer in described["layers"]]


def check(name: str, saved: tuple, code: tuple[int, int, int], folder: pathlib.Path, options: argparse.Namespace) -> bool:
    files, x, want = saved
    command = [options.python, IMPORTER, *files, "--output", folder, "--castnet", options.bin / "castnet"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    text = (folder / f"{name}.castnet").read_text()
    shape = [int(extent) for extent in text.split("input ")[1].split()[0].split("x")]
    got = reconstruct(text, read_safetensors(folder / f"{name}.safetensors")[0], x.reshape(len(x), *shape))
    same = layers_of(options.bin, folder / f"{name}.castnet") == layers_of(options.bin, OWN.get(name, PUBLISHED / f"{name}.castnet"))
    difference = np.max(np.abs(got.reshape(want.shape) - want)) / np.max(np.abs(want))
    fails = difference > BOUND or f"the code is {'x'.join(map(str, code))}," not in printed or "note:" in printed or not same
    print(f"{name:<20} {difference:.1e}, allowed {BOUND:.0e}{'   FAILED: ' + printed if fails else ''}")
    return fails


def main() -> int:
    parser = argparse.ArgumentParser(description="Imports published autoencoders that Keras and PyTorch saved.")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--python", type=pathlib.Path, required=True, help="with the libraries of the import, and without the frameworks")
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="castnet-published-") as temporary:
        folder = pathlib.Path(temporary)
        fails = [check(name, save_keras(name, folder, rng), code, folder, options) for name, (_, _, code) in KERAS.items()]
        fails.append(check("cifar_lightning", save_lightning(folder, rng), (1, 1, 128), folder, options))
    return 1 if any(fails) else 0


if __name__ == "__main__":
    sys.exit(main())
