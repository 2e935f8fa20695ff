"""Searches for faster schedules of a network's pipelines on this machine, compares Halide's autoschedulers, and keeps the winners in a file
that the next build reads. The targets autotune… run it. After an interruption it continues where it was."""
import argparse
import concurrent.futures
import dataclasses
import hashlib
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import time

import report
import schedules
from workshop import AUTOSCHEDULERS, Fault, Interrupted, Tools, Workshop

FINALISTS = 4
MARGIN = 0.99  # a schedule must take less than this part of the default's time; the rest is noise


@dataclasses.dataclass
class Pipeline:
    layer: str
    name: str  # of the pass
    key: str  # in the schedules' file
    workshop: Workshop

    def __str__(self) -> str:
        return f"{self.layer} {self.name}"


class Line:
    """A progress line, overwritten on a terminal; elsewhere only what stays."""

    def __init__(self):
        self.live = sys.stdout.isatty()

    def show(self, text: str) -> None:
        if self.live:
            print(f"\r\x1b[K{text}", end="", flush=True)

    def leave(self, text: str) -> None:
        print(("\r\x1b[K" if self.live else "") + text, flush=True)


def clock(seconds: float) -> str:
    return f"{int(max(0, seconds)) // 60}:{int(max(0, seconds)) % 60:02}"


class Autotuner:
    def __init__(self, options: argparse.Namespace, pipelines: list[Pipeline]):
        self.options, self.pipelines, self.line = options, pipelines, Line()
        self.interrupted = False
        self.end = time.monotonic()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.interrupt)

    def interrupt(self, number, _frame) -> None:
        """Ends the search and keeps what it found; a second signal ends the program at once."""
        self.interrupted = True
        signal.signal(number, signal.SIG_DFL)
        self.line.leave("interrupted: keeping what was found; run the target again to go on")

    def run(self) -> None:
        for pipeline in self.pipelines:
            pipeline.workshop.open()
            pipeline.workshop.interrupted = lambda: self.interrupted
        self.prepare_autoschedulers()
        for number, pipeline in enumerate(self.pipelines):
            if self.interrupted:
                break
            self.end = time.monotonic() + self.options.budget * (len(self.pipelines) - number)
            try:
                self.tune(pipeline)
            except Fault as fault:
                self.line.leave(f"{pipeline}: {fault}; its schedule stays as it was")

    def prepare_autoschedulers(self) -> None:
        """Compiles the autoschedulers' schedules first, in parallel, and keeps them for the next run: one takes up to minutes."""
        jobs = [(pipeline, name) for pipeline in self.pipelines for name in self.options.autoschedulers]
        done = 0

        def prepare(job) -> None:
            pipeline, name = job
            failure = pipeline.workshop.folder / f"{name}.failed"
            if self.interrupted or failure.exists():
                return
            try:
                pipeline.workshop.compile({"autoscheduler": name})
            except Interrupted:
                return
            except Fault as fault:
                failure.write_text(f"{fault}\n")

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for _ in pool.map(prepare, jobs):
                done += 1
                self.line.show(f"Halide's autoschedulers: {done} of {len(jobs)} schedules compiled")

    def tune(self, pipeline: Pipeline) -> None:
        from search import Record, Search  # needs Optuna, which --report does not
        workshop = pipeline.workshop
        record = Record(workshop.folder / "record.jsonl")
        trials, deadline = self.options.trials, time.monotonic() + self.options.budget

        def goes_on() -> bool:
            if self.interrupted:
                return False
            return time.monotonic() < deadline if trials is None else len(record.answers) < trials

        def show() -> None:
            best = record.best(1)
            answer = record.get(best[0]) if best else {"share": 0, "relative": 1}
            left = f"{clock(self.end - time.monotonic())} left" if trials is None else f"{max(0, trials - len(record.answers))} trials left"
            self.line.show(f"{pipeline}: {len(record.answers)} trials, best {100 * answer['share']:.0f} % of the peak, "
                           f"{1 / answer['relative']:.2f} times the default, {left}")

        def measure(batch):
            for answer in workshop.answer(batch):
                yield answer
                show()

        search = Search(workshop.space(), self.options.seed)
        search.run(record, measure, goes_on)
        self.decide(pipeline, record)

    def decide(self, pipeline: Pipeline, record) -> None:
        """Measures the finalists, the default, the winner of earlier searches and the autoschedulers once more, in turns. The fastest wins
        if it beats the default beyond noise, in every run."""
        contenders = {"default": {}}
        if earlier := schedules.schedule_of(self.options.schedules, pipeline.key):
            contenders["earlier"] = earlier
        contenders |= {f"tuned {rank}": schedule for rank, schedule in enumerate(record.best(FINALISTS))}
        for name in self.options.autoschedulers:
            if pipeline.workshop.library({"autoscheduler": name}).exists():
                contenders[name] = {"autoscheduler": name}
        result = pipeline.workshop.final(contenders, runs=3, rounds=25)
        measured = result["contenders"]

        def wins(name: str) -> bool:
            answer = measured[name]
            return "error" not in answer and not answer["allocates"] and answer["relative"] < MARGIN and answer["worst"] < 1

        winner = min(filter(wins, measured), key=lambda name: measured[name]["relative"], default="default")
        for name in self.options.autoschedulers:
            failure = pipeline.workshop.folder / f"{name}.failed"
            if failure.exists():
                measured[name] = {"error": failure.read_text().strip()}
        default, best = measured["default"], measured[winner]
        schedules.keep(self.options.schedules, pipeline.key, contenders[winner],
                       f"{100 * best['share']:.0f} % of the FMA peak, default {100 * default['share']:.0f} %",
                       self.options.description["halide"])
        lost = [answer["error"] for answer in record.answers.values() if "error" in answer]
        row = {"layer": pipeline.layer, "pass": pipeline.name, "winner": winner, "schedule": contenders[winner], "trials": len(record.answers),
               "lost": len(lost), **result}
        (pipeline.workshop.folder / "result.json").write_text(json.dumps(row, indent=2) + "\n")
        self.line.leave(f"{str(pipeline):<36}{100 * default['share']:5.1f} % -> {100 * best['share']:5.1f} % of the peak   "
                        f"{len(record.answers):4} trials{f', {len(lost)} lost' if lost else ''}   {schedules.format_schedule(contenders[winner])}")


