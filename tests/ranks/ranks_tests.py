"""Trains in several processes: to the same bits as in one, whatever ends, fails or differs."""
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from image_files import npy_header

BIN = pathlib.Path(os.environ["CASTNET_BIN"])
MPI = os.environ.get("CASTNET_MPI", "")
MPIRUN = os.environ.get("CASTNET_MPIRUN", "")
KILLS = int(os.environ.get("CASTNET_KILLS", "2"))
LONGEST_END = 30  # seconds from a process's death to the end of all
RANK = {"openmpi": "OMPI_COMM_WORLD_RANK", "mpich": "PMI_RANK"}.get(MPI, "")
# More processes than cores; as root too, as in a container.
OPTIONS = ["--oversubscribe", "--allow-run-as-root", "--bind-to", "none"] if MPI == "openmpi" else []
SHAPES = {"mnist_cae": (28, 28), "test_batch": (4, 6, 2), "test_gap": (12, 10)}


class Programs(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="castnet-ranks-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def data(self, network: str, images: int, seed: int = 1) -> pathlib.Path:
        shape = (images, *SHAPES[network])
        file = self.folder / f"{network}-{images}-{seed}.npy"
        size = images
        for length in SHAPES[network]:
            size *= length
        file.write_bytes(npy_header(shape, "|u1") + random.Random(seed).randbytes(size))
        return file


class Ranks(Programs):
    def train(self, network: str) -> str:
        return str(BIN / MPI / f"train-{network}")

    def command(self, ranks: int, program: str, *options: object) -> list[str]:
        return [MPIRUN, *OPTIONS, "-n", str(ranks), program, "--no-figures", *map(str, options)]

    def run_ranks(self, ranks: int, network: str, *options: object, status: int = 0) -> subprocess.CompletedProcess:
        return self.run_command(self.command(ranks, self.train(network), *options), status)

    def run_command(self, command: list[str], status: int = 0) -> subprocess.CompletedProcess:
        done = subprocess.run(command, text=True, capture_output=True)
        if status == 0:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        else:
            self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def bits(self, run: pathlib.Path) -> str:
        return hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()

    def alone(self, network: str, *options: object) -> str:
        run = self.folder / "alone"
        subprocess.run([self.train(network), "--no-figures", "--quiet", "--run-dir", run, *map(str, options)], check=True)
        return self.bits(run)

    def check_all_counts(self, network: str, counts: tuple[int, ...], *options: object):
        want = self.alone(network, "--threads", 2, *options)
        for ranks in counts:
            for threads in (1, 2):
                with self.subTest(ranks=ranks, threads=threads):
                    run = self.folder / f"{ranks}x{threads}"
                    self.run_ranks(ranks, network, "--threads", threads, "--run-dir", run, *options)
                    self.assertEqual(self.bits(run), want)

    def test_any_number_of_ranks_and_threads_trains_to_the_same_bits(self):
        # Two epochs; the last batch of each has 21 images.
        self.check_all_counts("mnist_cae", (1, 2, 3, 4, 5, 8), "--data", self.data("mnist_cae", 85), "--epochs", 2)

    def test_layers_summed_over_the_batch_clipping_validation_and_a_last_image_too(self):
        # 101 images for training: the last batch has one.
        self.check_all_counts("test_batch", (2, 3, 5), "--data", self.data("test_batch", 126), "--epochs", 3, "--batch-size", 50, "--optimizer", "adamw",
                              "--clip-norm", 0.05, "--validation-split", 0.2, "--patience", 2, "--noise", 0.1)
        histories = [(self.folder / run / "history.csv").read_text() for run in ("alone", "3x1")]
        losses = [[line.split(",")[1:3] for line in text.splitlines()] for text in histories]
        self.assertEqual(*losses)

    def test_more_ranks_than_images_in_a_batch(self):
        self.check_all_counts("test_gap", (7,), "--data", self.data("test_gap", 10), "--epochs", 1, "--batch-size", 4, "--optimizer", "sgd", "--momentum", 0.9)

    def test_only_the_first_one_prints(self):
        data = self.data("test_gap", 20)
        done = self.run_ranks(3, "test_gap", "--data", data, "--epochs", 2, "--threads", 1, "--run-dir", self.folder / "run")
        self.assertRegex(done.stdout, r"20 images .*, 3 ranks of 1 threads\n")
        for line in ("Epoch 1/2", "Epoch 2/2", "wrote "):
            self.assertEqual(done.stdout.count(line), 1, done.stdout)

    # What ends before its time.

    def start(self, ranks: int, network: str, *options: object) -> subprocess.Popen:
        """Starts processes that leave their numbers in files."""
        script = f'echo $$ > {self.folder}/$$.new && mv {self.folder}/$$.new {self.folder}/rank.${RANK} && exec "$0" "$@"'
        return subprocess.Popen([MPIRUN, *OPTIONS, "-n", str(ranks), "sh", "-c", script, self.train(network), "--no-figures", *map(str, options)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def process_of(self, rank: int) -> int:
        file = self.folder / f"rank.{rank}"
        while not file.exists() or not file.read_text().strip():
            time.sleep(0.01)
        return int(file.read_text())

    def wait_for_checkpoint(self, run: pathlib.Path, process: subprocess.Popen):
        while not (run / "checkpoint.safetensors").exists():
            self.assertIsNone(process.poll(), "it ended early")
            time.sleep(0.01)

    def test_a_killed_rank_ends_the_job_and_the_run_goes_on_with_other_counts_to_the_same_bits(self):
        data, epochs = self.data("test_gap", 320), 40
        options = ("--data", data, "--batch-size", 16)
        want = self.alone("test_gap", *options, "--epochs", epochs)
        chance = random.Random(os.environ.get("CASTNET_KILLS_SEED", "7"))
        run = self.folder / "run"
        for kill in range(KILLS):
            shutil.rmtree(run, ignore_errors=True)
            for file in self.folder.glob("rank.*"):
                file.unlink()
            ranks, victim = chance.choice([2, 3, 4]), 0
            victim = chance.randrange(ranks)
            process = self.start(ranks, "test_gap", *options, "--epochs", 100000, "--threads", 1, "--run-dir", run)
            self.wait_for_checkpoint(run, process)
            pid = self.process_of(victim)
            time.sleep(chance.uniform(0, 1))
            os.kill(pid, signal.SIGKILL)
            begin = time.monotonic()
            process.communicate(timeout=LONGEST_END * 10)
            self.assertNotEqual(process.returncode, 0)
            print(f"kill {kill}: rank {victim} of {ranks}, ended after {time.monotonic() - begin:.1f} s", flush=True)
            # What the job left is whole, and goes on where it was: here, with other counts, to the end of a shorter run.
            left = self.folder / "left"
            shutil.rmtree(left, ignore_errors=True)
            shutil.copytree(run, left)
            others = chance.choice([count for count in (1, 2, 3, 5) if count != ranks])
            epoch = self.epoch_of(left)
            finish = max(epoch, 1) + 1
            self.run_ranks(others, "test_gap", "--threads", 1, "--run-dir", left, "--resume", "--epochs", finish)
            self.assertEqual(self.bits(left), self.alone("test_gap", *options, "--epochs", finish), f"kill {kill}")
        self.assertTrue(want)

    def epoch_of(self, run: pathlib.Path) -> int:
        return int(re.search(rb'"epoch":"(\d+)"', (run / "checkpoint.safetensors").read_bytes()[:20000])[1])

    def test_a_stopped_run_goes_on_with_another_count_to_the_same_bits(self):
        data = self.data("test_gap", 320)
        options = ("--data", data, "--batch-size", 16, "--epochs", 600)
        want = self.alone("test_gap", *options)
        run = self.folder / "run"
        done = self.run_ranks(3, "test_gap", *options, "--threads", 2, "--run-dir", run, "--time-limit", 0.2)
        self.assertRegex(done.stdout, r"stopped in epoch \d+ after \d+ of 320 images; continue with ")
        self.run_ranks(2, "test_gap", "--threads", 1, "--run-dir", run, "--resume")
        self.assertEqual(self.bits(run), want)

    def test_a_signal_to_any_rank_stops_all_in_the_same_step(self):
        data = self.data("test_gap", 320)
        for rank, number in ((0, signal.SIGINT), (2, signal.SIGTERM)):
            with self.subTest(rank=rank):
                run = self.folder / f"run{rank}"
                for file in self.folder.glob("rank.*"):
                    file.unlink()
                process = self.start(3, "test_gap", "--data", data, "--epochs", 100000, "--threads", 1, "--run-dir", run)
                self.wait_for_checkpoint(run, process)
                time.sleep(0.5)
                os.kill(self.process_of(rank), number)
                out, err = process.communicate(timeout=LONGEST_END * 10)
                self.assertEqual(process.returncode, 0, out + err)
                self.assertRegex(out, r"stopped in epoch \d+ after \d+ of 320 images; continue with ")
                epochs = self.epoch_of(run) + 1
                self.run_ranks(2, "test_gap", "--threads", 1, "--run-dir", run, "--resume", "--epochs", epochs)
                self.assertEqual(self.bits(run), self.alone("test_gap", "--data", data, "--epochs", epochs))

    # What differs or fails.

    def run_differently(self, *commands: tuple[object, ...]) -> str:
        """Starts one process of each command, and returns what they print. They fail."""
        command = [MPIRUN, *OPTIONS]
        for each in commands:
            command += ["-n", "1", *map(str, each), "--no-figures", "--threads", "1", "--run-dir", str(self.folder / "run"), ":"]
        done = self.run_command(command[:-1], status=1)
        return done.stdout + done.stderr

    def test_a_rank_that_differs_is_refused_and_named(self):
        data, other = self.data("test_gap", 20), self.data("test_gap", 20, seed=2)
        shorter = self.data("test_gap", 19)
        program = self.train("test_gap")
        copy = self.folder / "train-copy"
        copy.write_bytes(pathlib.Path(program).read_bytes() + b"\0")
        copy.chmod(0o755)
        same = (program, "--data", data)
        for name, different in (("--seed", (*same, "--seed", 2)), ("--batch-size", (*same, "--batch-size", 31)), ("--schedule", (*same, "--schedule", "cosine")),
                                ("--data", (program, "--data", other)), ("--data", (program, "--data", shorter)), ("program", (copy, "--data", data)),
                                ("network", (self.train("test_batch"), "--data", self.data("test_batch", 20)))):
            with self.subTest(name=name):
                output = self.run_differently(same, same, different)
                lines = [line for line in output.splitlines() if line.startswith("error: ")]
                self.assertEqual(len(lines), 1, output)
                self.assertRegex(lines[0], rf"^error: (rank \d on \S+: )?rank 2 differs from rank 0: it has {name}: (.*), not {name}: (?!\2;).*; start ")
                self.assertFalse((self.folder / "run").exists())

    def test_a_rank_that_fails_ends_all_with_one_line(self):
        data = self.data("test_gap", 20)
        program = self.train("test_gap")
        for rank, commands in ((1, ((program, "--data", data), (program, "--data", self.folder / "missing.npy"))),
                               (0, ((program, "--data", self.folder / "missing.npy"), (program, "--data", data)))):
            output = self.run_differently(*commands)
            lines = [line for line in output.splitlines() if line.startswith("error: ")]
            self.assertEqual(len(lines), 1, output)
            self.assertRegex(lines[0], rf"^error: {f'rank {rank} on .*: ' if rank > 0 else ''}/.*missing\.npy: ")

    def test_an_error_of_all_is_reported_once(self):
        data = self.data("test_gap", 20)
        for options in (("--no-such-option",), ("--data", self.folder / "missing.npy"), ("--data", data, "--learning-rate", "1e30", "--epochs", 50)):
            done = self.run_ranks(3, "test_gap", "--run-dir", self.folder / "run", *options, status=1)
            output = done.stdout + done.stderr
            self.assertEqual(len([line for line in output.splitlines() if line.startswith("error: ")]), 1, output)

    def test_a_run_that_cannot_be_written_ends_all_with_one_line(self):
        (self.folder / "file").touch()
        done = self.run_ranks(3, "test_gap", "--data", self.data("test_gap", 20), "--run-dir", self.folder / "file" / "run", status=1)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("error: ")]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("cannot be written", lines[0])


class Lone(Programs):
    def test_copies_that_a_launcher_starts_are_refused_and_one_is_not(self):
        run = self.folder / "run"
        command = [BIN / "lone" / "train-test_gap", "--no-figures", "--epochs", "1", "--data", self.data("test_gap", 20), "--run-dir", run]
        for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
            done = subprocess.run(command, env={**os.environ, variable: "4"}, text=True, capture_output=True)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.count("\n"), 1)
            self.assertTrue(done.stderr.startswith("error: mpirun or srun started 4 copies, and this program was built without MPI"), done.stderr)
            self.assertFalse(run.exists())
        subprocess.run(command, env={**os.environ, "OMPI_COMM_WORLD_SIZE": "1", "SLURM_NTASKS": "4"}, check=True, capture_output=True)


if __name__ == "__main__":
    unittest.main()
