"""Compares a training step of every published network with PyTorch's best. They take turns, so that a noisy machine is fair to both.

    python published.py --bin build/bin [--rounds 5] [NAME…]

Batches are the source's, images random. Prints the medians of the rounds, and of their ratios with minimum and maximum.
"""
import argparse
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / folder) for folder in ("networks", "peers")]
try:
    from pytorch_network import Model, Trainer, random_weights
except ImportError as error:
    sys.exit(f"error: {error}; sh cmake/bootstrap.sh peers installs what is missing")
from benchmark import Castnet
from network_language import program, read_network
from sources import SOURCES, Source

SECONDS = 1.0  # of PyTorch, about, a round


def seconds_of(call) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def compare(source: Source, programs: pathlib.Path, rounds: int) -> Castnet:
    network = read_network(programs / "castnet", source.file)
    rng = np.random.default_rng(1)
    model = Model(network)
    model.load(random_weights(network, rng))
    few = Trainer(model, rng.random((4 * source.batch_size, *network.input), np.float32), source.batch_size)
    few.epoch()
    steps = min(1000, max(4, round(4 * SECONDS / seconds_of(few.epoch))))
    images = rng.random((steps * source.batch_size, *network.input), np.float32)
    pytorch = Trainer(model, images, source.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "x.npy"
        np.save(data, images)
        castnet = Castnet(programs, data, program(programs, "train", source.name))
        times = [(castnet.train(2, "--batch-size", source.batch_size) / steps, seconds_of(pytorch.epoch) / steps) for _ in range(rounds)]
    ours, theirs = (1e3 * statistics.median(column) for column in zip(*times))
    ratios = [other / mine for mine, other in times]
    print(f"{source.name:<18}{source.batch_size:>6}{ours:>12.3f}{theirs:>12.3f}{statistics.median(ratios):>9.2f}x "
          f"({min(ratios):.2f}–{max(ratios):.2f})", flush=True)
    return castnet


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares training steps with PyTorch's.")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("names", nargs="*", default=[source.name for source in SOURCES])
    options = parser.parse_args()
    print(f"{'a training step':<18}{'batch':>6}{'Castnet ms':>12}{'PyTorch ms':>12}{'ratio':>10}")
    for source in SOURCES:
        if source.name in options.names:
            warning = compare(source, options.bin, options.rounds).load.warning()
            if warning:
                print(f"warning: {warning}; measure again when it is", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
