"""Checks that every published network is its source's, and that it trains.

    CASTNET_BIN=build/bin python published_tests.py
"""
import array
import csv
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from sources import FOLDER, SOURCES

sys.path.append(str(FOLDER.parent / "peers"))
from network_language import program  # noqa: E402

PROGRAMS = pathlib.Path(os.environ["CASTNET_BIN"]).resolve()


def save_array(file: pathlib.Path, shape: list[int]) -> None:
    """Writes random numbers between 0 and 1 of that shape."""
    rng = random.Random(1)
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {tuple(shape)}, }}".ljust(117) + "\n"
    numbers = array.array("f", (rng.random() for _ in range(math.prod(shape))))
    file.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + numbers.tobytes())


class Published(unittest.TestCase):
    def test_every_text_has_a_source(self):
        self.assertEqual({source.file for source in SOURCES} - {SOURCES[0].file}, set((FOLDER / "published").glob("*.castnet")))

    def test_parameters_and_code_are_the_sources(self):
        for source in SOURCES:
            with self.subTest(source.name):
                described = json.loads(subprocess.check_output([PROGRAMS / "castnet", "describe", "--json", source.file]))
                self.assertEqual((described["parameters"], tuple(described["code"])), (source.parameters, source.code))
                self.assertEqual(described["output"], described["input"])

    def test_each_trains(self):
        for source in SOURCES:
            with self.subTest(source.name), tempfile.TemporaryDirectory() as folder:
                described = json.loads(subprocess.check_output([PROGRAMS / "castnet", "describe", "--json", source.file]))
                save_array(pathlib.Path(folder) / "x.npy", [40, *described["input"]])
                subprocess.run([program(PROGRAMS, "train", source.name), "--quiet", "--no-figures", "--data", "x.npy", "--run-dir", "run", "--epochs", "2", "--batch-size", "8"],
                               cwd=folder, check=True)
                with open(f"{folder}/run/history.csv", encoding="utf-8") as history:
                    losses = [float(row["loss"]) for row in csv.DictReader(history)]
                self.assertEqual(len(losses), 2)
                self.assertTrue(0 < losses[1] < losses[0] < 10, losses)


if __name__ == "__main__":
    unittest.main()
