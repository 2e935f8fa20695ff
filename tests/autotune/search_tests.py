"""Tests the search on recorded measurements. recorded.json holds the space of a pipeline, the measurements of a search with seed 0 on a
machine, in their order, and its choice."""
import json
import pathlib
import sys
import tempfile
import unittest

from fixture import SOURCE, require_optuna

sys.path.insert(0, str(SOURCE / "cmake" / "autotune"))
require_optuna()
from search import Record, Search  # noqa: E402

RECORDED = json.loads((pathlib.Path(__file__).parent / "recorded.json").read_text())
TRIALS = len(RECORDED["answers"])


class Machine:
    """Answers with the recorded measurements. A schedule without one gets a relative time of 1.5."""

    def __init__(self, stop_after: int = TRIALS):
        self.answers = {Record.key(entry["schedule"]): entry["answer"] for entry in RECORDED["answers"]}
        self.asked: list[str] = []
        self.stop_after = stop_after

    def measure(self, schedules):
        for schedule in schedules:
            self.asked.append(Record.key(schedule))
            yield self.answers.get(self.asked[-1]) or {"relative": 1.5}

    def goes_on(self) -> bool:
        return len(self.asked) < self.stop_after


def search(seed: int, record: Record, machine: Machine) -> None:
    Search(RECORDED["space"], seed).run(record, machine.measure, machine.goes_on)


class SearchTest(unittest.TestCase):
    def test_the_same_seed_and_measurements_give_the_same_choice(self):
        machine, record = Machine(), Record()
        search(0, record, machine)
        self.assertEqual(machine.asked, [Record.key(entry["schedule"]) for entry in RECORDED["answers"]])
        self.assertEqual(record.best(1)[0], RECORDED["choice"])

    def test_another_seed_asks_for_others(self):
        machine = Machine()
        search(1, Record(), machine)
        self.assertNotEqual(machine.asked, [Record.key(entry["schedule"]) for entry in RECORDED["answers"]])

    def test_an_interrupted_search_goes_on_where_it_was(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "record.jsonl"
            first = Machine(stop_after=TRIALS // 3)
            search(0, Record(file), first)
            second = Machine(stop_after=TRIALS - len(first.asked))
            record = Record(file)
            search(0, record, second)
            self.assertEqual(first.asked + second.asked, [Record.key(entry["schedule"]) for entry in RECORDED["answers"]])
            self.assertEqual(record.best(1)[0], RECORDED["choice"])

    def test_a_line_that_was_cut_off_is_measured_again(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "record.jsonl"
            whole = Record(file)
            search(0, whole, Machine())
            text = file.read_bytes()
            for length in range(0, len(text), 97):
                file.write_bytes(text[:length])
                record = Record(file)
                self.assertEqual(len(record.answers), text[:length].count(b"\n"))
                record.add({"method": "x"}, {"relative": 1.0})
                self.assertEqual(Record(file).answers, record.answers)

    def test_no_schedule_is_asked_for_twice_and_a_space_ends(self):
        machine = Machine(stop_after=10**9)
        space = [{"method": "a", "choices": {"tile": ["1", "2", "3"], "unroll": ["1", "2"]}}, {"method": "b", "choices": {"tile": ["1", "4"]}}]
        record = Record()
        Search(space, 5).run(record, machine.measure, machine.goes_on)
        self.assertEqual(len(machine.asked), 8)
        self.assertEqual(len(set(machine.asked)), 8)

    def test_two_methods_may_differ_in_another_choice(self):
        machine, of_image, of_batch = Machine(stop_after=10**9), {"method": "small", "sums": "image"}, {"method": "small", "sums": "batch"}
        space = [{"method": "small by image", "choices": {"method": ["small"], "sums": ["image"], "tile": ["1", "2"], "block": ["1", "7"]}},
                 {"method": "small by batch", "choices": {"method": ["small"], "sums": ["batch"], "tile": ["1", "2"]}}]
        Search(space, 3).run(Record(), machine.measure, machine.goes_on)
        every = [of_image | {"tile": tile, "block": block} for tile in "12" for block in "17"] + [of_batch | {"tile": tile} for tile in "12"]
        self.assertEqual(sorted(machine.asked), sorted(map(Record.key, every)))

    def test_what_fails_is_never_the_best(self):
        record = Record()
        record.add({"tile": "1"}, {"error": "crashes"})
        record.add({"tile": "2"}, {"relative": 3.0})
        self.assertEqual(record.best(4), [{"tile": "2"}])


if __name__ == "__main__":
    unittest.main()
