"""Tests failing machines. Whatever call fails, and whenever the program or the machine dies: the checkpoint is the whole old one or the
whole new one, and --resume ends with the same bits as an uninterrupted run."""
import concurrent.futures
import errno
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import power_loss
from programs import ALL, BIN, ENVIRONMENT, MEMORY, Fault, Result, Scenario, files, losses, run, train, write_data

FILE_CALLS = ("open", "read", "write", "fsync", "close", "rename", "link", "unlink", "mkdir", "flock")
CHANGES = ("open", "write", "fsync", "close", "rename", "link", "unlink", "mkdir")
# Errors of calls, besides EIO.
ERRORS = {"open": (errno.EMFILE, errno.EACCES, errno.EROFS), "write": (errno.ENOSPC, errno.EDQUOT), "fsync": (errno.ENOSPC, errno.EINVAL),
          "close": (errno.ENOSPC,), "rename": (errno.EROFS, errno.ENOSPC), "link": (errno.EPERM, errno.EMLINK), "mkdir": (errno.ENOSPC,),
          "flock": (errno.ENOLCK,)}
WORKERS = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
counts: dict[str, int] = {}  # of faults and kills, printed at the end


def fast_folder() -> str | None:
    """Returns a folder in memory, where syncs are free."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def written(file: pathlib.Path) -> int | None:
    """Returns the time of writing, if the file exists."""
    return file.stat().st_mtime_ns if file.exists() else None


class Runs(unittest.TestCase):
    """Runs on a small data set: with seed 1, with seed 2, and with seed 2 stopped after one step."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="castnet-faults-", dir=fast_folder())
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = pathlib.Path(cls.temporary.name)
        write_data(cls.folder / "data")
        earlier, later, part = (cls.begin(name, *options) for name, *options in (("earlier", 1), ("later", 2), ("part", 2, "--time-limit", "1e-9")))
        cls.anew = Scenario(earlier, ["--epochs", "2", "--seed", "2"], [earlier, later])
        cls.resumed = Scenario(part, ["--resume"], [later])

    @classmethod
    def begin(cls, name: str, seed: int, *options) -> pathlib.Path:
        result = run(cls.folder, *train(cls.folder / name, cls.folder / "data", "--epochs", "2", "--seed", str(seed), *options))
        assert result.status == 0, result
        return cls.folder / name

    def count(self, what: str, number: int) -> None:
        counts[what] = counts.get(what, 0) + number

    def each(self, cases: list, check) -> None:
        """Calls check(folder, case) for all cases in parallel, each in an empty folder. It returns what is wrong, or ""."""
        def attempt(case) -> str:
            with tempfile.TemporaryDirectory(prefix="case-", dir=self.folder) as folder:
                try:
                    wrong = check(pathlib.Path(folder), case)
                except subprocess.TimeoutExpired:
                    wrong = "hangs"
                return f"{case}: {wrong}" if wrong else ""
        wrong = [text for text in WORKERS.map(attempt, cases) if text]
        if wrong:
            self.fail("\n".join([f"{len(wrong)} of {len(cases)} cases", *wrong[:20]]))

    def calls(self, scenario: Scenario, call: str, below: str = "") -> int:
        """Counts the calls of one kind in a run without faults."""
        with tempfile.TemporaryDirectory(prefix="count-", dir=self.folder) as folder:
            scenario.prepare(pathlib.Path(folder))
            result = run(pathlib.Path(folder), *scenario.command(pathlib.Path(folder)), fault=Fault(call, below=below))
        self.assertEqual((result.status, result.errors, result.left_open), (0, [], 0))
        return result.calls


def wrong_end(result: Result) -> str:
    """Returns what is wrong with a program's end."""
    if result.left_open:
        return f"left {result.left_open} files open"
    if result.status == 0:
        return f"said {result.errors}" if result.errors else ""
    if result.status != 1 or len(result.errors) != 1 or not result.errors[0].startswith("error: "):
        return f"ended with {result.status} and said {result.errors}"
    return ""


