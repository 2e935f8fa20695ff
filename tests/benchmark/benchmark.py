"""Castnet beside its peers and the machine's FMA peak, in one run, by turns so that a noisy machine is fair to all.

    python benchmark.py --bin build/bin [--data DIR] --out build/benchmark [--quick] [--rounds 5]

Prints a table and writes benchmark.json, benchmark.svg and scale.svg (Castnet's throughput against batch size and threads) into
--out; gnuplot draws. A figure is the median over the rounds, a ratio the median of the rounds' ratios. --quick leaves the peers out and
takes under 30 seconds. Peers that are not installed are named and left out; `sh cmake/bootstrap.sh benchmark` installs them.
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

FORWARD_FLOPS = 2 * 2_182_656  # of an image: every tap of the six layers, as the runtime counts them (NetworkDescription)
TRAINING_FLOPS = 2 * 6_491_520
IMAGES = 18_081  # MNIST's digits 1, 5 and 6


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


class Castnet:
    name = "Castnet"

    def __init__(self, programs: pathlib.Path, data: pathlib.Path):
        self.programs, self.data, self.memory = programs, data, 0.0
        self.folder = tempfile.TemporaryDirectory()

    def can(self, job: Job) -> bool:
        return True

    def seconds_per_image(self, job: Job) -> float:
        if job.kind == "infer":
            rounds = max(3, 20_000 // job.batch)
            command = [self.programs / "benchmark-mnist_cae", "inference", "--batch-size", job.batch, "--threads", job.threads, "--rounds", rounds]
            return float(self.run(command)) / job.batch
        # Two whole epochs of the program itself, with all that belongs to them; the second is warm, as the peers are.
        return self.train(2, "--batch-size", job.batch, "--threads", job.threads) / IMAGES

    def start_up(self) -> float:
        """Seconds from the program's start to its end, less its one epoch: what comes before the first step, and the files after the last."""
        begin = time.perf_counter()
        epoch = self.train(1)
        return time.perf_counter() - begin - epoch

    def train(self, epochs: int, *options) -> float:
        """The seconds of the last epoch."""
        run_directory = pathlib.Path(self.folder.name) / "run"
        self.run([self.programs / "train", "--quiet", "--no-figures", "--epochs", epochs, "--data", self.data, "--run-dir", run_directory, *options])
        return float((run_directory / "history.csv").read_text().splitlines()[-1].split(",")[3])

    def peak(self, threads: int) -> float:
        return float(self.run([self.programs / "benchmark-mnist_cae", "peak", "--threads", threads, "--rounds", 50]))

    def run(self, command: list) -> str:
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"error: {' '.join(str(word) for word in command)} failed")
        if "train" in str(command[0]):
            self.memory = max(self.memory, usage.ru_maxrss / 1024)
        return output


class Peer:
    JOBS = {"torch": ("train", "infer"), "keras": ("train",), "jax": ("train",), "onnxruntime": ("infer",)}
    NAMES = {"torch": "PyTorch", "keras": "Keras", "jax": "JAX", "onnxruntime": "ONNX Runtime"}

    def __init__(self, key: str, data: pathlib.Path):
        self.key, self.name, self.memory = key, self.NAMES[key], 0.0
        program = pathlib.Path(__file__).parent / "peers.py"
        self.process = subprocess.Popen([sys.executable, str(program), key, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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
    cached = mnist if any(mnist.glob("t10k-labels*")) else mnist.with_name("fashion-mnist")  # the last file that bootstrap.sh downloads
    return pathlib.Path(os.environ.get("CASTNET_DATA") or cached)


def cpu_name() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def measure(contenders: list, castnet: Castnet, jobs: list[Job], rounds: int) -> dict:
    """seconds an image of each (contender, job), and the peaks, round by round."""
    times = {(c.name, job): [] for job in jobs for c in contenders if c.can(job)}
    peaks = {threads: [] for threads in {job.threads for job in jobs}}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for threads, values in peaks.items():
            values.append(castnet.peak(threads))
        for job in jobs:
            for contender in contenders:
                if contender.can(job):
                    times[contender.name, job].append(contender.seconds_per_image(job))
    return {"times": times, "peaks": peaks}


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
                         "share_of_fma_peak": statistics.median(shares),
                         "times_slower_than_castnet": statistics.median(theirs / mine for theirs, mine in zip(times, ours))})
    return rows


