"""Tests programs for several levels of x86-64: each level by name, on lesser CPUs under qemu, and going on at another one."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BIN = pathlib.Path(os.environ["CASTNET_BIN"])
LEVELS = ("x86-64-avx512", "x86-64-avx2", "x86-64-sse41")  # the greatest first
FLAGS = {"x86-64-avx512": "avx512bw", "x86-64-avx2": "avx2", "x86-64-sse41": "sse4_1"}
# qemu's CPUs, without the features that qemu itself lacks, and the level that each has.
CPUS = {"Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm": "x86-64-avx2", "Nehalem": "x86-64-sse41"}


def levels_here():
    flags = re.search(r"^flags\s*:(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)[1].split()
    return [level for level in LEVELS if FLAGS[level] in flags]


def write_images(path, count):
    """Writes bytes in npy's format, so that numpy is not needed."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({count}, 12, 12, 3), }}"
    header += " " * (117 - len(header)) + "\n"
    data = bytes((i * i // 7 + 13 * i) % 251 for i in range(count * 12 * 12 * 3))
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data)


class Levels(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="castnet-levels-")
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)
        write_images(self.folder / "images.npy", 70)

    def run_command(self, *command, status=0):
        result = subprocess.run([str(word) for word in command], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def train(self, run, *options, before=(), **keywords):
        """Trains, and returns the model's bytes."""
        self.run_command(*before, BIN / "train-test_levels", "--data", "images.npy", "--quiet", "--no-figures", "--run-dir", run, *options, **keywords)
        return (self.folder / run / "model.safetensors").read_bytes()

    def metadata(self, file):
        data = (self.folder / file).read_bytes()
        return json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"]

    def losses(self, run):
        return [float(line.split(",")[1]) for line in (self.folder / run / "history.csv").read_text().splitlines()[1:]]

    def test_each_level_trains_when_it_is_asked_for(self):
        models = {}
        for level in levels_here():
            models[level] = self.train(level, "--epochs", 2, "--level", level)
            self.assertEqual(self.metadata(f"{level}/checkpoint.safetensors")["level"], level)
            self.assertIn(f"Level: {level}\n", self.run_command(BIN / "explore-test_levels", "summary", "--level", level).stdout)
            for ours, least in zip(self.losses(level), self.losses(levels_here()[0]), strict=True):
                self.assertAlmostEqual(ours, least, delta=1e-5)
        self.assertEqual(len(set(models.values())), len(models))  # other code, whose last bits differ
        self.assertEqual(self.train("chosen", "--epochs", 2), models[levels_here()[0]])

    def test_report_names_the_level(self):
        if not shutil.which("gnuplot"):
            self.skipTest("without gnuplot")
        self.run_command(BIN / "train-test_levels", "--data", "images.npy", "--quiet", "--epochs", 1, "--run-dir", "run", "--level", "x86-64-sse41")
        self.assertIn("<dt>Level</dt><dd>x86-64-sse41</dd>", (self.folder / "run" / "report.html").read_text())

    def test_a_run_goes_on_at_another_level_and_says_so(self):
        here = levels_here()
        whole = self.train("whole", "--epochs", 2, "--level", here[0])
        self.train("run", "--epochs", 1, "--level", here[0])
        self.assertEqual(self.train("run", "--resume", "--epochs", 2, "--level", here[0]), whole)
        if len(here) == 1:
            return
        self.train("other", "--epochs", 1, "--level", here[0])
        command = [BIN / "train-test_levels", "--no-figures", "--resume", "--run-dir", "other", "--epochs", 2, "--level", here[1]]
        said = self.run_command(*command).stderr
        self.assertRegex(said, rf"\Awarning: the run was at the level {here[0]} and goes on at {here[1]}, [^\n]*\n\Z")
        self.assertAlmostEqual(self.losses("other")[1], self.losses("whole")[1], delta=1e-5)
        self.assertEqual(self.run_command(*command[:-3], 3, *command[-2:]).stderr, "")  # the checkpoint is of the new level now

    def test_a_level_that_is_not_there_is_refused_in_one_line(self):
        said = self.run_command(BIN / "train-test_levels", "--level", "x86-64-avx", status=1).stderr
        self.assertRegex(said, r"\Aerror: --level[^\n]*x86-64-avx512, x86-64-avx2 or x86-64-sse41[^\n]*\n\Z")

    @unittest.skipUnless(shutil.which("qemu-x86_64"), "without qemu-user")
    def test_lesser_cpus_run_their_level_and_give_its_bits(self):
        for cpu, level in CPUS.items():
            with self.subTest(cpu=cpu):
                self.assertIn(f"Level: {level}\n", self.run_command("qemu-x86_64", "-cpu", cpu, BIN / "explore-test_levels", "summary").stdout)
                emulated = self.train("emulated", "--epochs", 1, before=("qemu-x86_64", "-cpu", cpu))
                if level in levels_here():
                    self.assertEqual(emulated, self.train("native", "--epochs", 1, "--level", level))
                shutil.rmtree(self.folder / "emulated")
                greater = LEVELS[LEVELS.index(level) - 1]
                said = self.run_command("qemu-x86_64", "-cpu", cpu, BIN / "train-test_levels", "--data", "images.npy", "--level", greater, status=1).stderr
                self.assertRegex(said, r"\Aerror: this CPU lacks [a-z0-9_, ]+, which the network was compiled for; [^\n]*\n\Z")

    @unittest.skipUnless(shutil.which("qemu-x86_64"), "without qemu-user")
    def test_lesser_cpus_pass_the_tests_of_their_levels(self):
        for cpu in CPUS:
            with self.subTest(cpu=cpu):
                self.assertIn("Status: SUCCESS!", self.run_command("qemu-x86_64", "-cpu", cpu, BIN / "level_tests").stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
