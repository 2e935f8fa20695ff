"""Compares Castnet with its peers and the machine's FMA peak. They take turns, so that a noisy machine is fair to all.

    python benchmark.py --bin build/bin [--data DIR] --out build/benchmark [--quick] [--rounds 5]

Prints a table and writes benchmark.json and benchmark.svg into --out. Without --quick it also writes scale.svg, Castnet's throughput
against batch size and threads. gnuplot draws. Each figure is the median over the rounds, with minimum and maximum; each ratio is the
median of the rounds' ratios. All outputs show how busy other processes kept the machine, in the busiest round too. --quick skips the
peers and takes under 30 seconds. Peers that are not installed are named and skipped; `sh cmake/bootstrap.sh benchmark` installs them.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

FORWARD_FLOPS = 2 * 2_182_656  # per image: every tap of the six layers, as NetworkDescription counts them
TRAINING_FLOPS = 2 * 6_491_520
IMAGES = 18_081  # MNIST's digits 1, 5 and 6
BREAK = "\\n"  # gnuplot's line break
QUIET = 0.05  # share of the CPUs that others may take without a warning


@dataclasses.dataclass(frozen=True)
class Job:
    kind: str  # train or infer
    batch: int
    threads: int

    @property
    def label(self) -> str:
        return f"{self.kind}, batch {self.batch}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def flops(self) -> int:
        return TRAINING_FLOPS if self.kind == "train" else FORWARD_FLOPS


def busy_seconds(stat: str) -> float:
    """Returns the CPU time used since boot, including that stolen by other virtual machines, from the text of /proc/stat."""
    user, nice, system, _, _, interrupts, soft_interrupts, stolen = (int(word) for word in stat.split()[1:9])
    return (user + nice + system + interrupts + soft_interrupts + stolen) / os.sysconf("SC_CLK_TCK")


class OtherLoad:
    """Measures the share of the CPUs that others take while the benchmark's programs run."""
    STAT = pathlib.Path("/proc/stat")

    def __init__(self):
        self.available = self.taken = 0.0  # CPU seconds

    def begin(self) -> None:
        self.begun, self.own = time.perf_counter(), time.process_time()
        self.busy = busy_seconds(self.STAT.read_text()) if self.STAT.exists() else 0.0

    def end(self, program_seconds: float) -> None:
        """Takes the CPU time of the program that ran since begin()."""
        if self.STAT.exists():
            own = program_seconds + time.process_time() - self.own
            self.add(time.perf_counter() - self.begun, busy_seconds(self.STAT.read_text()) - self.busy - own)

    def add(self, seconds: float, taken: float) -> None:
        self.available += seconds * (os.cpu_count() or 1)
        self.taken += max(0.0, taken)

    @property
    def share(self) -> float:
        return self.taken / self.available if self.available else 0.0

    def warning(self) -> str:
        """Returns the warning; "" if the machine was quiet."""
        return "" if self.share <= QUIET else f"the machine was not quiet: others took {100 * self.share:.0f}% of its CPUs"


