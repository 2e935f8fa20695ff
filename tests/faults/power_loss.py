"""Computes what a disk may hold after a power failure, from a log of the changes that a program made.

Syncing a file makes its data durable; syncing a folder, its names. The rest may be lost, names and bytes independently: changes of a
folder's names from some point on, and a file's bytes from some point on, or all of them, with the size kept and zeros instead."""
import dataclasses
import itertools
import pathlib
from collections.abc import Iterator

State = dict[str, bytes]


@dataclasses.dataclass
class Change:
    """One line of the log."""
    what: str
    path: str
    to: str
    data: bytes


def read_log(log: pathlib.Path, folder: pathlib.Path) -> list[Change]:
    """Makes names relative to the folder."""
    changes, text = [], log.read_bytes()
    while text:
        line, text = text.split(b"\n", 1)
        what, *paths, size = line.decode().split("\t")
        path, to = (str(pathlib.Path(name).relative_to(folder)) if name else "" for name in paths)
        changes.append(Change(what, path, to, text[:int(size)]))
        text = text[int(size):]
    return changes


class File:
    def __init__(self, data: bytes = b""):
        self.synced = self.now = data

    def possible(self) -> list[bytes]:
        """Returns the contents that a power failure may leave."""
        if self.synced == self.now:
            return [self.now]
        prefixes = {self.now[:size] for size in (0, 1, len(self.now) // 2, len(self.now) - 1, len(self.now))}
        return [self.synced, *prefixes, bytes(len(self.now))]


class Disk:
    """Keeps a folder's names as changes of a table: (name, file), or (name, None) for a removed one."""

    def __init__(self, files: State):
        self.synced = {name: File(data) for name, data in files.items()}
        self.now = dict(self.synced)
        self.pending: dict[str, list[tuple]] = {}  # by folder

    def name(self, path: str, file) -> tuple:
        if file is None:
            self.now.pop(path, None)
        else:
            self.now[path] = file
        return path, file

    def change_names(self, *names: tuple) -> None:
        """Changes a folder's names. A power failure loses all or nothing of one change."""
        folder = str(pathlib.Path(names[0][0]).parent)
        self.pending.setdefault(folder, []).append(tuple(self.name(*name) for name in names))

    def apply(self, change: Change) -> None:
        path, to = change.path, change.to
        if change.what in ("create", "truncate"):
            if path not in self.now:
                self.change_names((path, File()))
            if change.what == "truncate":
                self.now[path].now = b""
        elif change.what == "write":
            self.now[path].now += change.data
        elif change.what == "fsync" and path in self.now and self.now[path] is not Disk:
            self.now[path].synced = self.now[path].now
        elif change.what == "fsync":
            for names in self.pending.pop(path, []):
                self.keep(self.synced, names)
        elif change.what == "rename":
            self.change_names((to, self.now[path]), (path, None))
        elif change.what == "link":
            self.change_names((to, self.now[path]))
        elif change.what == "unlink":
            self.change_names((path, None))
        elif change.what == "mkdir":
            self.change_names((path, Disk))

    @staticmethod
    def keep(table: dict, names: tuple) -> None:
        for path, file in names:
            table.pop(path, None)
            if file is not None:
                table[path] = file

    def possible(self) -> Iterator[State]:
        """Yields the files that may be left after a power failure now."""
        for lasting in itertools.product(*(range(len(names) + 1) for names in self.pending.values())):
            table = dict(self.synced)
            for count, names in zip(lasting, self.pending.values()):
                for change in names[:count]:
                    self.keep(table, change)
            known = [path for path, file in table.items() if file is not Disk and self.is_reachable(path, table)]
            for data in itertools.product(*(table[path].possible() for path in known)):
                yield dict(zip(known, data))

    def is_reachable(self, path: str, table: dict) -> bool:
        """Returns whether all parent folders that this run made are durable too."""
        return all(str(folder) in table for folder in pathlib.Path(path).parents if self.now.get(str(folder)) is Disk)


def possible_states(files: State, changes: list[Change]) -> list[State]:
    """Returns all that a power failure at any moment may leave, each once."""
    disk, states = Disk(files), {}
    for change in [None, *changes]:
        if change is not None:
            disk.apply(change)
        for state in disk.possible():
            states[frozenset(state.items())] = state
    return list(states.values())


def states_after(files: State, changes: list[Change]) -> list[State]:
    """Returns all that a power failure after the last change may leave."""
    disk = Disk(files)
    for change in changes:
        disk.apply(change)
    return list(disk.possible())
