"""Measures a training epoch beside programs that keep every core busy, as a multiple of its fair share.

    python busy.py --bin build/bin [--data DIR] [--loads 4] [--rounds 5]

The system divides the cores evenly among threads: with as many training threads as cores, and `loads` others, an epoch's fair share is
(cores + loads) / cores times as long as alone. Prints the medians of the rounds, with minimum and maximum.
"""
import argparse
import multiprocessing
import os
import pathlib
import statistics
import sys

from benchmark import Castnet, default_data


def keep_busy() -> None:
    while True:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=default_data(), help="by default CASTNET_DATA, else the cache")
    parser.add_argument("--loads", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    castnet = Castnet(options.bin, options.data)
    alone, beside = [], []
    for _ in range(options.rounds):
        alone.append(castnet.train(2))
        loads = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(options.loads)]
        for load in loads:
            load.start()
        beside.append(castnet.train(2))
        for load in loads:
            load.kill()
            load.join()
    fair = (cores + options.loads) / cores
    shares = [busy / (quiet * fair) for quiet, busy in zip(alone, beside)]
    print(f"an epoch takes {statistics.median(alone):.2f} s alone, {statistics.median(beside):.2f} s beside {options.loads} busy processes: "
          f"{statistics.median(shares):.2f} ({min(shares):.2f}–{max(shares):.2f}) times its fair share of {cores} cores")
    return 0


if __name__ == "__main__":
    sys.exit(main())