class Castnet:
    name = "Castnet"

    def __init__(self, programs: pathlib.Path, data: pathlib.Path, train: pathlib.Path | None = None):
        """Takes another network's train for the default one's, if it is given."""
        self.programs, self.data, self.memory, self.load = programs, data, 0.0, OtherLoad()
        self.trainer = train or programs / "train"
        self.folder = tempfile.TemporaryDirectory()

    def can(self, job: Job) -> bool:
        return True

    def seconds_per_image(self, job: Job) -> float:
        if job.kind == "infer":
            rounds = max(3, 20_000 // job.batch)
            command = [self.programs / "benchmark-mnist_cae", "inference", "--batch-size", job.batch, "--threads", job.threads, "--rounds", rounds]
            return float(self.run(command)) / job.batch
        # Runs two complete epochs of the program itself. The second is warm, as the peers are.
        return self.train(2, "--batch-size", job.batch, "--threads", job.threads) / IMAGES

    def start_up(self) -> float:
        """Returns the seconds of a run less its one epoch: what comes before the first step, and the files after the last."""
        begin = time.perf_counter()
        epoch = self.train(1)
        return time.perf_counter() - begin - epoch

    def train(self, epochs: int, *options) -> float:
        """Returns the seconds of the last epoch."""
        run_directory = pathlib.Path(self.folder.name) / "run"
        self.run([self.trainer, "--quiet", "--no-figures", "--epochs", epochs, "--data", self.data, "--run-dir", run_directory, *options])
        return float((run_directory / "history.csv").read_text().splitlines()[-1].split(",")[3])

    def peak(self, threads: int) -> float:
        return float(self.run([self.programs / "benchmark-mnist_cae", "peak", "--threads", threads, "--rounds", 50]))

    def run(self, command: list) -> str:
        self.load.begin()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        self.load.end(usage.ru_utime + usage.ru_stime)
        if status != 0:
            raise SystemExit(f"error: {' '.join(str(word) for word in command)} failed")
        if "train" in str(command[0]):
            self.memory = max(self.memory, usage.ru_maxrss / 1024)
        return output


class Peer:
    JOBS = {"torch": ("train", "infer"), "keras": ("train",), "jax": ("train",), "onnxruntime": ("infer",)}
    NAMES = {"torch": "PyTorch", "keras": "Keras", "jax": "JAX", "onnxruntime": "ONNX Runtime"}

    def __init__(self, key: str, data: pathlib.Path, programs: pathlib.Path):
        self.key, self.name, self.memory = key, self.NAMES[key], 0.0
        program = pathlib.Path(__file__).parent / "peers.py"
        self.process = subprocess.Popen([sys.executable, str(program), key, str(data), str(programs)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.works = self.process.stdout.readline().strip() == "ready"
        self.known: set[Job] = set()

    def can(self, job: Job) -> bool:
        if job.kind == "train" and job.threads != (os.cpu_count() or 1):
            return False  # Keras and JAX take all threads
        return job.kind in self.JOBS[self.key]

    def seconds_per_image(self, job: Job) -> float:
        count = 4800 // job.batch if job.kind == "train" else max(10, 2000 // job.batch)
        if job not in self.known:  # the first call compiles
            self.known.add(job)
            self.ask(job, count)
        seconds = self.ask(job, count)
        return seconds / (count * job.batch if job.kind == "train" else job.batch)

    def ask(self, job: Job, count: int) -> float:
        self.process.stdin.write(f"{job.kind} {job.batch} {job.threads} {count}\n")
        self.process.stdin.flush()
        seconds, self.memory = (float(word) for word in self.process.stdout.readline().split())
        return seconds

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def default_data() -> pathlib.Path:
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    mnist = cache / "castnet" / "mnist"
    cached = mnist if any(mnist.glob("t10k-labels*")) else mnist.with_name("fashion-mnist")  # bootstrap.sh downloads this file last
    return pathlib.Path(os.environ.get("CASTNET_DATA") or cached)


def cpu_name() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure(contenders: list, castnet: Castnet, jobs: list[Job], rounds: int) -> dict:
    """Returns the seconds per image of each (contender, job), the peaks, and what others took beside Castnet, for each round."""
    times = {(c.name, job): [] for job in jobs for c in contenders if c.can(job)}
    peaks = {threads: [] for threads in {job.threads for job in jobs}}
    loads = []
    for number in range(rounds):
        castnet.load = OtherLoad()
        loads.append(castnet.load)
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for threads, values in peaks.items():
            values.append(castnet.peak(threads))
        for job in jobs:
            for contender in contenders:
                if contender.can(job):
                    times[contender.name, job].append(contender.seconds_per_image(job))
    castnet.load = OtherLoad()
    return {"times": times, "peaks": peaks, "loads": loads}


def report(measured: dict, contenders: list, jobs: list[Job]) -> list[dict]:
    rows = []
    for job in jobs:
        ours = measured["times"]["Castnet", job]
        for contender in contenders:
            times = measured["times"].get((contender.name, job))
            if not times:
                continue
            shares = [job.flops() / seconds / peak for seconds, peak in zip(times, measured["peaks"][job.threads])]
            rows.append({"job": job.label, "contender": contender.name, "images_per_second": 1 / statistics.median(times),
                         "images_per_second_range": [1 / max(times), 1 / min(times)],
                         "share_of_fma_peak": statistics.median(shares), "share_of_fma_peak_range": [min(shares), max(shares)],
                         "times_slower_than_castnet": statistics.median(theirs / mine for theirs, mine in zip(times, ours))})
    return rows


def print_table(rows: list[dict], contenders: list, measured: dict, warning: str) -> None:
    if warning:
        print(f"warning: {warning}; measure again when it is")
    for threads, values in sorted(measured["peaks"].items()):
        print(f"FMA peak, {threads} thread{'s' if threads > 1 else ''}: {statistics.median(values) / 1e9:.1f} GFLOP/s "
              f"({min(values) / 1e9:.1f}–{max(values) / 1e9:.1f})")
    print(f"\n{'':<30}{'':<14}{'images/s':>10}{'':<18}{'of peak':>9}{'Castnet is':>12}")
    last = ""
    for row in rows:
        ratio = "" if row["contender"] == "Castnet" else f"{row['times_slower_than_castnet']:.2f}x"
        least, most = row["images_per_second_range"]
        print(f"{row['job'] if row['job'] != last else '':<30}{row['contender']:<14}{row['images_per_second']:>10,.0f}{f' ({least:,.0f}–{most:,.0f})':<18}"
              f"{100 * row['share_of_fma_peak']:>8.1f}%{ratio:>12}")
        last = row["job"]
    print("\nPeak memory: " + ", ".join(f"{c.name} {c.memory:.0f} MB" for c in contenders))


def gnuplot(script: str) -> None:
    if shutil.which("gnuplot") is None:
        print("warning: no plot without gnuplot; install the package gnuplot-nox", file=sys.stderr)
    else:
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def measure_scale(castnet: Castnet, every: int) -> list[dict]:
    """Measures images per second against batch size and threads."""
    rows = []
    for kind in ("train", "infer"):
        for threads in sorted({1, 2, every}):
            for batch in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
                seconds = castnet.seconds_per_image(Job(kind, batch, threads))
                rows.append({"kind": kind, "threads": threads, "batch": batch, "images_per_second": 1 / seconds})
    return rows


def plot_scale(rows: list[dict], folder: pathlib.Path) -> None:
    names = {"train": "training", "infer": "inference"}
    series = sorted({(row["kind"], row["threads"]) for row in rows}, reverse=True)
    blocks = ""
    for kind, threads in series:
        points = "\n".join(f'{row["batch"]} {row["images_per_second"]:.0f}' for row in rows if (row["kind"], row["threads"]) == (kind, threads))
        blocks += f"${kind}{threads} << EOD\n{points}\nEOD\n"
    lines = ", ".join(f"${kind}{threads} with linespoints pt 7 ps 0.5 lw 2 dt {1 if kind == 'train' else 2} "
                      f"title '{names[kind]}, {threads} thread{'s' if threads > 1 else ''}'" for kind, threads in series)
    gnuplot(f"""
set terminal svg size 900,480 noenhanced font 'sans-serif,12' background '#ffffff'
set output '{folder / "scale.svg"}'
set title 'Castnet: images a second against batch size'
set logscale x 2
set xlabel 'batch size'
set yrange [0:*]
set format y "%.0f"
set key outside bottom center horizontal
set grid lc rgb '#dddddd'
{blocks}
plot {lines}
""")


def plot(rows: list[dict], folder: pathlib.Path, warning: str) -> None:
    """Draws each job's contenders as bars: shares of the FMA peak, with minimum and maximum. The warning is in the title."""
    colours = {"Castnet": 0x2A6F97}
    bars = ""
    for i, row in enumerate(rows):
        share, least, most = (100 * value for value in (row["share_of_fma_peak"], *row["share_of_fma_peak_range"]))
        bars += (f'{i} {share:.2f} {colours.get(row["contender"], 0xB0B7BF)} "{row["contender"]}: {row["job"]}" '
                 f'"{share:.0f}% ({least:.0f}–{most:.0f})"\n')
    longest = 100 * max(1.0, *(row["share_of_fma_peak"] for row in rows))
    gnuplot(f"""
set encoding utf8
set terminal svg size 900,{140 + 26 * len(rows)} noenhanced font 'sans-serif,12' background '#ffffff'
set output '{folder / "benchmark.svg"}'
set title "Share of the machine's FMA peak{BREAK + warning if warning else ''}"
set xrange [0:{1.25 * longest}]
set yrange [{len(rows) - 0.4}:-0.6]
set xlabel '%'
set xtics 0,20,{longest} nomirror
set grid xtics lc rgb '#dddddd'
unset key
set lmargin 42
set style fill solid noborder
set border 1
$rows << EOD
{bars}EOD
set ytics nomirror scale 0
plot $rows using (0):1:(0):2:($1-0.36):($1+0.36):3:ytic(4) with boxxy lc rgb variable, \
     '' using ($2+0.6):1:5 with labels left
""")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=default_data(), help="by default CASTNET_DATA, else the cache")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    every = os.cpu_count() or 1
    jobs = [Job("train", 32, every), Job("train", 128, every), Job("train", 32, 1),
            *(Job("infer", batch, threads) for threads in sorted({1, every}) for batch in (1, 32, 256))]
    castnet = Castnet(options.bin, options.data)
    contenders = [castnet]
    if not options.quick:
        for key in Peer.JOBS:
            peer = Peer(key, options.data, options.bin)
            if peer.works:
                contenders.append(peer)
            else:
                print(f"{peer.name} could not be started: it is not installed here, or fails; left out")
    rounds = 2 if options.quick else options.rounds
    measured = measure(contenders, castnet, jobs, rounds)
    start_up = min(castnet.start_up() for _ in range(rounds))
    scale = [] if options.quick else measure_scale(castnet, every)
    for peer in contenders[1:]:
        peer.close()

    rows = report(measured, contenders, jobs)
    busiest = max(measured["loads"], key=lambda load: load.share)
    warning = busiest.warning()
    print_table(rows, contenders, measured, warning)
    print(f"Castnet's start-up to the first step, the files after the last one included: {start_up:.2f} s")
    options.out.mkdir(parents=True, exist_ok=True)
    peaks = {str(threads): statistics.median(values) for threads, values in measured["peaks"].items()}
    machine = {"cpu": cpu_name(), "threads": every, "peak_flops_per_second": peaks,
               "share_of_cpus_that_others_took_by_round": [load.share for load in measured["loads"]]}
    results = {"machine": machine, "rounds": rounds, "rows": rows, "start_up_seconds": start_up, "scale": scale}
    (options.out / "benchmark.json").write_text(json.dumps(results, indent=2) + "\n")
    plot(rows, options.out, warning)
    if scale:
        plot_scale(scale, options.out)
    print(f"wrote {', '.join(str(file) for file in sorted(options.out.glob('*')))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