class FailingCalls(Runs):
    def survive(self, scenario: Scenario, faults: list[Fault], allowed=(0, 1)) -> None:
        def check(folder: pathlib.Path, fault: Fault) -> str:
            scenario.prepare(folder)
            result = run(folder, *scenario.command(folder), fault=fault)
            if result.status not in allowed:
                return f"ended with {result.status} and said {result.errors}"
            return wrong_end(result) or scenario.judge(folder)
        self.count("faults of " + faults[0].call if faults else "", len(faults))
        self.each(faults, check)

    def every(self, scenario: Scenario, call: str, modes, errors, below: str = "") -> list[Fault]:
        numbers = range(1, self.calls(scenario, call, below) + 1)
        return [Fault(call, number, mode, error, below) for number in numbers for mode in modes for error in errors]

    def test_each_call_on_files_fails_once_and_for_good(self):
        for scenario in (self.anew, self.resumed):
            for call in FILE_CALLS:
                errors = (errno.EIO, *ERRORS.get(call, ())) if ALL else (errno.EIO,)
                with self.subTest(call=call, options=scenario.options):
                    self.survive(scenario, self.every(scenario, call, ("once", "always"), errors))

    def test_an_interrupted_call_is_made_again(self):
        """Tests calls on the run directory only: zlib, which reads the data, retries none."""
        for scenario in (self.anew, self.resumed):
            for call in ("open", "read", "write", "fsync", "close", "rename"):
                with self.subTest(call=call, options=scenario.options):
                    self.survive(scenario, self.every(scenario, call, ("once",), (errno.EINTR,), below="run"), allowed=(0,))

    def test_short_writes_are_continued(self):
        self.survive(self.anew, self.every(self.anew, "write", ("short",), (0,)), allowed=(0,))

    def test_a_disk_fills_up_in_the_middle_of_a_write(self):
        self.survive(self.anew, self.every(self.anew, "write", ("full", "zero"), (errno.ENOSPC,)), allowed=(1,))

    def test_a_folder_that_cannot_be_synced_or_locked_is_no_reason_to_stop(self):
        self.survive(self.anew, [Fault("flock", 1, "always", error) for error in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)], allowed=(0,))

    @unittest.skipUnless(MEMORY, "of files alone")
    def test_memory_runs_out(self):
        first, step = (200, 10) if ALL else (15, 150)  # every one at first, then some
        last = self.calls(self.resumed, "malloc")
        numbers = [*range(1, first), *range(first, last + 1, step)]
        self.survive(self.resumed, [Fault("malloc", number, mode, errno.ENOMEM) for number in numbers for mode in ("once", "always")])

    def test_threads_and_maps_are_refused(self):
        for call, error in (("thread", errno.EAGAIN), ("mmap", errno.ENOMEM)):
            with self.subTest(call=call):
                self.survive(self.anew, self.every(self.anew, call, ("once", "always"), (error,)))

    def test_the_address_space_is_small(self):
        """Also limits what the C library maps itself: threads' stacks, large blocks."""
        def check(folder: pathlib.Path, kilobytes: int) -> str:
            def limit():
                resource.setrlimit(resource.RLIMIT_AS, (kilobytes << 10, kilobytes << 10))
            if run(folder, BIN / "train-test_gap", "--version", preexec_fn=limit).status != 0:
                return ""  # the program does not even start
            self.anew.prepare(folder)
            return wrong_end(run(folder, *self.anew.command(folder), preexec_fn=limit)) or self.anew.judge(folder)
        limits = range(5_000, 21_000, 25 if ALL else 800)
        self.count("limits of the address space", len(limits))
        self.each(list(limits), check)


class Kills(Runs):
    def test_before_and_after_every_call_that_changes_files(self):
        def check(folder: pathlib.Path, case) -> str:
            scenario, fault = case
            scenario.prepare(folder)
            status = run(folder, *scenario.command(folder), fault=fault).status
            return f"ended with {status}" if status != -signal.SIGKILL else scenario.judge(folder, killed=True)
        cases = [(scenario, Fault(call, number, mode)) for scenario in ((self.anew, self.resumed) if ALL else (self.anew,)) for call in CHANGES
                 for number in range(1, self.calls(scenario, call) + 1) for mode in ("kill-before", "kill-after")]
        self.count("kills at calls", len(cases))
        self.each(cases, check)

    def test_at_random_moments(self):
        """Kills by turns in a run's first milliseconds, and after it has made progress."""
        options = ["--epochs", "400", "--batch-size", "4"]
        whole, parts = self.folder / "whole", self.folder / "parts"
        self.assertEqual(run(self.folder, *train(whole, self.folder / "data", *options)).status, 0)
        kills = 0
        moments = random.Random(4)
        while kills < (200 if ALL else 20):
            begun, history = (parts / "checkpoint.safetensors").exists(), written(parts / "history.csv")
            program = subprocess.Popen(train(parts, self.folder / "data", *(["--resume"] if begun else options)), env=ENVIRONMENT)
            while kills % 2 == 1 and program.poll() is None and written(parts / "history.csv") == history:
                time.sleep(0.001)
            time.sleep(moments.uniform(0, 0.05))
            program.kill()
            kills += program.wait() == -signal.SIGKILL
            if program.returncode == 0:
                self.check_end(whole, parts)
                shutil.rmtree(parts)
        self.count("kills at random moments", kills)
        self.assertEqual(run(self.folder, *train(parts, self.folder / "data", "--resume")).status, 0)
        self.check_end(whole, parts)

    def check_end(self, whole: pathlib.Path, parts: pathlib.Path) -> None:
        self.assertEqual((parts / "model.safetensors").read_bytes(), (whole / "model.safetensors").read_bytes())
        self.assertEqual(losses(parts), losses(whole))


