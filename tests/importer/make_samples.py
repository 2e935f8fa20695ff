"""Makes samples/, the files that the import is tested with: models that Keras and PyTorch saved, an image and what they make of it.

    build/peers/bin/python tests/importer/make_samples.py

NAME.npz holds the images (x) and outputs (y) of NAME.keras, NAME.h5 or NAME.onnx, both in Castnet's order (n, h, w, c).
"""
import os
import pathlib
import warnings
import zipfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
warnings.simplefilter("ignore")
import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402
from keras import layers  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

FOLDER = pathlib.Path(__file__).parent / "samples"
rng = np.random.default_rng(1)


def images(shape: tuple[int, ...]) -> np.ndarray:
    return rng.random((3, *shape), np.float32)


def stir(model: keras.Model) -> None:
    """Makes biases and the statistics of batch normalization other than they begin."""
    for weight in model.weights:
        if not weight.path.endswith("kernel"):
            weight.assign(rng.uniform(0.2, 1, weight.shape))


def keep_keras(name: str, model: keras.Model, grid: tuple[int, int, int], loss="mse", suffix="keras", output=None) -> None:
    stir(model)
    model.compile("adam", loss)
    x = images(model.input_shape[1:])
    y = np.asarray(model(x, training=False))
    model.save(FOLDER / f"{name}.{suffix}", include_optimizer=False)
    np.savez_compressed(FOLDER / f"{name}.npz", x=x.reshape(3, *grid), y=y.reshape(3, *(output or grid)))


def channels_last(x: np.ndarray) -> np.ndarray:
    """Returns torch's (n, c, h, w) or (n, c, w) as Castnet's (n, h, w, c)."""
    return x.transpose(0, 2, 3, 1) if x.ndim == 4 else x.transpose(0, 2, 1)[:, None] if x.ndim == 3 else x[:, None, None]


def keep_torch(name: str, model: nn.Module, shape: tuple[int, ...], **export) -> None:
    model.eval()
    x = images(shape)
    with torch.no_grad():
        y = model(torch.from_numpy(x)).numpy()
    torch.onnx.export(model, (torch.from_numpy(x),), FOLDER / f"{name}.onnx", dynamo=False, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, **export)
    np.savez_compressed(FOLDER / f"{name}.npz", x=channels_last(x), y=channels_last(y))


def stir_torch(model: nn.Module) -> nn.Module:
    """Makes the statistics of batch normalization other than they begin."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.uniform_(-1, 1), module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2), module.bias.data.uniform_(-1, 1)
    return model


# Keras.

def digits() -> keras.Model:
    """Nested models, as the documentation of Keras shows them; frozen, with a penalty and with names of the user's."""
    encoder = keras.Sequential([
        keras.Input((12, 10, 1)),
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="first"),
        layers.Conv2D(6, (3, 2), strides=2, padding="same", activation="elu", kernel_regularizer="l2", name="Second")], name="encoder")
    decoder = keras.Sequential([
        keras.Input((3, 3, 6)),
        layers.Conv2DTranspose(4, 3, strides=(2, 1), padding="same", use_bias=False),
        layers.LeakyReLU(negative_slope=0.1),
        layers.Conv2DTranspose(1, (4, 4), strides=(2, 3), activation="sigmoid"),
        layers.Cropping2D(((1, 1), (0, 0)))], name="decoder")
    encoder.layers[0].trainable = False
    image = keras.Input((12, 10, 1))
    return keras.Model(image, decoder(encoder(image)))


