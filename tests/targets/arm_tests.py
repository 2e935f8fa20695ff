"""Builds the runtime, networks and tests for 64-bit ARM, and runs them under qemu."""
import os
import pathlib
import shutil
import subprocess
import unittest

SOURCE = pathlib.Path(__file__).parents[2]
NATIVE = pathlib.Path(os.environ["CASTNET_BUILD"])
BUILD = NATIVE / "arm64"
CMAKE = os.environ["CASTNET_CMAKE"]
COMPILER = "aarch64-linux-gnu-g++"


def run_command(*command):
    result = subprocess.run([str(word) for word in command], cwd=SOURCE, capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError((result.stdout + result.stderr)[-4000:])
    return result.stdout


def emulate(program, *arguments):
    return run_command("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", BUILD / "bin" / program, *arguments)


@unittest.skipUnless(shutil.which(COMPILER), f"without {COMPILER}")
class Build(unittest.TestCase):
    def test_is_made_by_the_preset(self):
        run_command(CMAKE, "--preset", "arm64", "-B", BUILD, f"-DCASTNET_NATIVE_BUILD={NATIVE}")
        run_command(CMAKE, "--build", BUILD)


@unittest.skipUnless(shutil.which(COMPILER) and shutil.which("qemu-aarch64"), f"without {COMPILER} or qemu-aarch64")
class Arm(unittest.TestCase):
    def test_doctest_suite_passes(self):
        # Without what takes minutes and has nothing of its own here: the next test has threads.
        left_out = ("*blurred spots*", "*bit-identical for any number of threads*", "*any number of threads gives the same bits*", "*in every network and for every batch*")
        self.assertIn("Status: SUCCESS!", emulate("runtime_tests", f"--test-case-exclude={','.join(left_out)}"))

    def test_training_gives_the_same_bits_again_and_the_losses_of_x86(self):
        first = emulate("losses").split()
        self.assertEqual(emulate("losses").split(), first)
        self.assertEqual(emulate("losses", 3).split(), first)
        native = run_command(NATIVE / "bin" / "losses").split()
        self.assertEqual(len(first), 16)
        for ours, theirs in zip(first[:-1], native[:-1], strict=True):
            self.assertAlmostEqual(float(ours), float(theirs), delta=1e-5 * float(theirs))


if __name__ == "__main__":
    unittest.main(verbosity=2)