class PowerLoss(Runs):
    def changes(self, scenario: Scenario) -> list[power_loss.Change]:
        with tempfile.TemporaryDirectory(prefix="log-", dir=self.folder) as name:
            folder = pathlib.Path(name)
            scenario.prepare(folder)
            log = self.folder / "log"
            log.unlink(missing_ok=True)
            self.assertEqual(run(folder, *scenario.command(folder), log=log).status, 0)
            return power_loss.read_log(log, folder / "run")

    def test_every_state_of_the_disk_can_be_resumed(self):
        def check(folder: pathlib.Path, case) -> str:
            scenario, state = case
            write_data(folder / "data")
            for name, data in state.items():
                path = folder / "run" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            return scenario.judge(folder, killed=True)
        cases = [(scenario, state) for scenario in (self.anew, self.resumed)
                 for state in power_loss.possible_states(files(scenario.before), self.changes(scenario))]
        self.count("states after a power failure", len(cases))
        self.each(cases, check)

    def test_what_a_run_has_written_lasts(self):
        with tempfile.TemporaryDirectory(prefix="new-", dir=self.folder) as name:
            folder = pathlib.Path(name) / "runs" / "mine"
            log = self.folder / "log-of-new"
            self.assertEqual(run(pathlib.Path(name), *train(folder, self.folder / "data", "--epochs", "1"), log=log).status, 0)
            changes = power_loss.read_log(log, pathlib.Path(name))
            written = {name: data for name, data in files(pathlib.Path(name)).items() if not name.endswith("lock")}
        self.assertEqual(len(written), 3)
        for state in power_loss.states_after({}, changes):
            self.assertEqual({name: state.get(name) for name in written}, written)


class Locks(Runs):
    def setUp(self):
        self.directory = self.folder / "locked"
        self.command = train(self.directory, self.folder / "data", "--epochs", "1000000")
        self.first = subprocess.Popen(self.command, env=ENVIRONMENT)
        self.addCleanup(self.first.wait)
        self.addCleanup(self.first.kill)
        while not (self.directory / "history.csv").exists():
            self.assertIsNone(self.first.poll())
            time.sleep(0.01)

    def test_a_second_run_is_refused_while_the_first_lives(self):
        for command in (self.command, train(self.directory, self.folder / "data", "--resume")):
            result = run(self.folder, *command)
            self.assertEqual((result.status, result.errors),
                             (1, [f"error: {self.directory}: another run is at work there; wait for its end, or choose another --run-dir"]))
        self.assertEqual(list(self.directory.glob("previous-*")), [])
        self.assertIsNone(self.first.poll())
        self.first.kill()
        self.first.wait()
        self.assertEqual(run(self.folder, *train(self.directory, self.folder / "data", "--resume", "--time-limit", "0.01")).status, 0)
        self.assertEqual(run(self.folder, *train(self.directory, self.folder / "data", "--epochs", "1")).status, 0)
        self.assertFalse((self.directory / "previous-1" / "lock").exists())


class Disks(Runs):
    """Mounts real disks in the test's own mount namespace."""

    def setUp(self):
        if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
            self.skipTest("mounting needs root")

    def on_mount(self, folder: pathlib.Path, mount: str) -> Result:
        """Runs the program in a run directory that `mount` changes, and keeps what it leaves there."""
        self.anew.prepare(folder)
        (folder / "mounted").mkdir()
        script = f"{mount} && \"$@\"; status=$?; rm -rf ../kept; cp -a . ../kept; exit $status"
        command = self.anew.command(folder)
        command[command.index(folder / "run")] = "."
        result = run(folder, "unshare", "--mount", "sh", "-c", f"cd '{folder}' && {script}", "sh", *command)
        shutil.rmtree(folder / "run")
        (folder / "kept").rename(folder / "run")
        return result

    def test_a_full_disk(self):
        def check(folder: pathlib.Path, kilobytes: int) -> str:
            result = self.on_mount(folder, f"mount -t tmpfs -o size={kilobytes}k none mounted && cp -a run/. mounted && cd mounted")
            return wrong_end(result) or self.anew.judge(folder)
        sizes = range(12, 48, 4)  # whole pages; the earlier run takes three
        self.count("full disks", len(sizes))
        self.each(list(sizes), check)

    def test_a_read_only_directory(self):
        def check(folder: pathlib.Path, _) -> str:
            result = self.on_mount(folder, "mount --bind run mounted && mount -o remount,bind,ro mounted && cd mounted")
            if result.status != 1 or "Read-only file system" not in result.errors[0]:
                return f"ended with {result.status} and said {result.errors}"
            return wrong_end(result) or self.anew.judge(folder)
        self.each([1], check)


