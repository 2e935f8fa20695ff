"""Checks the table of tuned schedules: writing loses nothing, and the compiler reads what was written."""
import json
import pathlib
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


class CompilerTest(Folder):
    """Checks that the compiler reads what the autotuner writes."""

    def test_a_winner_is_the_pipelines_schedule(self):
        winner = {"method": "channels", "tile": "2x7x1x1"}
        schedules.keep(self.file, FORWARD, winner, "90 % of the FMA peak, default 80 %", "21.0.0")
        schedules.keep(self.file, OTHER, {}, "90 % of the FMA peak, default 80 %", "21.0.0")
        command = [BUILD / "bin" / "castnet", "describe", "--json", SOURCE / "train" / "mnist_cae.castnet", "--schedules", self.file]
        pipelines = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["pipelines"]
        chosen = {pipeline["key"]: pipeline["schedule"] for pipeline in pipelines if pipeline["key"]}
        self.assertEqual(chosen, {key: winner if key == FORWARD else {} for key in chosen})
        self.assertIn(OTHER, chosen)


if __name__ == "__main__":
    unittest.main()
