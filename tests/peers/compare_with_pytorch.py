"""Compares outputs, the loss and every gradient with PyTorch's, for networks whose padding is given in numbers.

    python compare_with_pytorch.py --bin build/bin [--bound 1e-5] FILE…      the .castnet files

Prints a line per network: the largest difference of any tensor, relative to that tensor's largest magnitude. Exits with 1 above the
bound, and with 77 if PyTorch is not installed.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import torch
    from safetensors.numpy import load_file, save_file
    from torch.nn import functional
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh peers installs what is missing")
    sys.exit(77)

ACTIVATIONS = {"linear": lambda x: x, "relu": torch.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
               "softmax": lambda x: functional.softmax(x, dim=1), "leaky_relu(0.01)": functional.leaky_relu, "silu": functional.silu,
               "softplus": functional.softplus}
LOSSES = {"mean_squared_error": functional.mse_loss, "huber(0.5)": lambda y, t: functional.huber_loss(y, t, delta=0.5)}


def sides(text: str) -> list[int]:
    """Returns top, bottom, left, right of a padding like 1, 1x2 or 1,2,3,4."""
    if "," in text:
        return [int(side) for side in text.split(",")]
    rows, columns = text.split("x") if "x" in text else (text, text)
    return [int(rows)] * 2 + [int(columns)] * 2


def transpose(layer: dict, x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor, padding: list[int]) -> torch.Tensor:
    """PyTorch crops both sides by the first side's zeros. output_padding restores the rest of the last side."""
    cropped = [(small - 1) * stride + size - 2 * zeros
               for small, stride, size, zeros in zip(x.shape[2:], layer["stride"], layer["kernel"], padding[::2])]
    given_back = [wanted - extent for wanted, extent in zip(layer["output"], cropped)]
    return functional.conv_transpose2d(x, kernel, bias, layer["stride"], padding[::2], given_back)


def forward(network: dict, weights: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Returns the outputs for x. Both have channels first, as in PyTorch."""
    for layer in network["layers"]:
        keys = dict(word.split("=") for word in layer["text"].split()[1:])
        kernel, bias = weights[f"{layer['name']}/kernel"].permute(3, 2, 0, 1), weights[f"{layer['name']}/bias"]
        top, bottom, left, right = padding = sides(keys["padding"])
        if layer["kind"] == "conv2d_transpose":
            x = transpose(layer, x, kernel, bias, padding)
        elif (top, left) == (bottom, right):
            x = functional.conv2d(x, kernel, bias, layer["stride"], (top, left))
        else:
            x = functional.conv2d(functional.pad(x, (left, right, top, bottom)), kernel, bias, layer["stride"])
        x = ACTIVATIONS[layer["activation"]](x)
    return x


def pytorch(network: dict, weights: dict, images: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the outputs, the loss and the gradients by PyTorch, in double."""
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in weights.items()}
    outputs = forward(network, tensors, torch.tensor(images, dtype=torch.float64).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    penalty = sum(layer["l2"] * tensors[f"{layer['name']}/kernel"].square().sum() for layer in network["layers"])
    loss = LOSSES[network["loss"]](outputs, torch.tensor(targets, dtype=torch.float64)) + penalty
    loss.backward()
    gradients = {name: tensor.grad.numpy() for name, tensor in tensors.items()}
    return gradients | {"loss": loss.detach().numpy(), "outputs": outputs.detach().numpy()}


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


def compare(network: dict, explore: pathlib.Path, rng: np.random.Generator) -> dict[str, float]:
    weights = {}
    for layer in network["layers"]:
        shape = layer["kernel_shape"]
        weights[f"{layer['name']}/kernel"] = rng.normal(0, 1 / np.sqrt(np.prod(shape[:3])), shape).astype(np.float32)
        weights[f"{layer['name']}/bias"] = rng.normal(0, 0.1, layer["output"][2]).astype(np.float32)
    images, targets = (rng.random((5, *network["input"]), np.float32) for _ in range(2))
    got, want = castnet(explore, weights, images, targets), pytorch(network, weights, images, targets)
    shapes = [{name: value.shape for name, value in tensors.items()} for tensors in (got, want)]
    if shapes[0] != shapes[1]:
        raise SystemExit(f"error: {network['name']}: the tensors are {shapes[0]} here and {shapes[1]} in PyTorch")
    return {name: float(np.max(np.abs(got[name] - want[name])) / np.max(np.abs(want[name]))) for name in want}


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares networks with PyTorch.")
    parser.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument("--bound", type=float, default=1e-5)
    parser.add_argument("files", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    worst = 0.0
    for file in options.files:
        described = subprocess.run([options.bin / "castnet", "describe", "--json", file], check=True, capture_output=True, text=True)
        network = json.loads(described.stdout)
        differences = compare(network, options.bin / f"explore-{network['name']}", rng)
        name = max(differences, key=differences.__getitem__)
        print(f"{network['name']:<14} {len(differences):>3} tensors, largest relative difference {differences[name]:.1e} ({name}), "
              f"allowed {options.bound:.0e}")
        worst = max(worst, differences[name])
    return 0 if worst <= options.bound else 1


if __name__ == "__main__":
    sys.exit(main())
