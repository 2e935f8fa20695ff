"""Runs the autotuner: with contenders that crash, hang, miscompute and more; killed halfway; in full on a small network."""
import dataclasses
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import fixture
from fixture import BUILD, COMPILER, PLUGINS, SOURCE, require_optuna

sys.path.insert(0, str(SOURCE / "cmake" / "autotune"))
require_optuna()
import schedules  # noqa: E402
import workshop  # noqa: E402
from workshop import Tools, Workshop  # noqa: E402

TOOLS = Tools(BUILD / "bin" / "castnet_generator", BUILD / "bin" / "castnet_space", BUILD / "bin" / "castnet_measure", PLUGINS, COMPILER)
GEOMETRY = ["large_width=9", "large_height=9", "large_channels=4", "small_width=5", "small_height=5", "small_channels=16", "kernel_width=3",
            "kernel_height=3", "stride_x=2", "stride_y=2", "pad_x=1", "pad_y=1"]

# Code that WRAPPER adds to a sound pipeline, by the error it causes. arguments[3] is the output: a halide_buffer_t, `host` at offset 16.
FAULTS = {
    "crashes: SIGSEGV": "*(volatile int *)8 = 1;",
    "crashes: SIGABRT": "abort();",
    "takes more than": "for (;;) continue;",
    "is wrong: small": "output[7] += 0.5f;",
    "is wrong: small[0]": "output[0] = 0.0f / 0.0f;",
    "writes beyond its outputs": "output[-1] = 1;",
    "fails": "return -1;",
    "allocates memory": "halide_free(0, halide_malloc(0, 64));",
}
SLEEPS = "for (;;) pause();"
WRAPPER = """
#include <stdlib.h>
#include <unistd.h>
int sound_argv(void **);
const void *sound_metadata(void);
void *halide_malloc(void *, unsigned long);
void halide_free(void *, void *);
const void *contender_metadata(void) { return sound_metadata(); }
int contender_argv(void **arguments) {
    int status = sound_argv(arguments);
    float *output = *(float **)((char *)arguments[3] + 16);
    if (output) { %s }
    return status;
}
"""


class FaultyWorkshop(Workshop):
    def compile(self, schedule):
        if "fault" not in schedule:
            return super().compile(schedule)
        source, library = self.folder / "fault.c", self.folder / f"{abs(hash(schedule['fault']))}.so"
        source.write_text(WRAPPER % FAULTS.get(schedule["fault"], schedule["fault"]))
        workshop.run([self.tools.generator, "-g", self.generator, "-f", "sound", "-n", "sound", "-e", "object", "-o", self.folder,
                      "target=host-no_runtime", *self.parameters], 20)
        workshop.run([self.tools.compiler, "-x", "c", source, "-x", "none", self.folder / "sound.o", "-shared", "-fPIC", "-O0", "-o", library], 20)
        return library

    def compile_all(self, schedules_):
        self.workers = 1  # they share sound.o
        return super().compile_all(schedules_)


class FaultTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.shop = FaultyWorkshop(TOOLS, "correlate", GEOMETRY, pathlib.Path(temporary.name), rounds=3)
        self.replace("MEASURE_SECONDS", 3)

    def replace(self, constant, value):
        patch = mock.patch.object(workshop, constant, value)
        patch.start()
        self.addCleanup(patch.stop)

    def test_a_contender_that_misbehaves_loses_and_the_search_goes_on(self):
        faults = [{"fault": fault} for fault in FAULTS]
        sound = {"method": "channels", "tile": "1x5x1x1"}
        answers = self.shop.answer([*faults, sound])
        for fault, answer in zip(FAULTS, answers):
            self.assertIn(fault, answer.get("error", "nothing"))
        self.assertIn("relative", answers[-1])

    def test_a_contender_that_sleeps_for_ever_loses(self):
        default, sleeper = self.shop.compile_all([{}, {"fault": SLEEPS}])
        self.replace("PATIENCE", 0.1)
        self.assertIn("takes more than", self.shop.compare(default, sleeper)["error"])

    def test_none_takes_the_finalists_with_it(self):
        finalists = {"default": {}, "sound": {"method": "channels", "tile": "1x5x1x1"}} | {fault: {"fault": fault} for fault in FAULTS}
        results = self.shop.final(finalists, runs=1, rounds=2)["contenders"]
        for fault in FAULTS:
            self.assertTrue("error" in results[fault] or results[fault]["allocates"], fault)
        self.assertEqual(results["default"]["relative"], 1)
        self.assertGreater(results["sound"]["share"], 0)

    def test_an_illegal_schedule_is_refused_with_a_reason(self):
        for schedule, reason in (({"tile": "9x9x9x9"}, "tile=9x9x9x9 does not fit"), ({"unroll": "3"}, "unroll=3 does not divide"),
                                 ({"method": "sideways"}, "sideways"), ({"no_such_choice": "1"}, "no_such_choice")):
            self.assertIn(reason, self.shop.answer([schedule])[0]["error"])

    def test_every_method_of_the_space_computes_the_formula(self):
        for generator in ("correlate", "spread", "kernel_gradient"):
            shop = Workshop(TOOLS, generator, GEOMETRY, self.shop.folder / generator, rounds=1)
            shop.open()
            for method in shop.space():
                schedule = {"method": method["method"]} | {name: values[-1] for name, values in method["choices"].items()}
                answer = shop.answer([schedule])[0]
                self.assertNotIn("error", answer, schedule)

    def test_halides_autoschedulers_compute_the_formula(self):
        for name in ("Mullapudi2016", "Li2018"):
            for generator in ("correlate", "spread", "kernel_gradient"):
                shop = Workshop(TOOLS, generator, GEOMETRY, self.shop.folder / generator, rounds=1)
                shop.open()
                results = shop.final({"default": {}, name: {"autoscheduler": name}}, runs=1, rounds=1)["contenders"]
                self.assertNotIn("error", results[name], f"{name} {generator}")


