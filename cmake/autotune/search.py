"""Searches a pipeline's schedules: Optuna's tree-structured Parzen estimator proposes, measurements answer.

Proposals follow from the space, the seed and the answers so far alone. So an interrupted search continues by repeating itself, and takes
earlier answers from the record instead of measuring again.
"""
import json
import pathlib
from collections.abc import Callable, Iterable

import optuna
from workshop import Answer, Schedule

LOSES = 10.0  # times the default's seconds: what a failed schedule counts as
START = 8  # the tiles that the cost model likes best are tried first
BATCH = 8  # proposed at once, to be compiled in parallel


class Record:
    """A pipeline's answers by schedule, in a file that grows line by line. A line that was cut off does not count."""

    def __init__(self, file: pathlib.Path | None = None):
        self.file, self.answers = file, {}
        text = file.read_text() if file is not None and file.exists() else ""
        for line in text.splitlines(keepends=True):
            try:
                entry = json.loads(line) if line.endswith("\n") else None
            except json.JSONDecodeError:
                entry = None
            if entry is not None:
                self.answers[self.key(entry["schedule"])] = entry["answer"]
        if file is not None and text and not text.endswith("\n"):
            with file.open("a") as stream:
                stream.write("\n")

    @staticmethod
    def key(schedule: Schedule) -> str:
        return json.dumps(schedule, sort_keys=True)

    def get(self, schedule: Schedule) -> Answer | None:
        return self.answers.get(self.key(schedule))

    def add(self, schedule: Schedule, answer: Answer) -> None:
        self.answers[self.key(schedule)] = answer
        if self.file is not None:
            with self.file.open("a") as stream:
                stream.write(json.dumps({"schedule": schedule, "answer": answer}) + "\n")

    def best(self, count: int) -> list[Schedule]:
        """Returns the fastest schedules, the fastest first."""
        ranked = sorted((answer["relative"], key) for key, answer in self.answers.items() if "relative" in answer)
        return [json.loads(key) for _, key in ranked[:count]]


class Search:
    """`space` is what castnet_space prints: methods, each with its choices and their values in order."""

    def __init__(self, space: list[dict], seed: int):
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space = {method["method"]: method["choices"] for method in space}
        self.seed, self.study, self.asked = seed, optuna.create_study(), set()
        first = space[0]["method"]
        for rank in range(min(START, len(self.space[first]["tile"]))):
            self.study.enqueue_trial({"method": first, f"{first}.tile": rank})
        self.size = sum(self.size_of(choices) for choices in self.space.values())

    @staticmethod
    def size_of(choices: dict) -> int:
        size = 1
        for values in choices.values():
            size *= len(values)
        return size

    def propose(self, trial: optuna.Trial) -> Schedule:
        method = trial.suggest_categorical("method", list(self.space))
        schedule = {"method": method}
        for name, values in self.space[method].items():
            schedule[name] = values[trial.suggest_int(f"{method}.{name}", 0, len(values) - 1)] if len(values) > 1 else values[0]
        return schedule

    def batch(self, count: int = BATCH) -> list[tuple[optuna.Trial, Schedule]]:
        """Returns schedules that were not proposed before; fewer than `count`, in the end none, when the space runs out."""
        # New samplers for each batch, so that it depends only on the answers so far.
        seed = self.seed + len(self.study.trials)
        model = optuna.samplers.TPESampler(seed=seed, n_startup_trials=2 * BATCH, n_ei_candidates=48, constant_liar=True)
        chance = optuna.samplers.RandomSampler(seed=seed)
        proposed = []
        for attempt in range(1000):
            if len(proposed) == count or len(self.asked) == self.size:
                break
            # A model that is sure repeats its proposals: chance fills the rest of the batch.
            self.study.sampler = model if attempt < 2 * count else chance
            trial = self.study.ask()
            schedule = self.propose(trial)
            if Record.key(schedule) in self.asked:
                self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
                continue
            self.asked.add(Record.key(schedule))
            proposed.append((trial, schedule))
        return proposed

    def run(self, record: Record, measure: Callable[[list[Schedule]], Iterable[Answer]], goes_on: Callable[[], bool]) -> None:
        """Searches until goes_on() returns False or the space is exhausted. measure() answers for schedules that are not in the record."""
        while goes_on():
            proposed = self.batch()
            if not proposed:
                return
            unknown = [schedule for _, schedule in proposed if record.get(schedule) is None]
            for schedule, answer in zip(unknown, measure(unknown)):
                record.add(schedule, answer)
            for trial, schedule in proposed:
                self.study.tell(trial, record.get(schedule).get("relative", LOSES))