def pipeline_name(entry: dict) -> str:
    return f"{entry['layer']}-{entry['pass']}"


def read_pipelines(options: argparse.Namespace) -> list[Pipeline]:
    """Returns the network's pipelines, or those asked for. What was compiled and measured counts only for this build of the generator."""
    tools = Tools(options.generator, options.space, options.measure, options.plugins, options.compiler, options.description["target"])
    build = hashlib.sha256(options.generator.read_bytes() + options.measure.read_bytes() + tools.target.encode()).hexdigest()[:12]
    pipelines = []
    tunable = [entry for entry in options.description["pipelines"] if entry["key"]]
    names = [pipeline_name(entry) for entry in tunable]
    if unknown := [name for name in options.pipelines if name not in names]:
        raise ValueError(f"--pipelines {unknown[0]}: {options.description['name']} has {', '.join(names)}")
    for entry in tunable:
        if options.pipelines and pipeline_name(entry) not in options.pipelines:
            continue
        name = f"{hashlib.sha256(entry['key'].encode()).hexdigest()[:12]}-{build}"
        parameters = [f"{name}={value}" for name, value in entry["parameters"].items()]
        workshop = Workshop(tools, entry["generator"], parameters, options.folder / name)
        pipelines.append(Pipeline(entry["layer"], entry["pass"], entry["key"], workshop))
    return pipelines


def describe(castnet: pathlib.Path, network: pathlib.Path, target: str) -> dict:
    """Returns the compiler's description of the network. Raises ValueError with the compiler's message."""
    result = subprocess.run([castnet, "describe", "--json", "--target", target, network], capture_output=True, text=True)
    if result.returncode != 0:
        raise ValueError(result.stderr.strip().removeprefix("error: "))
    return json.loads(result.stdout)


def table_of(place: pathlib.Path, name: str) -> pathlib.Path:
    """Returns the file `name` in a folder of tables; a file is itself."""
    if place.suffix == ".txt":
        return place
    if not name:
        raise ValueError("the kind of this CPU is not known, so its table has no name; give one by -DCASTNET_SCHEDULES=FILE.txt")
    return place / name


class Parser(argparse.ArgumentParser):
    """Reports mistakes in one line."""

    def error(self, message: str):
        self.exit(1, f"error: {message}; --help lists what is allowed\n")


def at_least_zero(kind: type, example: str):
    """Returns a parser of numbers from 0 on."""
    def read(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = -1
        if not 0 <= value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on; write {example}, say")
        return value
    return read


def parse_options() -> argparse.Namespace:
    parser = Parser(description=__doc__)
    parser.add_argument("network", type=pathlib.Path, help="its text, NAME.castnet")
    for name in ("castnet", "generator", "space", "measure", "plugins", "folder"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--schedules", type=pathlib.Path, required=True, help="the table FILE.txt, or the folder of tables")
    parser.add_argument("--target", default="host", help="Halide's target to search for, which this CPU must run; host by default")
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--budget", type=at_least_zero(float, "AUTOTUNE_BUDGET=60"), default=20,
                        help="seconds of search per pipeline; AUTOTUNE_BUDGET overrides")
    parser.add_argument("--trials", type=at_least_zero(int, "AUTOTUNE_TRIALS=64"),
                        help="instead: trials per pipeline, including earlier runs; AUTOTUNE_TRIALS overrides")
    parser.add_argument("--pipelines", type=lambda text: [name for name in text.split(",") if name], default=[], metavar="LAYER-PASS,…",
                        help="only these; AUTOTUNE_PIPELINES overrides")
    parser.add_argument("--autoschedulers", nargs="*", choices=AUTOSCHEDULERS, default=AUTOSCHEDULERS, help="Halide's, to compare with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", action="store_true", help="only print and plot earlier measurements")
    variables = {"--budget": "AUTOTUNE_BUDGET", "--trials": "AUTOTUNE_TRIALS", "--pipelines": "AUTOTUNE_PIPELINES"}
    overriding = [f"{option}={os.environ[name]}" for option, name in variables.items() if name in os.environ]
    return parser.parse_args([*sys.argv[1:], *overriding])


def run(options: argparse.Namespace) -> None:
    options.description = describe(options.castnet, options.network, options.target)
    options.schedules = table_of(options.schedules, options.description["schedules"]["measured"])
    pipelines = read_pipelines(options)
    if not options.report:
        import optuna  # noqa: F401  (fails here, before what takes long)
        Autotuner(options, pipelines).run()
    results = [file for pipeline in read_pipelines(argparse.Namespace(**vars(options) | {"pipelines": []}))
               if (file := pipeline.workshop.folder / "result.json").exists()]
    report.write([json.loads(file.read_text()) for file in results], options.description["name"], options.folder)


def main() -> int:
    try:
        run(parse_options())
        return 0
    except ModuleNotFoundError as error:
        reason = f"{error.name} is not installed; run sh cmake/bootstrap.sh autotune"
    except (OSError, ValueError) as error:
        reason = str(error)
    print(f"error: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
