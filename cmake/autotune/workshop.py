"""Compiles and measures contenders for a pipeline's schedule. A contender that compiles for ever, crashes, hangs or computes nonsense
loses, and says why."""
import concurrent.futures
import dataclasses
import hashlib
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import time
from collections.abc import Callable

AUTOSCHEDULERS = ("Adams2019", "Li2018", "Mullapudi2016")
# Limits in seconds of CPU time, which a busy machine grants late. By the clock the limit is PATIENCE times as long, for what sleeps.
COMPILE_SECONDS = 20  # the space's schedules take under one
AUTOSCHEDULER_SECONDS = 60
# Adams2019 keeps 32 candidates by default, which takes minutes per pipeline. With fewer its schedules are as good or nearly so.
BEAMS = {"Adams2019": ("8", "1")}
MEASURE_SECONDS = 30
PATIENCE = 20
IMAGES = 8  # in a shard of Keras's batch of 32

Schedule = dict[str, str]  # GeneratorParams, the method first
Answer = dict  # {"relative": seconds / the default's seconds in the same run} or {"error": why it loses}


@dataclasses.dataclass(frozen=True)
class Tools:
    """Programs that the build has made."""
    generator: pathlib.Path
    space: pathlib.Path
    measure: pathlib.Path
    plugins: pathlib.Path
    compiler: str
    target: str = "host"  # Halide's, which this machine must run


class Fault(Exception):
    """Why a contender loses."""


class Interrupted(Fault):
    """Not the contender's fault."""


