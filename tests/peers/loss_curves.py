"""Trains every published network in Castnet and in the framework that it comes from, on the same real data, and compares the losses.

    python loss_curves.py --bin build/bin [--data DIR] [NAME…]      the folder holds MNIST or Fashion-MNIST

Each trains three epochs from three seeds. Both begin with Castnet's initial weights of the seed; shuffling and dropout are their own.
Prints each epoch's mean and spread, and exits with 1 if the means differ by more than the noise allows, and with 77 without a peer
or data.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.modules["triton"] = None  # no process bears its LLVM beside TensorFlow's
try:
    import numpy as np
    import torch
    from compare_with_keras import build, by_name, keras, load_file, loss_of
    from pytorch_network import Model, Trainer
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh peers installs what is missing")
    sys.exit(77)

from network_language import Network, program, read_network

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / folder) for folder in ("benchmark", "networks")]
from benchmark import default_data
from idx import read_images
from sources import SOURCES

EPOCHS, SEEDS = 3, (1, 2, 3)


def grids_of(digits: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Makes grids of digits, 28x28x1: windows of rows one after another, or magnified images within a margin, a digit a channel."""
    height, width, channels = shape
    if height == 1:
        begin = (784 - width * channels) // 2
        return digits.reshape(len(digits), 784)[:, begin:begin + width * channels].reshape(-1, *shape)
    coloured = np.concatenate([np.roll(digits, channel, axis=0) for channel in range(channels)], axis=3)
    large = coloured.repeat(height // 28, axis=1).repeat(width // 28, axis=2)
    margins = [(side // 2, side - side // 2) for side in (height - large.shape[1], width - large.shape[2])]
    return np.pad(large, [(0, 0), *margins, (0, 0)])


class Castnet:
    """Runs train of one network on x.npy in a folder."""

    def __init__(self, network: Network, programs: pathlib.Path, folder: pathlib.Path, batch_size: int):
        self.train, self.folder, self.batch_size = program(programs, "train", network.name), folder, batch_size

    def run(self, name: str, *options) -> pathlib.Path:
        command = [self.train, "--quiet", "--no-figures", "--data", "x.npy", "--batch-size", self.batch_size, "--run-dir", name, *options]
        subprocess.run([str(word) for word in command], check=True, cwd=self.folder)
        return self.folder / name

    def initial_weights(self, seed: int) -> dict[str, np.ndarray]:
        weights = load_file(self.run(f"start_{seed}", "--seed", seed, "--epochs", 0) / "model.safetensors")
        return {name: value for name, value in weights.items() if not name.startswith("self_test/")}

    def losses(self, seed: int) -> list[float]:
        run = self.run(f"run_{seed}", "--seed", seed, "--epochs", EPOCHS, "--init", f"start_{seed}/model.safetensors")
        return np.loadtxt(run / "history.csv", delimiter=",", skiprows=1, usecols=1).tolist()


def keras_losses(network: Network, weights: dict, images: np.ndarray, batch_size: int, seed: int) -> list[float]:
    keras.utils.set_random_seed(seed)
    model = build(network)
    model.set_weights([weights[name] for name in by_name(model, model.weights, model.get_weights())])
    model.compile(keras.optimizers.Adam(1e-3), loss_of(network), jit_compile=False)
    return model.fit(images, images, batch_size, EPOCHS, verbose=0).history["loss"]


def pytorch_losses(network: Network, weights: dict, images: np.ndarray, batch_size: int, seed: int) -> list[float]:
    torch.manual_seed(seed)
    model = Model(network)
    model.load(weights)
    trainer = Trainer(model, images, batch_size)
    return [trainer.epoch() for _ in range(EPOCHS)]


def compare(network: Network, programs: pathlib.Path, images: np.ndarray, batch_size: int) -> bool:
    """Returns whether the means agree.

    Two runs of a seed begin with the same weights, so that only their difference is noise: the initial weights spread the losses much
    further. Allowed are four standard errors of the three differences, and 2 % of the loss, as three may be alike by chance. That is
    narrow: Adam with epsilon where PyTorch has it moves the first epoch of cifar_lightning by 14 %.
    """
    is_keras = all(layer.padding in ("same", "valid") for layer in network.layers)
    peer, peer_losses = ("Keras", keras_losses) if is_keras else ("PyTorch", pytorch_losses)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", images)
        castnet = Castnet(network, programs, pathlib.Path(folder), batch_size)
        starts = {seed: castnet.initial_weights(seed) for seed in SEEDS}
        ours = np.array([castnet.losses(seed) for seed in SEEDS])
    theirs = np.array([peer_losses(network, start, images, batch_size, seed) for seed, start in starts.items()])
    agree = True
    for epoch, (mine, others) in enumerate(zip(ours.T, theirs.T), 1):
        difference, noise = np.mean(mine - others), np.std(mine - others, ddof=1) / np.sqrt(len(SEEDS))
        allowed = 4 * noise + 0.02 * others.mean()
        is_near = abs(difference) <= allowed
        print(f"{network.name:<16} epoch {epoch}   Castnet {mine.mean():.5f} ± {mine.std(ddof=1):.5f}   {peer:<7} {others.mean():.5f} ± "
              f"{others.std(ddof=1):.5f}   difference {difference:+.5f} ± {noise:.5f}, allowed {allowed:.5f}{'' if is_near else '   FAILED'}",
              flush=True)
        agree = agree and is_near
    return agree


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares loss curves with Keras's and PyTorch's.")
    parser.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--data", type=pathlib.Path, default=default_data(), help="by default CASTNET_DATA, else the cache")
    parser.add_argument("names", nargs="*", default=[source.name for source in SOURCES])
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"skipped: there is no {options.data}; give MNIST or Fashion-MNIST by CASTNET_DATA")
        return 77
    digits = read_images(options.data, "train", tuple(range(10)))
    agree = True
    for source in SOURCES:
        if source.name not in options.names:
            continue
        network = read_network(options.bin / "castnet", source.file)
        size = np.prod(network.input)
        images = grids_of(digits[:256 if size > 10_000 else 4096], network.input)
        scale = 2 if network.layers[-1].activation == "tanh" else 1  # from -1 to 1
        agree = compare(network, options.bin, scale * images - np.float32(scale - 1), source.batch_size) and agree
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
