"""The file of tuned schedules: written so that nothing is lost, and read by CMake so that the pipelines concerned are rebuilt, and no other."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from fixture import BUILD, SOURCE

sys.path.insert(0, str(SOURCE / "cmake" / "autotune"))
import schedules  # noqa: E402

FORWARD = "correlate large=14x14x32 small=7x7x64 kernel=3x3 stride=2x2 pad=0x0 pass=forward activation=relu"
OTHER = "kernel_gradient large=28x28x1 small=14x14x32 kernel=3x3 stride=2x2 pad=0x0 output_grid=small decays=false"


class Folder(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.file = self.folder / "cpu.txt"
        self.addCleanup(self.temporary.cleanup)


class FileTest(Folder):
    def keep(self, key: str, schedule: dict) -> None:
        schedules.keep(self.file, key, schedule, "90 % of the FMA peak, default 80 %", "21.0.0")

    def test_lines_are_merged_and_sorted(self):
        self.keep(OTHER, {})
        self.keep(FORWARD, {"method": "channels", "tile": "4x7x1x1"})
        self.keep(FORWARD, {"method": "channels", "tile": "2x7x1x1"})
        lines = [line for line in self.file.read_text().splitlines() if not line.startswith("#")]
        self.assertEqual(lines, [f"{FORWARD} : method=channels tile=2x7x1x1 : 90 % of the FMA peak, default 80 %, Halide 21.0.0",
                                 f"{OTHER} : default : 90 % of the FMA peak, default 80 %, Halide 21.0.0"])
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)

    def test_a_schedule_is_read_as_it_was_written(self):
        for schedule in ({}, {"method": "taps", "tile": "4x7x1x1", "padding": "stage"}, {"autoscheduler": "Adams2019"}):
            self.keep(OTHER, schedule)
            self.assertEqual(schedules.schedule_of(self.file, OTHER), schedule)
        self.assertEqual(schedules.schedule_of(self.file, FORWARD), {})
        self.assertEqual(schedules.schedule_of(self.folder / "none.txt", FORWARD), {})

    def test_a_line_that_is_not_whole_is_named(self):
        self.file.write_text(f"{OTHER} : default\n")
        for use in (lambda: self.keep(FORWARD, {}), lambda: schedules.schedule_of(self.file, OTHER)):
            self.assertRaisesRegex(ValueError, f"{self.file}: '{OTHER} : default' is not a schedule", use)

    def test_a_write_that_fails_leaves_the_file_as_it_was(self):
        self.keep(OTHER, {})
        before = self.file.read_text()
        for function in ("os.fsync", "os.replace"):
            with mock.patch(function, side_effect=OSError("full")), self.assertRaises(OSError):
                self.keep(FORWARD, {})
            self.assertEqual(self.file.read_text(), before)


class ConfigureTest(Folder):
    """Configurations of the project itself, without the tests."""

    def configure(self, choice: str, *options: str) -> subprocess.CompletedProcess:
        halide = next(line.split("=", 1)[1] for line in (BUILD / "CMakeCache.txt").read_text().splitlines() if line.startswith("Halide_DIR:"))
        helpers = pathlib.Path(halide).parent / "HalideHelpers"
        return subprocess.run(["cmake", "-S", SOURCE, "-B", self.folder / "build", "-G", "Ninja", "-DBUILD_TESTING=OFF", f"-DHalide_DIR={halide}",
                               f"-DHalideHelpers_DIR={helpers}", f"-DCASTNET_SCHEDULES={choice}", *options], capture_output=True, text=True)

    def commands(self, choice: str) -> dict[str, str]:
        """How each pipeline is generated."""
        result = self.configure(choice)
        self.assertEqual(result.returncode, 0, result.stderr)
        text = (self.folder / "build" / "build.ninja").read_text()
        return {match[1]: match[0] for match in re.finditer(r".*castnet_generator -n (\w+) .*", text)}

    def write(self, *lines: str) -> str:
        self.file.write_text("# a comment\n\n" + "".join(f"{line}\n" for line in lines))
        return str(self.file)

    def test_a_line_changes_its_pipelines_and_no_other(self):
        line = f"{FORWARD} : method=channels tile=2x7x1x1 : 90 %, Halide {self.halide()}"
        default = self.commands("none")
        tuned = self.commands(self.write(line))
        self.assertEqual([name for name in default if default[name] != tuned[name]], ["mnist_cae_conv2d_1_forward"])
        self.assertIn("method=channels tile=2x7x1x1", tuned["mnist_cae_conv2d_1_forward"])
        self.assertEqual(self.commands(self.write(line.replace("method=channels tile=2x7x1x1", "default"))), default)
        self.assertEqual(self.commands(self.write(line.replace("32", "33"))), default, "a shape that no pipeline has")

    def test_an_autoscheduler_may_win(self):
        tuned = self.commands(self.write(f"{FORWARD} : autoscheduler=Mullapudi2016 : 90 %, Halide {self.halide()}"))
        self.assertIn("autoscheduler=Mullapudi2016", tuned["mnist_cae_conv2d_1_forward"])
        self.assertIn("autoschedule_mullapudi2016", tuned["mnist_cae_conv2d_1_forward"])

    def test_another_version_of_halide_is_used_with_a_warning(self):
        result = self.configure(self.write(f"{FORWARD} : tile=2x7x1x1 : 90 %, Halide 1.2.3"))
        self.assertEqual(result.returncode, 0)
        self.assertRegex(" ".join(result.stderr.split()), "1 schedules were tuned with Halide 1.2.3")
        self.assertIn("tile=2x7x1x1", (self.folder / "build" / "build.ninja").read_text())

    def test_a_broken_line_is_named(self):
        result = self.configure(self.write(FORWARD))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(f"error: {self.file}: '{FORWARD}' is not a schedule", result.stderr)

    def test_a_file_that_is_not_there_yet(self):
        result = self.configure(str(self.folder / "later.txt"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("there is no file", " ".join(result.stderr.split()))

    def halide(self) -> str:
        cache = (BUILD / "CMakeCache.txt").read_text()
        version = pathlib.Path(re.search(r"^Halide_DIR:.*=(.*)$", cache, re.M)[1]) / "HalideConfigVersion.cmake"
        return re.search(r'PACKAGE_VERSION "([0-9.]+)"', version.read_text())[1]


if __name__ == "__main__":
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    unittest.main()