def print_table(rows: list[dict], contenders: list, measured: dict) -> None:
    for threads, values in sorted(measured["peaks"].items()):
        print(f"FMA peak, {threads} thread{'s' if threads > 1 else ''}: {statistics.median(values) / 1e9:.1f} GFLOP/s")
    print(f"\n{'':<30}{'':<14}{'images/s':>10}{'of peak':>9}{'Castnet is':>12}")
    last = ""
    for row in rows:
        ratio = "" if row["contender"] == "Castnet" else f"{row['times_slower_than_castnet']:.2f}x"
        print(f"{row['job'] if row['job'] != last else '':<30}{row['contender']:<14}{row['images_per_second']:>10,.0f}"
              f"{100 * row['share_of_fma_peak']:>8.1f}%{ratio:>12}")
        last = row["job"]
    print("\nPeak memory: " + ", ".join(f"{c.name} {c.memory:.0f} MB" for c in contenders))


def gnuplot(script: str) -> None:
    if shutil.which("gnuplot") is None:
        print("warning: no plot without gnuplot; install the package gnuplot-nox", file=sys.stderr)
    else:
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def measure_scale(castnet: Castnet, every: int) -> list[dict]:
    """Castnet's images a second against batch size and threads."""
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
set terminal svg size 900,480 font 'sans-serif,12'
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


def plot(rows: list[dict], folder: pathlib.Path) -> None:
    """Bars: each job's contenders as shares of the FMA peak."""
    colours = {"Castnet": 0x2A6F97}
    bars = "\n".join(f'{i} {100 * row["share_of_fma_peak"]:.2f} {colours.get(row["contender"], 0xB0B7BF)} "{row["contender"]}: {row["job"]}"'
                     for i, row in enumerate(rows))
    gnuplot(f"""
set terminal svg size 900,{120 + 26 * len(rows)} font 'sans-serif,12'
set output '{folder / "benchmark.svg"}'
set title 'Share of the machine''s FMA peak'
set xrange [0:100]
set yrange [{len(rows) - 0.4}:-0.6]
set xlabel '%'
set xtics 0,20,100 nomirror
set grid xtics lc rgb '#dddddd'
unset key
set lmargin 42
set style fill solid noborder
set border 1
$rows << EOD
{bars}
EOD
set ytics nomirror scale 0
plot $rows using (0):1:(0):2:($1-0.36):($1+0.36):3:ytic(4) with boxxy lc rgb variable, \
     '' using ($2+0.6):1:(sprintf('%.0f%%', $2)) with labels left
""")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=default_data(), help="else CASTNET_DATA, else the cache")
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
            peer = Peer(key, options.data)
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
    print_table(rows, contenders, measured)
    print(f"Castnet's start-up to the first step, the files after the last one included: {start_up:.2f} s")
    options.out.mkdir(parents=True, exist_ok=True)
    peaks = {str(threads): statistics.median(values) for threads, values in measured["peaks"].items()}
    machine = {"cpu": cpu_name(), "threads": every, "peak_flops_per_second": peaks}
    results = {"machine": machine, "rounds": rounds, "rows": rows, "start_up_seconds": start_up, "scale": scale}
    (options.out / "benchmark.json").write_text(json.dumps(results, indent=2) + "\n")
    plot(rows, options.out)
    if scale:
        plot_scale(scale, options.out)
    print(f"wrote {options.out}/benchmark.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
