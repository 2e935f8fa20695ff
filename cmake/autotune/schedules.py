"""A table of tuned schedules: one line per pipeline, as the compiler reads it.

    PIPELINE : GeneratorParams, or `default` : what was measured, Halide VERSION
"""
import os
import pathlib
import tempfile

HEADER = """\
# Schedules that the autotuner found on {cpu}.
# A line: pipeline : GeneratorParams, or `default` where the shapes choose best : measured on one thread, and by which Halide.
# Lines may be merged, edited and removed; `sh cmake/bootstrap.sh autotune` makes them.
"""


def cpu_name() -> str:
    """Returns the system's name of the CPU, for readers only."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), os.uname().machine)


def format_schedule(schedule: dict) -> str:
    """Formats {"tile": "4x7x1x1"} as "tile=4x7x1x1", and an empty schedule as "default"."""
    return " ".join(f"{name}={value}" for name, value in schedule.items()) or "default"


def parse_schedule(text: str) -> dict:
    """Reverses format_schedule()."""
    return {} if text == "default" else dict(word.partition("=")[::2] for word in text.split())


def read(file: pathlib.Path) -> dict[str, str]:
    """Returns the lines by pipeline. Raises ValueError for an incomplete line."""
    if not file.exists():
        return {}
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        if line.count(" : ") < 2:
            raise ValueError(f"{file}: '{line}' is not a schedule; remove the line")
    return {line.split(" : ")[0]: line for line in lines}


def schedule_of(file: pathlib.Path, pipeline: str) -> dict:
    """Returns the file's schedule for a pipeline; the default if it has none."""
    line = read(file).get(pipeline)
    return {} if line is None else parse_schedule(line.split(" : ")[1])


def keep(file: pathlib.Path, pipeline: str, schedule: dict, measured: str, halide: str) -> None:
    """Adds or replaces a pipeline's line atomically: a reader sees the old file or the new one."""
    lines = read(file)
    lines[pipeline] = f"{pipeline} : {format_schedule(schedule)} : {measured}, Halide {halide}"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as temporary:
        temporary.write(HEADER.format(cpu=cpu_name()) + "".join(f"{lines[key]}\n" for key in sorted(lines)))
        temporary.flush()
        os.fsync(temporary.fileno())
    os.chmod(temporary.name, 0o644)
    os.replace(temporary.name, file)
