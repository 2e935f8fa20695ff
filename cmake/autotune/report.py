"""Reports the autotuner's schedules beside Halide's autoschedulers: a table, a CSV file and a plot."""
import csv
import math
import pathlib
import shutil
import subprocess
import sys

CONTENDERS = ("default", "tuned", "Adams2019", "Li2018", "Mullapudi2016")
# With this many operations per byte of the operands, even memory beyond the caches is no limit. (A core with a peak of 250 GFLOP/s that
# copies 27 GB/s there needs 9.) What such a pipeline misses to the peak is its schedule's fault.
ENOUGH = 16.0


def shares(row: dict) -> dict[str, float]:
    """Returns the contenders' shares of the FMA peak, without those that failed."""
    measured = dict(row["contenders"])
    measured["tuned"] = measured[row["winner"]]
    return {name: measured[name]["share"] for name in CONTENDERS if "share" in measured.get(name, {})}


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else float("nan")


def speedup(rows: list[dict], name: str) -> float:
    """Returns the tuned schedules' speedup over a contender: the geometric mean over the pipelines where it works."""
    return geometric_mean([shares(row)["tuned"] / shares(row)[name] for row in rows if name in shares(row)])


def percent(value: float | None) -> str:
    return f"{'-':>8}" if value is None or math.isnan(value) else f"{100 * value:7.1f}%"


def table(rows: list[dict]) -> str:
    lines = [f"{'share of the FMA peak':<38}" + "".join(f"{name[:13]:>14}" for name in CONTENDERS)]
    for row in rows:
        mark = "" if row["intensity"] >= ENOUGH else " *"
        values = shares(row)
        lines.append(f"{row['layer'] + ' ' + row['pass'] + mark:<38}" + "".join(f"{percent(values.get(name)):>14}" for name in CONTENDERS))
    enough = [row for row in rows if row["intensity"] >= ENOUGH]
    means = [geometric_mean([shares(row)[name] for row in enough if name in shares(row)]) for name in CONTENDERS]
    lines.append(f"{'geometric mean, without *':<38}" + "".join(f"{percent(mean):>14}" for mean in means))
    if len(enough) < len(rows):
        lines.append(f"* bound by memory: fewer than {ENOUGH:g} operations a byte")
    ratios = [f"{ratio:.2f} times as fast as {name}" for name in CONTENDERS if not math.isnan(ratio := speedup(rows, name)) and name != "tuned"]
    lines.append("tuned is " + ", ".join(ratios) + ", in the geometric mean of all")
    return "\n".join(lines)


def write_csv(rows: list[dict], file: pathlib.Path) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["layer", "pass", "operations_per_byte", "winner", "schedule", *CONTENDERS])
        for row in rows:
            schedule = " ".join(f"{name}={value}" for name, value in row["schedule"].items())
            values = shares(row)
            writer.writerow([row["layer"], row["pass"], f"{row['intensity']:.2f}", row["winner"], schedule,
                             *(f"{values[name]:.4f}" if name in values else "" for name in CONTENDERS)])


def plot(rows: list[dict], network: str, file: pathlib.Path) -> None:
    """Draws a group of bars per pipeline with gnuplot."""
    if shutil.which("gnuplot") is None:
        print("warning: no plot without gnuplot; install the package gnuplot-nox", file=sys.stderr)
        return
    colours = ("#8ab6d6", "#2a6f97", "#c9a66b", "#b0b7bf", "#d5d9dd")
    data = "\n".join(f'"{row["layer"]} {row["pass"]}" ' + " ".join(f"{100 * shares(row).get(name, 0):.2f}" for name in CONTENDERS) for row in rows)
    bars = ", ".join(f"$rows using {i + 2}:xtic(1) title '{name}' lc rgb '{colour}'" for i, (name, colour) in enumerate(zip(CONTENDERS, colours)))
    subprocess.run(["gnuplot"], text=True, check=True, input=f"""
set terminal svg size {260 + 60 * len(rows)},480 font 'sans-serif,12' noenhanced
set output '{file}'
set title '{network}: share of the FMA peak, by schedule'
set style data histogram
set style histogram cluster gap 1
set style fill solid noborder
set yrange [0:*]
set ylabel '%'
set xtics rotate by 40 right nomirror scale 0
set ytics 0,20,100 nomirror
set grid ytics lc rgb '#dddddd'
set key outside top right
set border 1
$rows << EOD
{data}
EOD
plot {bars}, 100 with lines dt 2 lc rgb '#444444' title 'the peak'
""")


def write(rows: list[dict], network: str, folder: pathlib.Path) -> None:
    if not rows:
        return
    print(table(rows))
    write_csv(rows, folder / f"{network}.csv")
    plot(rows, network, folder / f"{network}.svg")
    print(f"wrote {folder}/{network}.csv and {network}.svg")
