"""A table of tuned schedules: one line a pipeline, as the compiler reads it.

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
    """As the system calls it, for readers only."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), os.uname().machine)


def format_schedule(schedule: dict) -> str:
    """{"tile": "4x7x1x1"} as "tile=4x7x1x1"; the schedule without choices is the default."""
    return " ".join(f"{name}={value}" for name, value in schedule.items()) or "default"


def parse_schedule(text: str) -> dict:
    """The reverse of format_schedule()."""
    return {} if text == "default" else dict(word.partition("=")[::2] for word in text.split())


def read(file: pathlib.Path) -> dict[str, str]:
    """The lines by their pipelines. Raises ValueError at a line that is not whole."""
    if not file.exists():
        return {}
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        if line.count(" : ") < 2:
            raise ValueError(f"{file}: '{line}' is not a schedule; remove the line")
    return {line.split(" : ")[0]: line for line in lines}


def schedule_of(file: pathlib.Path, pipeline: str) -> dict:
    """What the file says about a pipeline; the default where it says nothing."""
    line = read(file).get(pipeline)
    return {} if line is None else parse_schedule(line.split(" : ")[1])


def keep(file: pathlib.Path, pipeline: str, schedule: dict, measured: str, halide: str) -> None:
    """Adds or replaces a pipeline's line. Whoever reads the file meanwhile sees it as it was or as it is, never in between."""
    lines = read(file)
    lines[pipeline] = f"{pipeline} : {format_schedule(schedule)} : {measured}, Halide {halide}"
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as temporary:
        temporary.write(HEADER.format(cpu=cpu_name()) + "".join(f"{lines[key]}\n" for key in sorted(lines)))
        temporary.flush()
        os.fsync(temporary.fileno())
    os.chmod(temporary.name, 0o644)
    os.replace(temporary.name, file)
