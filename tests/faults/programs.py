"""Runs the programs with or without the shim that makes system calls fail, in scenarios whose ends are known."""
import dataclasses
import os
import pathlib
import random
import shutil
import struct
import subprocess

BIN = pathlib.Path(os.environ["CASTNET_BIN"])
SHIM = pathlib.Path(os.environ["CASTNET_SHIM"])
ALL = os.environ.get("CASTNET_FAULTS") == "all"  # every fault; otherwise a selection that takes a minute
MEMORY = os.environ.get("CASTNET_FAULTS") != "files"  # also mallocs, which coverage itself needs
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("CASTNET_")} | {"HOME": "/nonexistent"}
HANGS = 600  # seconds until a program hangs, even on a busy machine; it takes a twentieth of one


@dataclasses.dataclass
class Fault:
    """What the shim does to a call of this number."""
    call: str
    number: int = 0
    mode: str = "once"
    error: int = 0
    below: str = ""  # the subfolder of the test's folder whose files are affected


@dataclasses.dataclass
class Result:
    status: int
    errors: list[str]  # the lines on standard error
    calls: int = 0  # of this kind
    left_open: int = 0


def run(folder: pathlib.Path, *command, fault: Fault = None, log: pathlib.Path = None, **options) -> Result:
    """Runs a program while the shim watches the files below the folder."""
    environment, report = dict(ENVIRONMENT), folder.with_name(folder.name + ".report")
    report.unlink(missing_ok=True)
    if fault or log:
        environment |= {"LD_PRELOAD": str(SHIM), "CASTNET_FAULTS_FOLDER": str(folder), "CASTNET_FAULTS_REPORT": str(report)}
    if fault:
        environment |= {"CASTNET_FAULTS_FOLDER": str(folder / fault.below), "CASTNET_FAULTS_CALL": fault.call, "CASTNET_FAULTS_MODE": fault.mode,
                        "CASTNET_FAULTS_NUMBER": str(fault.number), "CASTNET_FAULTS_ERROR": str(fault.error)}
    if log:
        environment["CASTNET_FAULTS_LOG"] = str(log)
    environment |= options.pop("environment", {})
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=HANGS, **options)
    counts = [int(number) for number in report.read_text().split()] if report.exists() else []
    return Result(done.returncode, done.stderr.splitlines(), *counts)


def train(run_directory: pathlib.Path, data: pathlib.Path, *options) -> list:
    return [BIN / "train-test_gap", "--quiet", "--no-figures", "--data", data, "--run-dir", run_directory, *options]


def write_data(folder: pathlib.Path, images: int = 65) -> None:
    """Writes random images for the network test_gap. Training and test part are the same."""
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        pixels = random.Random(1).randbytes(images * 12 * 10)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + struct.pack(">III", images, 12, 10) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + struct.pack(">I", images) + bytes(n % 10 for n in range(images)))


def losses(run_directory: pathlib.Path) -> list[str]:
    """Returns a run's history without its times."""
    return [",".join(line.split(",")[:3]) for line in (run_directory / "history.csv").read_text().splitlines()]


def files(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclasses.dataclass
class Scenario:
    """A command on a run directory, the run that is there before, and how that run and the new one end."""
    before: pathlib.Path
    options: list[str]
    ends: list[pathlib.Path]  # directories of uninterrupted runs

    def command(self, folder: pathlib.Path) -> list:
        return train(folder / "run", folder / "data", *self.options)

    def prepare(self, folder: pathlib.Path) -> None:
        write_data(folder / "data")
        shutil.copytree(self.before, folder / "run")

    def judge(self, folder: pathlib.Path, killed: bool = False) -> str:
        """Returns what is wrong with the run directory."""
        directory, before = folder / "run", files(self.before)
        left = [path.name for path in directory.rglob("*.tmp")]
        if left and not killed:
            return f"left {left}"
        models = [before.get("model.safetensors")] + [files(end)["model.safetensors"] for end in self.ends]
        if (directory / "model.safetensors").exists() and (directory / "model.safetensors").read_bytes() not in models:
            return "the model is neither the old one nor the new one"
        resumed = run(folder, *train(directory, folder / "data", "--resume"))
        if resumed.status != 0:
            return f"cannot be resumed: {resumed.errors}"
        if left := [path.name for path in directory.rglob("*.tmp")]:
            return f"--resume left {left}"
        end = next((end for end in self.ends if files(end)["model.safetensors"] == files(directory)["model.safetensors"]), None)
        if end is None:
            return "resumes to other bits"
        if losses(end) != losses(directory):
            return f"has the history {losses(directory)}"
        if end != self.ends[0] and not self.keeps_earlier_run(directory):
            return "has lost the earlier run"
        return ""

    def keeps_earlier_run(self, directory: pathlib.Path) -> bool:
        return any(files(kept) == {name: data for name, data in files(self.ends[0]).items() if name != "lock"}
                   for kept in directory.glob("previous-*"))
