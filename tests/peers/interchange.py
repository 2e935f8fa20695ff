"""Sends models to Keras, PyTorch and ONNX Runtime and back.

    python interchange.py --bin build/bin --readme README.md FILE…      the .castnet files

Checks for each network: an Adam step in Keras and in Castnet, from the same weights on the same batch; the weights through Keras and
back, to the bit; the ONNX graph in ONNX Runtime. For networks with penalties: three steps of each optimizer. Then runs the README's
snippets. Exits with 1 if something differs, 77 without a peer.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnxruntime
    import torch
    from compare_with_keras import build, by_name, keras, load_file, loss_of, randomize_biases, relative_difference, save_file
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh peers installs what is missing")
    sys.exit(77)

from network_language import Network, program, read_network

BOUND = 1e-5  # of a tensor's largest magnitude
CLIP_NORM = 0.02  # clips the gradients of some tensors, and not of others
# Castnet's options, and Keras's optimizer.
OPTIMIZERS = {
    "adam --weight-decay 0.1": lambda: keras.optimizers.Adam(weight_decay=0.1),
    f"adam --clip-norm {CLIP_NORM}": lambda: keras.optimizers.Adam(clipnorm=CLIP_NORM),
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    f"sgd --weight-decay 0.1 --clip-norm {CLIP_NORM}": lambda: keras.optimizers.SGD(weight_decay=0.1, clipnorm=CLIP_NORM),
    "sgd --momentum 0.9": lambda: keras.optimizers.SGD(momentum=0.9),
    f"sgd --momentum 0.9 --nesterov --weight-decay 0.1 --clip-norm {CLIP_NORM}":
        lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=0.1, clipnorm=CLIP_NORM),
}
failures = 0


def report(what: str, difference: float, bound: float = BOUND) -> None:
    global failures
    failures += difference > bound
    print(f"{what:<58} {difference:.1e}, allowed {bound:.0e}{'   FAILED' if difference > bound else ''}")


class Castnet:
    """Runs the programs of one network on files in one folder."""

    def __init__(self, network: str, programs: pathlib.Path, folder: pathlib.Path):
        self.network, self.programs, self.folder = network, programs, folder

    def __call__(self, name: str, *arguments) -> None:
        subprocess.run([program(self.programs, name, self.network), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=self.folder)

    def train(self, run: str, *arguments) -> dict[str, np.ndarray]:
        """Trains on x.npy, to make t.npy of it if that is there, and returns the weights."""
        targets = ("--targets", "t.npy") if (self.folder / "t.npy").exists() else ()
        self("train", "--quiet", "--no-figures", "--data", "x.npy", *targets, "--run-dir", run, *arguments)
        return {name: value for name, value in load_file(self.folder / run / "model.safetensors").items() if not name.startswith("self_test/")}


def largest_difference(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> float:
    if got.keys() != want.keys():
        raise SystemExit(f"error: the tensors are {sorted(got)} here and {sorted(want)} there")
    return max(relative_difference(got[name], want[name]) for name in want)


def draws(network: Network) -> bool:
    """Returns whether training is not to be compared: each side draws its own dropout."""
    return any(layer.kind == "dropout" for layer in network.layers)


def check_network(network: Network, programs: pathlib.Path, folder: pathlib.Path, rng: np.random.Generator) -> None:
    castnet, model = Castnet(network.name, programs, folder), build(network)
    images = targets = rng.random((16, *network.input), np.float32)
    np.save(folder / "x.npy", images)
    if network.output != network.input:
        targets = rng.random((16, *network.output), np.float32)
        np.save(folder / "t.npy", targets)
    randomize_biases(model, rng)
    start = by_name(model, model.weights, model.get_weights())
    save_file(start, folder / "start.safetensors")

    after = castnet.train("step", "--epochs", "1", "--batch-size", "16", "--init", "start.safetensors")
    if not draws(network):
        model.compile(keras.optimizers.Adam(1e-3), loss_of(network))
        model.train_on_batch(images, targets)
        want = by_name(model, model.weights, model.get_weights())
        report(f"{network.name}: one step of Adam, Castnet and Keras", largest_difference(after, want))

    model.set_weights([after[name] for name in start])
    save_file(by_name(model, model.weights, model.get_weights()), folder / "back.safetensors")
    again = castnet.train("again", "--epochs", "0", "--init", "back.safetensors")
    report(f"{network.name}: weights through Keras and back", largest_difference(again, after), 0)

    model_file = "step/model.safetensors"
    castnet("explore", "reconstruct", "--model", model_file, "--images", "x.npy", "--out", "y.npy")
    castnet("explore", "encode", "--model", model_file, "--images", "x.npy", "--out", "z.npy")
    outputs, codes = np.load(folder / "y.npy"), np.load(folder / "z.npy")
    for part, inputs, want in (("all", images, outputs), ("encoder", images, codes), ("decoder", codes, outputs)):
        castnet("explore", "export", "--model", model_file, "--onnx", "m.onnx", "--part", part)
        session = onnxruntime.InferenceSession(folder / "m.onnx")
        report(f"{network.name}: ONNX Runtime, {part}", relative_difference(session.run(None, {"input": inputs})[0], want))


def check_optimizers(network: Network, programs: pathlib.Path, folder: pathlib.Path, rng: np.random.Generator) -> None:
    """Takes three steps on one batch, so that momentum counts."""
    castnet, model = Castnet(network.name, programs, folder), build(network)
    images = rng.random((16, *network.input), np.float32)
    np.save(folder / "x.npy", images)
    randomize_biases(model, rng)
    start = model.get_weights()
    save_file(by_name(model, model.weights, start), folder / "start.safetensors")
    for options, optimizer in OPTIMIZERS.items():
        model.set_weights(start)
        model.compile(optimizer(), loss_of(network))
        for _ in range(3):
            model.train_on_batch(images, images)
        after = castnet.train("steps", "--epochs", "3", "--batch-size", "16", "--init", "start.safetensors", "--optimizer", *options.split())
        report(f"{network.name}: three steps, --optimizer {options}", largest_difference(after, by_name(model, model.weights, model.get_weights())))


def check_readme(readme: pathlib.Path, programs: pathlib.Path, folder: pathlib.Path, rng: np.random.Generator) -> None:
    """Runs the README's Python beside a trained model, and compares its results with Castnet's."""
    castnet = Castnet("mnist_cae", programs, folder)
    images = rng.random((64, 28, 28, 1), np.float32)
    np.save(folder / "x.npy", images)
    weights = castnet.train("runs/mnist_cae", "--epochs", "1")
    castnet("explore", "reconstruct", "--model", "runs/mnist_cae/model.safetensors", "--images", "x.npy", "--out", "y.npy")
    outputs = np.load(folder / "y.npy")
    np.save(folder / "y.npy", images)  # the input of the README's session
    castnet("explore", "export", "--model", "runs/mnist_cae/model.safetensors", "--onnx", "model.onnx")
    names: dict = {}
    os.chdir(folder)
    for block in re.findall(r"```python\n(.*?)```", readme.read_text(), re.DOTALL):
        exec(compile(block, str(readme), "exec"), names)
    report("README: Keras", relative_difference(np.asarray(names["model"](images)), outputs))
    report("README: Keras, back", largest_difference(castnet.train("back", "--epochs", "0", "--init", "keras.safetensors"), weights), 0)
    with torch.no_grad():
        report("README: PyTorch", relative_difference(names["reconstruct"](torch.from_numpy(images).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy(), outputs))
    report("README: ONNX Runtime", relative_difference(names["outputs"], outputs))


def main() -> int:
    parser = argparse.ArgumentParser(description="Sends models to Keras, PyTorch and ONNX Runtime and back.")
    parser.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--readme", type=pathlib.Path, required=True)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    readme = options.readme.resolve()
    for network in [read_network(options.bin / "castnet", file) for file in options.files]:
        with tempfile.TemporaryDirectory() as folder:
            check_network(network, options.bin, pathlib.Path(folder), rng)
        if any(layer.l2 for layer in network.layers) and not draws(network):
            with tempfile.TemporaryDirectory() as folder:
                check_optimizers(network, options.bin, pathlib.Path(folder), rng)
    with tempfile.TemporaryDirectory() as folder:
        check_readme(readme, options.bin, pathlib.Path(folder), rng)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
