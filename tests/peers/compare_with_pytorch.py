"""Compares outputs, the loss and every gradient with PyTorch's, on the same random weights, images and targets.

    python compare_with_pytorch.py --bin build/bin [--bound 1e-5] FILE…      the .castnet files

Prints a line per network: the largest difference of any tensor, relative to that tensor's largest magnitude. Exits with 1 above the
bound, and with 77 if PyTorch is not installed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    from pytorch_network import Model, random_weights
    from safetensors.numpy import load_file, save_file
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh peers installs what is missing")
    sys.exit(77)

from network_language import Network, program, read_network


def pytorch(network: Network, weights: dict, images: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the outputs, the loss and the gradients by PyTorch, in double. Nothing is dropped out."""
    model = Model(network)
    model.load(weights)
    model.double().eval()
    x, t = (torch.tensor(grids, dtype=torch.float64).permute(0, 3, 1, 2) for grids in (images, targets))
    loss = model.loss(x, t)
    loss.backward()
    return model.gradients() | {"loss": loss.detach().numpy(), "outputs": model(x).detach().permute(0, 2, 3, 1).numpy()}


def castnet(explore: pathlib.Path, weights: dict, images: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the same by the network's program."""
    with tempfile.TemporaryDirectory() as folder:
        save_file(weights, f"{folder}/model.safetensors")
        np.save(f"{folder}/x.npy", images)
        np.save(f"{folder}/t.npy", targets)
        for command in (["reconstruct", "--out", "y.npy"], ["gradients", "--targets", "t.npy", "--out", "g.safetensors"]):
            subprocess.run([explore, *command, "--model", "model.safetensors", "--images", "x.npy"], check=True, cwd=folder,
                           stdout=subprocess.DEVNULL)
        return load_file(f"{folder}/g.safetensors") | {"outputs": np.load(f"{folder}/y.npy")}


def compare(network: Network, explore: pathlib.Path, rng: np.random.Generator) -> dict[str, float]:
    weights = random_weights(network, rng)
    images = rng.random((5, *network.input), np.float32)
    targets = rng.random((5, *network.output), np.float32)
    got, want = castnet(explore, weights, images, targets), pytorch(network, weights, images, targets)
    shapes = [{name: value.shape for name, value in tensors.items()} for tensors in (got, want)]
    if shapes[0] != shapes[1]:
        raise SystemExit(f"error: {network.name}: the tensors are {shapes[0]} here and {shapes[1]} in PyTorch")
    return {name: float(np.max(np.abs(got[name] - want[name])) / np.max(np.abs(want[name]))) for name in want}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares networks with PyTorch.")
    parser.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--bound", type=float, default=1e-5)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    worst = 0.0
    for network in [read_network(options.bin / "castnet", file) for file in options.files]:
        differences = compare(network, program(options.bin, "explore", network.name), rng)
        name = max(differences, key=differences.__getitem__)
        print(f"{network.name:<16} {len(differences):>3} tensors, largest relative difference {differences[name]:.1e} ({name}), "
              f"allowed {options.bound:.0e}")
        worst = max(worst, differences[name])
    return 0 if worst <= options.bound else 1


if __name__ == "__main__":
    sys.exit(main())
