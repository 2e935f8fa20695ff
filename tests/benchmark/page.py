"""Compares the page of the default network in Chromium and node with Keras on one core, and with this machine's own library on one thread,
by turns: images a second while they train in batches of 32.

    build/peers/bin/python tests/benchmark/page.py --build build [--rounds 5]

Wants the page and its images (sh cmake/bootstrap.sh page), Keras (sh cmake/bootstrap.sh benchmark) and Chromium (… test).
"""
import argparse
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "page"))
from browser import MISSING_TOOLS, served, start_browser

STEPS = 566  # of an epoch
CORE = {0}


class Keras:
    """Has one core."""

    def __init__(self, build: pathlib.Path, data: pathlib.Path):
        self.process = subprocess.Popen([sys.executable, HERE / "peers.py", "keras", data, build / "bin"], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, CORE))
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("error: Keras is missing; run sh cmake/bootstrap.sh benchmark")
        self.rate()

    def rate(self) -> float:
        self.process.stdin.write(f"train 32 1 {STEPS}\n")
        self.process.stdin.flush()
        return 32 * STEPS / float(self.process.stdout.readline().split()[0])


class Node:
    def __init__(self, page: pathlib.Path, folder: pathlib.Path):
        self.folder = folder
        shutil.copytree(page, folder / "page")
        (folder / "page" / "package.json").write_text('{"type": "module"}')

    def rate(self) -> float:
        text = subprocess.run(["node", HERE.parent / "page" / "train.mjs", self.folder / "page", "1,5,6", "1", self.folder / "model"],
                              check=True, capture_output=True, text=True).stdout
        return float(re.match(r"\d+", text)[0])


class Chromium:
    """Trains in the page: what the page itself shows, with all that it draws."""

    def __init__(self, page: pathlib.Path, folder: pathlib.Path, address: str):
        self.browser = start_browser(folder / "profile", folder)
        self.browser.get(address)
        time.sleep(5)

    def rate(self) -> float:
        find = lambda name: self.browser.find_element("id", name)
        find("train").click()
        rates = []
        for _ in range(25):
            time.sleep(0.3)
            if shown := re.search(r"([\d,]+) images/s", find("status").text):
                rates.append(float(shown[1].replace(",", "")))
        find("train").click()
        time.sleep(0.5)
        return statistics.median(rates)


class Library:
    def __init__(self, build: pathlib.Path, data: pathlib.Path, folder: pathlib.Path):
        self.command = [build / "bin" / "train", "--data", data, "--threads", "1", "--epochs", "1", "--no-figures", "--run-dir", folder / "run"]

    def rate(self) -> float:
        subprocess.run(self.command, check=True, capture_output=True)
        return float((self.command[-1] / "history.csv").read_text().splitlines()[-1].split(",")[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    page = options.build / "page" / "mnist_cae"
    if MISSING_TOOLS or not (page / "data").exists():
        raise SystemExit(f"error: {', '.join(MISSING_TOOLS) or 'the page with its images'} is missing; run sh cmake/bootstrap.sh test, and … page")
    with tempfile.TemporaryDirectory(prefix="castnet-page-", ignore_cleanup_errors=True) as name, served(page) as (_, address):
        folder = pathlib.Path(name)
        contenders = {"Keras, one core": Keras(options.build, page / "data"), "the page in node": Node(page, folder),
                      "the page in Chromium": Chromium(page, folder, address), "the library, one thread": Library(options.build, page / "data", folder)}
        rates = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                rates[name].append(contender.rate())
        contenders["the page in Chromium"].browser.quit()
        contenders["Keras, one core"].process.terminate()
    keras = rates["Keras, one core"]
    for name, own in rates.items():
        ratios = sorted(rate / other for rate, other in zip(own, keras, strict=True))
        print(f"{name:24} {statistics.median(own):6.0f} images/s ({min(own):.0f} to {max(own):.0f}), "
              f"{statistics.median(ratios):.2f} of Keras ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