class RunTest(unittest.TestCase):
    """Runs autotune.py itself, on the pipelines of test_gap."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.file = self.folder / "cpu.txt"
        output = subprocess.run([BUILD / "bin" / "castnet", "describe", "--json", fixture.NETWORK], capture_output=True, check=True).stdout
        description = json.loads(output)
        self.keys = [entry["key"] for entry in description["pipelines"] if entry["key"]]
        self.level = description["schedules"]["level"]

    def start(self, *options) -> subprocess.Popen:
        command = [sys.executable, SOURCE / "cmake" / "autotune" / "autotune.py", fixture.NETWORK, *fixture.TOOLS, "--plugins", PLUGINS,
                   "--compiler", COMPILER, "--schedules", self.file, "--folder", self.folder / "work", "--trials", "8", "--autoschedulers",
                   *options]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self, process: subprocess.Popen) -> str:
        output, _ = process.communicate()
        self.assertEqual(process.returncode, 0, output)
        return output

    def trials(self) -> dict[pathlib.Path, list[str]]:
        """Returns the recorded measurements of each pipeline."""
        return {file: file.read_text().splitlines() for file in self.folder.glob("work/*/record.jsonl")}

    def wait(self, process: subprocess.Popen, happens) -> None:
        while not happens():
            self.assertIsNone(process.poll())
            time.sleep(0.02)

    def test_one_pipeline_alone(self):
        self.finish(self.start("--pipelines", "squeeze-forward"))
        self.assertEqual(list(schedules.read(self.file)), self.keys[:1])

    def test_a_lower_level_of_this_cpu_has_its_own_space_and_table(self):
        if self.level not in ("x86-64-avx2", "x86-64-avx512"):
            self.skipTest(f"there is none below {self.level}")
        sse41, self.file = "x86-64-linux-sse41", self.folder / "tables"
        tools = [TOOLS, dataclasses.replace(TOOLS, target=sse41)]
        spaces = [Workshop(each, "correlate", GEOMETRY, self.folder).space() for each in tools]
        self.assertNotEqual(*spaces)
        self.finish(self.start("--target", sse41, "--pipelines", "squeeze-forward"))
        self.assertEqual([file.name for file in self.file.iterdir()], ["x86-64-sse41.txt"])
        self.assertEqual(list(schedules.read(self.file / "x86-64-sse41.txt")), self.keys[:1])

    def test_an_earlier_winner_meets_the_finalists_of_a_shorter_search(self):
        earlier = {"method": "channels", "tile": "1x2x1x1"}
        schedules.keep(self.file, self.keys[0], earlier, "50 % of the FMA peak, default 40 %", "21.0.0")
        schedules.keep(self.file, self.keys[1], {"tile": "none"}, "50 % of the FMA peak, default 40 %", "21.0.0")
        self.finish(self.start("--trials", "0", "--pipelines", "squeeze-forward,squeeze-backward_weights"))
        results = [json.loads(file.read_text()) for file in self.folder.glob("work/*/result.json")]
        contenders = {row["pass"]: row["contenders"] for row in results}
        self.assertIn("relative", contenders["forward"]["earlier"])
        self.assertIn("error", contenders["backward_weights"]["earlier"], "a schedule that is legal no longer loses")
        self.assertEqual(schedules.schedule_of(self.file, self.keys[1]), {})

    def test_an_interruption_keeps_what_was_found(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("--trials", "1000000", "--pipelines", "conv2d_transpose-forward,conv2d_transpose-backward_data")
            self.wait(process, lambda: any(self.trials().values()))
            process.send_signal(number)
            self.assertIn("keeping what was found", self.finish(process))
            self.assertEqual(list(schedules.read(self.file)), self.keys[5:6])
            shutil.rmtree(self.folder / "work")
            self.file.unlink()

    def test_a_killed_run_goes_on_until_every_pipeline_has_a_line(self):
        """Also, the file is whole at any time."""
        chance = random.Random(3)
        for _ in range(6):
            before = sum(map(len, self.trials().values()))
            process, more = self.start(), chance.randint(1, 8)
            self.wait(process, lambda: sum(map(len, self.trials().values())) >= before + more)
            process.kill()
            process.communicate()
            for line in schedules.read(self.file).values():
                self.assertRegex(line, r"^[a-z_]+ [^:]+ : [^:]+ : [^:]* Halide 21.0.0$")
        killed = self.trials()
        output = self.finish(self.start())
        self.assertEqual(sorted(schedules.read(self.file)), sorted(set(self.keys)))
        self.assertNotIn("\x1b", output, "no control characters where there is no terminal")
        self.assertEqual(len((self.folder / "work" / "test_gap.csv").read_text().splitlines()), 1 + len(self.keys))
        for file, lines in self.trials().items():
            self.assertEqual(lines[:len(killed.get(file, []))], killed.get(file, []), "what was measured before counts")
            self.assertEqual(len(lines), len(set(lines)))


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    unittest.main()