class Figures(Runs):
    """Checks that a run completes and says what is missing if gnuplot fails or test data vanish."""

    def draw(self, folder: pathlib.Path, gnuplot: str) -> Result:
        (folder / "bin").mkdir()
        (folder / "bin" / "gnuplot").write_text(f"#!/bin/sh\n{gnuplot}\n")
        (folder / "bin" / "gnuplot").chmod(0o755)
        command = [word for word in self.anew.command(folder) if word not in ("--quiet", "--no-figures")]
        return run(folder, *command, environment={"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"})

    def check_warned(self, folder: pathlib.Path, result: Result, warning: str) -> str:
        if result.status != 0 or len(result.errors) != 1 or not result.errors[0].startswith("warning: ") or warning not in result.errors[0]:
            return f"ended with {result.status} and said {result.errors}"
        return self.anew.judge(folder)

    def test_gnuplot_fails(self):
        begins = "read -r terminal; read -r output; output=${output#*\\'}; echo begun > \"${output%\\'}\"; "
        def check(folder: pathlib.Path, gnuplot: str) -> str:
            self.anew.prepare(folder)
            return self.check_warned(folder, self.draw(folder, gnuplot), "gnuplot could not draw it")
        # The last one exits with most of a large figure unread.
        self.each(["exit 1", "exec <&-; exit 0", "kill -9 $$", begins + "exit 1", begins + "exit 0"], check)

    def test_test_images_vanish_or_are_cut(self):
        def check(folder: pathlib.Path, cut: int) -> str:
            self.anew.prepare(folder)
            path = folder / "data" / "t10k-images-idx3-ubyte"
            path.write_bytes(path.read_bytes()[:cut])
            return self.check_warned(folder, self.draw(folder, "cat >/dev/null"), path.name)
        self.each([0, 10, 1000], check)


class Clock(Runs):
    def test_a_checkpoint_is_written_at_least_every_thirty_seconds(self):
        """Speeds up the clock so that a step takes minutes. Expects a checkpoint at the start and after each of two epochs' three steps."""
        self.anew.prepare(self.folder / "hurried")
        log = self.folder / "hurried.log"
        result = run(self.folder / "hurried", *self.anew.command(self.folder / "hurried"), fault=Fault("clock", 1_000_000_000), log=log)
        self.assertEqual((result.status, result.errors), (0, []))
        saves = re.findall(rb"^rename\t.*checkpoint\.safetensors\t0$", log.read_bytes(), re.MULTILINE)
        self.assertEqual(len(saves), 1 + 2 * 3)
        self.assertEqual(self.anew.judge(self.folder / "hurried"), "")


class Explore(Runs):
    """Checks that a file which explore cannot replace stays as it was."""

    def test_files_are_replaced_or_left(self):
        def check(folder: pathlib.Path, fault: Fault) -> str:
            outputs = [folder / "z.npy", folder / "z.csv"]
            for output in outputs:
                output.write_text("old")
            result = run(folder, BIN / "explore-test_gap", "encode", "--model", self.folder / "later" / "model.safetensors", "--data",
                         self.folder / "data", "--out", outputs[0], "--csv", outputs[1], fault=fault)
            half = [output.name for output in outputs if output.read_bytes() not in (b"old", whole[output.name])]
            return wrong_end(result) or (f"half {half}" if half else "") or (f"left {left}" if (left := list(folder.glob("*.tmp"))) else "")
        whole = {}
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            run(pathlib.Path(name), BIN / "explore-test_gap", "encode", "--model", self.folder / "later" / "model.safetensors", "--data",
                self.folder / "data", "--out", f"{name}/z.npy", "--csv", f"{name}/z.csv")
            whole = files(pathlib.Path(name))
        numbers = range(1, 1500, 10 if ALL else 75)
        faults = [Fault("malloc", number, mode, errno.ENOMEM) for number in numbers for mode in ("once", "always") if MEMORY]
        faults += [Fault(call, number, mode, errno.EIO) for call in FILE_CALLS for number in range(1, 7) for mode in ("once", "always")]
        self.count("faults in explore", len(faults))
        self.each(faults, check)


def tearDownModule():
    print(", ".join(f"{number} {what}" for what, number in counts.items() if what))


if __name__ == "__main__":
    unittest.main()
