"""Checks the benchmark's table and plot of made-up figures: shares above 100 %, a machine that is not quiet."""
import contextlib
import io
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import benchmark

SVG = "{http://www.w3.org/2000/svg}"


class Contender:
    memory = 1.0

    def __init__(self, name: str):
        self.name = name


JOBS = [benchmark.Job("train", 32, 2), benchmark.Job("infer", 1, 1)]
CONTENDERS = [Contender("Castnet"), Contender("PyTorch")]
SECONDS = 1 / 20_000
MEASURED = {  # Castnet trains at 124 % of the peak in the middle round
    "times": {("Castnet", JOBS[0]): [SECONDS, SECONDS * 0.9, SECONDS * 1.1], ("PyTorch", JOBS[0]): [6 * SECONDS] * 3,
              ("Castnet", JOBS[1]): [SECONDS] * 3, ("PyTorch", JOBS[1]): [2 * SECONDS] * 3},
    "peaks": {2: [JOBS[0].flops() / SECONDS / 1.24] * 3, 1: [JOBS[1].flops() / SECONDS / 0.5] * 3}}


def rows() -> list[dict]:
    return benchmark.report(MEASURED, CONTENDERS, JOBS)


class Load(unittest.TestCase):
    def test_busy_time_is_all_but_idle_and_waiting(self):
        ticks = os.sysconf("SC_CLK_TCK")
        self.assertEqual(benchmark.busy_seconds("cpu  100 20 30 4000 500 6 7 8 9 10\ncpu0 1 2 3"), (100 + 20 + 30 + 6 + 7 + 8) / ticks)

    def test_others_are_said_from_a_twentieth_of_the_cpus_on(self):
        load = benchmark.OtherLoad()
        self.assertEqual(load.warning(), "")
        load.add(10, 0.04 * 10 * os.cpu_count())
        self.assertEqual(load.warning(), "")
        load.add(10, 0.64 * 10 * os.cpu_count())
        self.assertIn("not quiet: others took 34% of its CPUs", load.warning())

    @unittest.skipUnless(benchmark.OtherLoad.STAT.exists(), "there is no /proc/stat")
    def test_a_program_of_the_benchmark_is_no_other(self):
        load = benchmark.OtherLoad()
        load.begin()
        load.end(1e6)
        self.assertEqual(load.taken, 0)


class Output(unittest.TestCase):
    def test_the_table_shows_the_spread_and_the_warning(self):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            benchmark.print_table(rows(), CONTENDERS, MEASURED, "the machine was not quiet")
        self.assertIn("20,000 (18,182–22,222)", text.getvalue())
        self.assertIn("warning: the machine was not quiet", text.getvalue())
        self.assertIn("124.0%", text.getvalue())

    @unittest.skipUnless(shutil.which("gnuplot"), "there is no gnuplot")
    def test_the_picture_holds_every_bar_and_label(self):
        with tempfile.TemporaryDirectory() as folder:
            benchmark.plot(rows(), pathlib.Path(folder), "the machine was not quiet")
            root = xml.etree.ElementTree.parse(pathlib.Path(folder) / "benchmark.svg").getroot()
        width = float(root.get("width"))
        texts = {group.find(f"{SVG}text").text: group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}text") is not None}
        self.assertIn("the machine was not quiet", texts)
        ends = {}
        for label in ("124% (113–138)", "21% (21–21)", "50% (50–50)", "25% (25–25)"):
            left = float(re.match(r"translate\(([\d.]+)", texts[label].get("transform"))[1])
            ends[label] = left
            self.assertLess(left + 8 * len(label), width)
        bars = [max(float(x) for x in re.findall(r"([\d.]+),", polygon.get("points"))) for polygon in root.iter(f"{SVG}polygon")]
        self.assertEqual(len(bars), 4)
        for bar, left in zip(bars, ends.values()):
            self.assertLess(bar, left)  # the label starts after its bar
        share = [(bar - min(0, *bars)) for bar in bars]
        self.assertGreater(share[0], share[2])


if __name__ == "__main__":
    unittest.main()