def pools() -> keras.Model:
    return keras.Sequential([
        keras.Input((12, 12, 1)),
        layers.Conv2D(4, 3, padding="same", activation="relu"), layers.MaxPooling2D(2, padding="same"), layers.Dropout(0.25),
        layers.Conv2D(3, 3, padding="same", activation="relu"), layers.AveragePooling2D((3, 2), strides=(2, 3), padding="same"),
        layers.Conv2D(3, 3, padding="same", activation="gelu"), layers.UpSampling2D((2, 3)),
        layers.Conv2D(4, 3, padding="same", activation="swish"), layers.UpSampling2D(2, interpolation="bilinear"),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid")])


def signal() -> keras.Model:
    return keras.Sequential([
        keras.Input((24, 2)),
        layers.Conv1D(6, 5, strides=2, padding="same", activation="relu"), layers.Conv1D(4, 5, strides=2, padding="same", activation="softplus"),
        layers.Conv1DTranspose(4, 5, strides=2, padding="same", activation="tanh"), layers.Conv1DTranspose(6, 5, strides=2, padding="same"),
        layers.Activation("relu"), layers.Conv1DTranspose(2, 5, padding="same")])


def basic() -> keras.Model:
    return keras.Sequential([keras.Input((6, 5)), layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(30, activation="sigmoid"),
                             layers.Reshape((6, 5))])


def normalized() -> keras.Model:
    """Batch normalization behind a convolution, behind a pool, behind an activation, and before a dense layer."""
    return keras.Sequential([
        keras.Input((9, 8, 2)),
        layers.ZeroPadding2D(((1, 0), (0, 1))), layers.Conv2D(4, 3, strides=2, use_bias=False), layers.BatchNormalization(), layers.ReLU(),
        layers.BatchNormalization(), layers.Conv2D(6, 2, activation="relu"), layers.BatchNormalization(), layers.Flatten(),
        layers.Dense(7), layers.BatchNormalization(), layers.Dense(36), layers.Reshape((3, 3, 4)),
        layers.BatchNormalization(scale=False), layers.Activation("tanh"),
        layers.Conv2DTranspose(2, (5, 4), strides=2, use_bias=False), layers.BatchNormalization(center=False)])


def colours() -> keras.Model:
    """Larger images, in colour, from grey ones."""
    return keras.Sequential([keras.Input((5, 6, 1)), layers.Conv2D(2, 3, strides=2, padding="same", activation="relu"),
                             layers.Conv2DTranspose(3, 4, strides=3, padding="same", activation="sigmoid")])


def per_pixel() -> keras.Model:
    """Dense layers on an image."""
    return keras.Sequential([keras.Input((4, 5, 3)), layers.Dense(2, activation="relu"), layers.Dense(3, activation="softmax")])


# PyTorch.

def lightning() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.GELU(), nn.Conv2d(4, 6, 3, 2, 1), nn.GELU(), nn.Flatten(), nn.Linear(96, 5),
        nn.Linear(5, 96), nn.GELU(), nn.Unflatten(1, (6, 4, 4)),
        nn.ConvTranspose2d(6, 4, 3, 2, 1, 1), nn.SiLU(), nn.ConvTranspose2d(4, 3, 3, 2, 1, 1), nn.Tanh())


def torch_pools() -> nn.Module:
    return stir_torch(nn.Sequential(
        nn.ZeroPad2d((1, 0, 0, 1)), nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.LeakyReLU(0.1),
        nn.Conv2d(4, 3, 3, padding=1), nn.ELU(), nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.ConvTranspose2d(3, 2, 4, 2, 1), nn.Softplus()))


class View(nn.Module):
    """Shapes that are computed while the graph runs, and a dense layer on sequences."""

    def __init__(self):
        super().__init__()
        self.down, self.code, self.up, self.last = nn.Conv1d(2, 3, 3, 2, 1), nn.Linear(18, 4), nn.Linear(4, 18), nn.ConvTranspose1d(3, 2, 4, 2, 1)

    def forward(self, x):
        y = torch.relu(self.down(x))
        y = self.code(y.view(y.size(0), -1))
        return torch.sigmoid(self.last(torch.relu(self.up(y)).reshape(x.shape[0], 3, -1)))


# What cannot be cast.

class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(4)

    def call(self, x):
        return self.dense(x)


def refused() -> None:
    image = keras.Input((6, 6, 1))
    y = layers.Conv2D(1, 3, padding="same", name="left")(image)
    skip = keras.Model(image, layers.Add(name="join")([y, layers.Conv2D(1, 3, padding="same")(y)]))
    sequence = keras.Input((6, 4))
    attention = keras.Model(sequence, layers.MultiHeadAttention(1, 4, name="attention_1")(sequence, sequence))
    lambdas = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Lambda(lambda x: x * 2, name="twice"), layers.Dense(4)])
    subclassed = Subclassed()
    subclassed(np.zeros((1, 4), np.float32))
    for name, model in (("skip", skip), ("attention", attention), ("lambda", lambdas), ("subclassed", subclassed)):
        model.save(FOLDER / f"refused_{name}.keras")
    torch.onnx.export(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Hardswish(), nn.ConvTranspose2d(1, 1, 3)), (torch.zeros(1, 1, 6, 6),),
                      FOLDER / "refused_hardswish.onnx", dynamo=False)


def compress(path: pathlib.Path) -> None:
    """Packs a .keras file again: HDF5's many zeros need not be kept."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, contents in members.items():
            archive.writestr(zipfile.ZipInfo(name), contents, zipfile.ZIP_DEFLATED)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    keras.utils.set_random_seed(1)
    keep_keras("digits", digits(), (12, 10, 1), keras.losses.Huber(0.5))
    keep_keras("pools", pools(), (12, 12, 1), "binary_crossentropy")
    keep_keras("signal", signal(), (1, 24, 2))
    keep_keras("basic", basic(), (6, 5, 1), "mae")
    keep_keras("normalized", normalized(), (9, 8, 2))
    keep_keras("per_pixel", per_pixel(), (4, 5, 3))
    keep_keras("colours", colours(), (5, 6, 1), output=(9, 9, 3))
    keep_keras("legacy", digits(), (12, 10, 1), suffix="h5")
    keep_torch("lightning", lightning(), (3, 16, 16))
    keep_torch("torch_pools", torch_pools(), (2, 12, 12))
    keep_torch("view", View(), (2, 12))
    kept = stir_torch(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.ConvTranspose2d(2, 1, 3)))
    keep_torch("weights", kept, (1, 6, 6), training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    graph = onnx.load(FOLDER / "weights.onnx")  # with other weights than those beside it
    for tensor in graph.graph.initializer:
        tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(list(tensor.dims), 0.5, np.float32), tensor.name))
    onnx.save(graph, FOLDER / "weights.onnx")
    torch.save(kept.state_dict(), FOLDER / "weights.pt")
    save_file(kept.state_dict(), FOLDER / "weights.safetensors")
    refused()
    for path in FOLDER.glob("*.keras"):
        compress(path)


if __name__ == "__main__":
    main()
