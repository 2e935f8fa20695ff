"""Compares a training step of every published network with PyTorch's best. They take turns, so that a noisy machine is fair to both.

    python published.py [NAME…] --bin build/bin [--rounds 5] [--batch-sizes 1 32 1024] [--threads 1 2]

Batches are the source's unless sizes are given, threads as many as the machine has; images are random. PyTorch's best is the fastest of
eager execution, channels last, and compilation. Prints the medians of the rounds, with minimum and maximum, and the most that others took
of the CPUs in a round.
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile

import numpy as np

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / folder) for folder in ("networks", "peers")]
try:
    import torch
    from pytorch_network import fastest_trainer, random_weights, seconds_of
except ImportError as error:
    sys.exit(f"error: {error}; sh cmake/bootstrap.sh peers installs what is missing")
from benchmark import QUIET, Castnet, OtherLoad
from network_language import program, read_network
from sources import SOURCES, Source

SECONDS = 1.0  # of PyTorch, about, a round
COLUMNS = "{:<18}{:>6}{:>9}{:>27}{:>27}  {:<14}{:>21}{:>8}"


def spread(values: list[float], digits: int) -> str:
    """Returns the median with minimum and maximum."""
    return "{1:.{0}f} ({2:.{0}f}–{3:.{0}f})".format(digits, statistics.median(values), min(values), max(values))


def compare(source: Source, batch_size: int, threads: int, programs: pathlib.Path, rounds: int) -> float:
    """Prints a line. Returns the most that others took of the CPUs in a round."""
    torch.set_num_threads(threads)
    network = read_network(programs / "castnet", source.file)
    rng = np.random.default_rng(1)
    weights = random_weights(network, rng)
    pytorch = fastest_trainer(network, weights, rng.random((4 * batch_size, *network.input), np.float32), batch_size)
    steps = min(1000, max(4, round(4 * SECONDS / seconds_of(pytorch.epoch))))
    images = rng.random((steps * batch_size, *network.input), np.float32)
    pytorch.show(images)
    times, loads = [], []
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "x.npy"
        np.save(data, images)
        castnet = Castnet(programs, data, program(programs, "train", source.name))
        for _ in range(rounds):
            castnet.load = OtherLoad()
            ours = castnet.train(2, "--batch-size", batch_size, "--threads", threads)
            castnet.load.begin()
            theirs = seconds_of(pytorch.epoch)
            castnet.load.end(0)
            times.append((1e3 * ours / steps, 1e3 * theirs / steps))
            loads.append(castnet.load.share)
    ours, theirs = (list(column) for column in zip(*times))
    print(COLUMNS.format(source.name, batch_size, threads, spread(ours, 3), spread(theirs, 3), pytorch.mode,
                         spread([other / mine for mine, other in times], 2), f"{100 * max(loads):.0f}%"), flush=True)
    return max(loads)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares training steps with PyTorch's best.")
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", help="by default the source's")
    parser.add_argument("--threads", type=int, nargs="+", default=[os.cpu_count() or 1], help="by default every one")
    parser.add_argument("names", nargs="*", default=[source.name for source in SOURCES])
    options = parser.parse_args()
    print(COLUMNS.format("a training step", "batch", "threads", "Castnet ms", "PyTorch ms", "its best", "ratio", "others"))
    busiest = max(compare(source, batch_size, threads, options.bin, options.rounds)
                  for source in SOURCES if source.name in options.names
                  for batch_size in options.batch_sizes or [source.batch_size] for threads in options.threads)
    if busiest > QUIET:
        print(f"warning: the machine was not quiet: others took {100 * busiest:.0f}% of its CPUs; measure again when it is")
    return 0


if __name__ == "__main__":
    sys.exit(main())
