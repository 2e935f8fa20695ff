"""Tests the tests: builds the wrong versions in mutants.py one by one, and checks that a test notices each.

    CASTNET_MUTATION=1 python3 tests/mutation/mutation.py --only adam

Works in a copy of the tree. Without the variable, only checks that the list fits the sources.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from mutants import MUTANTS, Mutant

SOURCE = pathlib.Path(__file__).resolve().parents[2]
VENV = pathlib.Path(os.environ.get("CASTNET_BUILD", SOURCE / "build")) / "venv"
SKIPPED = 77  # CTest's SKIP_RETURN_CODE
WANTED_SHARE = 0.95


class Hangs(Exception):
    """A command exceeded its time limit."""


class DoesNotCompile(Exception):
    """A mutant does not compile: a mistake in the list, not in the tests."""


class Failure(Exception):
    """The whole check is meaningless."""


def main() -> int:
    arguments = parse_arguments()
    check_list()
    if "CASTNET_MUTATION" not in os.environ:
        print(f"{len(MUTANTS)} mutants fit the sources; CASTNET_MUTATION=1 builds and tests each, which takes half an hour")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="castnet-mutation-") as temporary:
        tree = Tree(pathlib.Path(arguments.folder or temporary), arguments.jobs)
        return check_mutants(tree, [mutant for mutant in MUTANTS if arguments.only in f"{mutant.file}: {mutant.breaks}"])


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Builds wrong versions of Castnet, and checks that a test notices each.")
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="only mutants whose file or description contains it")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="parallel jobs of the build")
    parser.add_argument("--folder", help="keeps the copy of the tree here, so that the next run builds less")
    return parser.parse_args()


def check_list() -> None:
    for mutant in MUTANTS:
        count = (SOURCE / mutant.file).read_text().count(mutant.old)
        if count != 1:
            raise Failure(f"{mutant.file} holds {count} times what a mutant replaces: {mutant.old!r}; mend tests/mutation/mutants.py")


def check_mutants(tree: Tree, mutants: list[Mutant]) -> int:
    if not mutants:
        raise Failure("there is no such mutant")
    start, caught, broken = time.monotonic(), 0, 0
    tree.check_sound(dict.fromkeys(command for mutant in mutants for command in mutant.tests))
    print(f"without any mutant all tests pass ({time.monotonic() - start:.0f} s)", flush=True)
    for mutant in mutants:
        began = time.monotonic()
        try:
            killer = tree.find_killer(mutant)
            caught += killer is not None
            verdict = f"caught by {killer}" if killer else "SURVIVED"
        except DoesNotCompile as error:
            broken += 1
            verdict = f"does not compile: {error}"
        print(f"{mutant.file}: {mutant.breaks}: {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    share = caught / len(mutants)
    print(f"{caught} of {len(mutants)} mutants caught: {100 * share:.1f} %, {broken} do not compile, {time.monotonic() - start:.0f} s")
    return 0 if share >= WANTED_SHARE and broken == 0 else 1


class Tree:
    """A copy of the source tree with a build folder of its own."""

    def __init__(self, folder: pathlib.Path, jobs: int):
        self.folder, self.build, self.jobs = folder, folder / "build", jobs
        self.environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        self.environment.pop("CASTNET_DATA", None)
        self.limits = {}
        self.copy_sources()
        self.configure()

    def copy_sources(self) -> None:
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=SOURCE, check=True,
                               stdout=subprocess.PIPE).stdout
        for name in filter(None, os.fsdecode(names).split("\0")):
            if (SOURCE / name).exists():
                self.write(name, (SOURCE / name).read_bytes())

    def write(self, name: str, content: bytes) -> None:
        """Writes a file if it changes, so that nothing is rebuilt in vain."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)

    def configure(self) -> None:
        self.build.mkdir(exist_ok=True)
        if VENV.exists() and not (self.build / "venv").exists():
            (self.build / "venv").symlink_to(VENV)
        # Optimizes little: each build runs once.
        status, output = self.run(["cmake", "-G", "Ninja", "-S", self.folder, "-B", self.build, "-DCMAKE_BUILD_TYPE=Release",
                                   "-DCMAKE_CXX_FLAGS_RELEASE=-O1"])
        if status != 0:
            raise Failure(output)

    def check_sound(self, commands) -> None:
        """Checks that all tests pass without a mutant; otherwise failures say nothing. Sets time limits from their times."""
        for command in commands:
            status, output = self.make(target_of(command))
            if status != 0:
                raise Failure(output)
            began = time.monotonic()
            killer = self.failing_test(command, 3600)
            if killer is not None:
                raise Failure(f"without any mutant, {killer} fails")
            self.limits[command] = 600 + 20 * (time.monotonic() - began)  # the machine may be busier later

    def find_killer(self, mutant: Mutant) -> str | None:
        """Returns the first test that fails with the mutant, or None if it survives."""
        original = (SOURCE / mutant.file).read_bytes()
        self.write(mutant.file, original.replace(mutant.old.encode(), mutant.new.encode()))
        try:
            status, output = self.make("castnet_generators" if mutant.file.startswith("generators/") else "castnet_files")
            if status != 0:
                raise DoesNotCompile(first_error(output))
            return next(filter(None, map(self.failing_with_mutant, mutant.tests)), None)
        finally:
            self.write(mutant.file, original)

    def failing_with_mutant(self, command: str) -> str | None:
        if self.make(target_of(command))[0] != 0:
            return "the build of " + target_of(command)  # a generator that refuses a network's layer
        return self.failing_test(command, self.limits[command])

    def failing_test(self, command: str, limit: float) -> str | None:
        program, *options = command.split()
        if program.endswith("_tests"):
            options.append("-aa=1")  # doctest's: the first failure is enough
        try:
            status, output = self.run([self.build / "bin" / program, *options], limit)
        except Hangs:
            return f"{command}, which hangs"
        return None if status == 0 else test_case(output) or command

    def make(self, target: str) -> tuple[int, str]:
        return self.run(["cmake", "--build", self.build, "-j", str(self.jobs), "--target", target])

    def run(self, command: list[str | pathlib.Path], limit: float = 3600) -> tuple[int, str]:
        """Returns status and output. Kills the command and its children if it hangs."""
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", start_new_session=True)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise Hangs from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return process.returncode, output


def target_of(command: str) -> str:
    return command.split()[0]


def test_case(output: str) -> str | None:
    """Returns the name of the failed doctest case."""
    found = re.search(r"^TEST CASE:\s+(.+)$", output, re.MULTILINE)
    return found and found[1]


def first_error(output: str) -> str:
    return next((line for line in output.splitlines() if "error:" in line), output[-200:])


if __name__ == "__main__":
    if shutil.which("git") is None:
        print("git is missing, which lists the sources")
        sys.exit(SKIPPED)
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"error: {failure}")