def run(command: list, seconds: int, interrupted: Callable[[], bool] = lambda: False) -> str:
    """Returns the program's output. Raises Fault if it fails or takes more than `seconds` of CPU time. Runs it in its own session, so that
    Ctrl-C reaches only the tuner, and a hang is ended whole."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                               start_new_session=True)
    resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    end = time.monotonic() + PATIENCE * seconds
    late = Fault(f"takes more than {seconds} s")
    try:
        while True:
            try:
                output, errors = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if interrupted():
                    raise Interrupted("was interrupted") from None
                if time.monotonic() > end:
                    raise late from None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode == -signal.SIGXCPU:
        raise late
    if process.returncode < 0:
        raise Fault(f"crashes: {signal.Signals(-process.returncode).name}")
    if process.returncode > 0:
        lines = [line for line in errors.splitlines() if line.strip()]
        raise Fault(lines[0] if lines else f"ends with status {process.returncode}")
    return output


def words_of(parameters: dict) -> list[str]:
    """Returns GeneratorParams as words of a command."""
    return [f"{key}={value}" for key, value in parameters.items()]


class Workshop:
    """Works on one pipeline: `generator` with the geometry's `parameters`. Keeps compiled contenders in `folder`."""

    def __init__(self, tools: Tools, generator: str, parameters: list[str], folder: pathlib.Path, rounds: int = 15):
        self.tools, self.generator, self.parameters, self.folder, self.rounds = tools, generator, parameters, folder, rounds
        self.workers = os.cpu_count() or 1
        self.interrupted: Callable[[], bool] = lambda: False  # polled by what takes long

    def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def space(self) -> list[dict]:
        return json.loads(run([self.tools.space, self.generator, f"target={self.tools.target}", *self.parameters], COMPILE_SECONDS))

    def library(self, schedule: Schedule) -> pathlib.Path:
        """Returns where compile() puts the library."""
        return self.folder / f"{hashlib.sha256(json.dumps(schedule, sort_keys=True).encode()).hexdigest()[:16]}.so"

    def compile(self, schedule: Schedule) -> pathlib.Path:
        """Compiles the pipeline to a shared library, under the name contender."""
        library = self.library(schedule)
        name = library.stem
        if library.exists():
            return library
        if autoscheduler := schedule.get("autoscheduler"):
            self.autoschedule(name, autoscheduler)
        else:
            self.generate(name, [*self.parameters, *words_of(schedule)], COMPILE_SECONDS)
        return self.link(name)

    def peak(self) -> pathlib.Path:
        """Compiles what measures the target's peak arithmetic."""
        library = self.folder / "peak.so"
        if library.exists():
            return library
        self.generate("peak", [], COMPILE_SECONDS, generator="fma_peak")
        return self.link("peak")

    def link(self, name: str) -> pathlib.Path:
        """Makes a shared library of an object file."""
        library = self.folder / f"{name}.so"
        unfinished = library.with_suffix(".tmp")
        run([self.tools.compiler, "-shared", "-o", unfinished, self.folder / f"{name}.o"], COMPILE_SECONDS)
        os.replace(unfinished, library)
        (self.folder / f"{name}.o").unlink()
        return library

    def generate(self, name: str, parameters: list[str], seconds: int, *options, generator: str = "",
                 interrupted: Callable[[], bool] = lambda: False) -> None:
        run([self.tools.generator, "-g", generator or self.generator, "-f", "contender", "-n", name, "-e", "object", "-o", self.folder, *options,
             f"target={self.tools.target}-no_runtime", *parameters], seconds, interrupted)

    def autoschedule(self, name: str, autoscheduler: str) -> None:
        plugin = self.tools.plugins / f"libautoschedule_{autoscheduler.lower()}.so"
        parameters = {"autoscheduler": autoscheduler, "autoscheduler.parallelism": "1"}  # a shard has one thread
        attempts = [{"autoscheduler.beam_size": beam} for beam in BEAMS.get(autoscheduler, ())] or [{}]
        for attempt in attempts:
            try:
                return self.generate(name, [*self.parameters, *words_of(parameters | attempt)], AUTOSCHEDULER_SECONDS, "-p", plugin, interrupted=self.interrupted)
            except Interrupted:
                raise
            except Fault as caught:
                fault = caught
        raise fault

    def compile_all(self, schedules: list[Schedule]) -> list[pathlib.Path | Fault]:
        """Compiles in parallel, while nothing is measured."""
        def compile_one(schedule: Schedule) -> pathlib.Path | Fault:
            try:
                return self.compile(schedule)
            except Fault as fault:
                return fault
        with concurrent.futures.ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(compile_one, schedules))

    def measure(self, libraries: list[pathlib.Path], rounds: int) -> dict:
        """Returns what castnet_measure prints about the libraries."""
        contenders = [word for library in libraries for word in ("--contender", library)]
        return json.loads(run([self.tools.measure, self.generator, *self.parameters, "--peak", self.peak(), "--images", IMAGES, "--rounds", rounds, *contenders],
                              MEASURE_SECONDS))

    def answer(self, schedules: list[Schedule]) -> list[Answer]:
        """Measures each schedule in a run with the default."""
        default, *compiled = self.compile_all([{}, *schedules])
        if isinstance(default, Fault):
            raise default
        return [self.compare(default, library) for library in compiled]

    def compare(self, default: pathlib.Path, library: pathlib.Path | Fault) -> Answer:
        try:
            if isinstance(library, Fault):
                raise library
            measured = self.measure([default, library], self.rounds)
            ours, theirs = measured["contenders"]
            if "error" in theirs:
                raise Fault(theirs["error"])
            if theirs["allocates"]:
                raise Fault("allocates memory or forks in a call")
            return {"relative": theirs["seconds"] / ours["seconds"], "seconds": theirs["seconds"],
                    "share": measured["flops"] / theirs["seconds"] / measured["peak"]}
        except Fault as fault:
            return {"error": str(fault)}
        finally:
            if isinstance(library, pathlib.Path):
                library.unlink(missing_ok=True)

    def final(self, schedules: dict[str, Schedule], runs: int, rounds: int) -> dict:
        """Measures named contenders, the default among them, in turns in a few runs. Returns for each the medians over the runs of its time
        relative to the default's and of its share of the peak; `worst` is its largest relative time."""
        names = list(schedules)
        libraries = dict(zip(names, self.compile_all(list(schedules.values()))))
        results = {name: {"error": str(library)} for name, library in libraries.items() if isinstance(library, Fault)}
        for name, library in libraries.items():  # one by one first, as a crash would take the others with it
            if name not in results:
                try:
                    alone = self.measure([library], 1)["contenders"][0]
                except Fault as fault:
                    alone = {"error": str(fault)}
                if "error" in alone:
                    results[name] = alone
        sound = [name for name in names if name not in results]
        measured = [self.measure([libraries[name] for name in sound], rounds) for _ in range(runs)]
        default = sound.index("default")
        for i, name in enumerate(sound):
            times = [one["contenders"][i]["seconds"] for one in measured]
            relative = [one["contenders"][i]["seconds"] / one["contenders"][default]["seconds"] for one in measured]
            shares = [one["flops"] / one["contenders"][i]["seconds"] / one["peak"] for one in measured]
            results[name] = {"seconds": min(times), "relative": statistics.median(relative), "worst": max(relative),
                             "share": statistics.median(shares), "allocates": measured[0]["contenders"][i]["allocates"]}
        return {"contenders": results, "intensity": measured[0]["flops"] / measured[0]["bytes"], "flops": measured[0]["flops"]}
