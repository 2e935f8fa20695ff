"""Measures training in several processes, and plans it for many machines.

    python3 tests/benchmark/ranks.py [--train build/bin/train] [--mpirun mpirun] [--rounds 5] [--links]

Compares, by turns, one process of two threads with two processes of one thread each on this machine. With --links, as root, it then trains
over slow links between network namespaces, beside what the model below says of them. In the end it plans 8 to 256 machines with that model.
The program must be built with the MPI of --mpirun; --links needs MPICH's (build/bin/mpich/train-mnist_cae is, after the tests were built), a
C++ compiler and /dev/net/tun.

The model of a step. Of B images in shards of b, the process that has the most has S = ceil(ceil(B / b) / R) · b, so that

    step = S · image + update / R + exchange + gather
    exchange = gather = copies / 2 + latency + (R - 1) · message + 4 · parameters · (R - 1) / R / bandwidth        for R > 1

where image is the time of an image's passes on the process's threads and update that of the optimizer, from steps of two sizes of batch in one
process; copies what the exchange costs without a link, from a run of two processes; message what each message costs its sender, from the runs
with links. All messages leave at once.
"""
import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
BATCHES = (32, 256)
LINKS = ((10, 50), (10, 500), (1, 50), (1, 500))  # gigabits a second, microseconds of latency
IMAGES = 18081  # of digits 1, 5 and 6


def shard(batch: int) -> int:
    """Returns the images of the default network's shards: see runtime/sharding.h."""
    images = 2
    while images < 16 and 8 * (2 * images) ** 2 <= batch:
        images *= 2
    return images


def share(batch: int, ranks: int) -> int:
    """Returns the images of the process that has the most."""
    return min(batch, -(-(-(-batch // shard(batch))) // ranks) * shard(batch))


class Model:
    def __init__(self, image: float, update: float, copies: float, parameters: int):
        self.image, self.update, self.copies, self.parameters = image, update, copies, parameters
        self.message = 5e-6  # unless links are measured

    def exchange(self, ranks: int, latency: float, gigabits: float) -> float:
        if ranks == 1:
            return 0
        return self.copies + 2 * (latency + (ranks - 1) * self.message + 4 * self.parameters * (ranks - 1) / ranks / (gigabits * 1e9 / 8))

    def step(self, batch: int, ranks: int, latency: float, gigabits: float, cores: int = 1 << 30) -> float:
        """Returns the seconds of a step; the processes may share fewer cores."""
        crowd = max(1, ranks / cores)
        return crowd * (share(batch, ranks) * self.image + self.update / ranks) + self.exchange(ranks, latency, gigabits)


class Runs:
    def __init__(self, train: pathlib.Path, mpirun: str, folder: pathlib.Path):
        self.train, self.mpirun, self.folder = train, mpirun, folder

    def local_launcher(self, ranks: int) -> list[str]:
        return [self.mpirun, "-n", str(ranks)]

    def step(self, launcher: list[str], batch: int, threads: int) -> float:
        """Returns the seconds of a step in the second epoch."""
        run = self.folder / "run"
        command = [*launcher, self.train, "--classes", "1,5,6", "--epochs", "2", "--batch-size", str(batch), "--threads", str(threads), "--no-figures", "--quiet", "--run-dir", run]
        done = subprocess.run([str(part) for part in command], text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(map(str, command))}: {done.stderr}")
        seconds = float((run / "history.csv").read_text().splitlines()[2].split(",")[3])
        return seconds / -(-IMAGES // batch)


def compare(runs: Runs, rounds: int):
    launcher = runs.local_launcher(2)
    for batch in BATCHES:
        threads, ranks = [], []
        for _ in range(rounds):
            threads.append(runs.step([], batch, 2))
            ranks.append(runs.step(launcher, batch, 1))
        ratio = statistics.median(b / a for a, b in zip(threads, ranks))
        print(f"batch {batch}: a step takes {1e3 * min(threads):.2f} ms in one process of two threads, {1e3 * min(ranks):.2f} ms in two of one: "
              f"{ratio:.3f} times as long (median of {rounds})", flush=True)


@contextlib.contextmanager
def linked_machines(runs: Runs, count: int, gigabits: float, microseconds: float, switch: pathlib.Path):
    """Makes namespaces with a slow link each. Yields the launcher of as many processes."""
    names = [f"castnet{machine}" for machine in range(count)]
    agent = runs.folder / "agent"
    agent.write_text('#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nmachine=castnet$((${1##*.} - 1))\nshift\n'
                     'exec ip netns exec $machine unshare --uts sh -c "hostname $machine; $*"\n')
    agent.chmod(0o755)
    working = subprocess.Popen([switch, str(count), str(microseconds), str(gigabits)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        working.stdout.readline()
        for machine, name in enumerate(names):
            for command in (f"ip netns add {name}", f"ip link set port{machine} netns {name} name link0",
                            f"ip -n {name} link set link0 address 02:00:00:00:00:{machine:02x} mtu 9000 txqueuelen 10000",
                            f"ip -n {name} address add 10.9.0.{machine + 1}/24 dev link0", f"ip -n {name} link set link0 up",
                            f"ip -n {name} link set lo up"):
                subprocess.run(command.split(), check=True)
        yield ["ip", "netns", "exec", names[0], runs.mpirun, "-launcher", "ssh", "-launcher-exec", agent, "-hosts",
               ",".join(f"10.9.0.{machine + 1}" for machine in range(count)), "-n", str(count),
               "-genvall", "-genv", "UCX_TLS", "tcp,self", "-genv", "UCX_NET_DEVICES", "link0", "-genv", "MPIR_CVAR_NOLOCAL", "1"]  # not through shared memory
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL)
        working.stdin.close()
        working.wait()


def measure_links(runs: Runs, folder: pathlib.Path, model: Model):
    switch = folder / "slow_switch"
    subprocess.run(["c++", "-std=c++20", "-O2", "-pthread", ROOT / "tests/benchmark/slow_switch.cpp", "-o", switch], check=True)
    cores = os.cpu_count() or 1
    measured = {}
    for gigabits, microseconds in LINKS:
        for ranks in (2, 4):
            with linked_machines(runs, ranks, gigabits, microseconds, switch) as launcher:
                for batch in BATCHES:
                    measured[gigabits, microseconds, ranks, batch] = runs.step(launcher, batch, 1)
    model.message = 0
    beyond = [(seconds - model.step(batch, ranks, 1e-6 * microseconds, gigabits, cores)) / (2 * (ranks - 1))
              for (gigabits, microseconds, ranks, batch), seconds in measured.items() if batch == BATCHES[0]]
    model.message = max(0.0, statistics.median(beyond))
    print(f"A message costs {1e6 * model.message:.0f} µs\n\n| link | batch | ranks | step | model |\n| --- | --- | --- | --- | --- |")
    for (gigabits, microseconds, ranks, batch), seconds in measured.items():
        planned = model.step(batch, ranks, 1e-6 * microseconds, gigabits, cores)
        print(f"| {gigabits} Gbit/s, {microseconds} µs | {batch} | {ranks} | {1e3 * seconds:.2f} ms | {1e3 * planned:.2f} ms |", flush=True)


def plan(model: Model, cores: int):
    """Prints speed-ups over one machine: of the same batch (strong), and of one that grows with the machines (weak)."""
    machine = Model(model.image / cores, model.update / cores, model.copies, model.parameters)
    machine.message = model.message
    print(f"\nMachines of {cores} cores, speed-up over one machine of the same batch:\n")
    print("| ranks | link | batch 256 | 1024 | 4096 | 32 a core | the batch for 80 % |\n| --- | --- | --- | --- | --- | --- | --- |")
    for gigabits, microseconds in ((10, 50), (1, 500)):
        for ranks in (8, 16, 32, 64, 128, 256):
            def speedup(batch: int) -> float:
                return machine.step(batch, 1, 0, 1) / machine.step(batch, ranks, 1e-6 * microseconds, gigabits)
            enough = next((batch for batch in (1 << power for power in range(5, 21)) if speedup(batch) >= 0.8 * ranks), None)
            cells = " | ".join(f"{speedup(batch):.1f}" for batch in (256, 1024, 4096, 32 * cores * ranks))
            print(f"| {ranks} | {gigabits} Gbit/s, {microseconds} µs | {cells} | {enough or 'none'} |")


def fit(runs: Runs, rounds: int, parameters: int) -> Model:
    """Measures what the model needs."""
    small, large = (statistics.median(runs.step([], batch, 1) for _ in range(rounds)) for batch in BATCHES)
    image = (large - small) / (BATCHES[1] - BATCHES[0])
    update = max(0.0, small - BATCHES[0] * image)
    two = statistics.median(runs.step(runs.local_launcher(2), BATCHES[0], 1) for _ in range(rounds))
    copies = max(0.0, two - share(BATCHES[0], 2) * image - update / 2)
    print(f"\nOne thread: {1e6 * image:.1f} µs an image, {1e6 * update:.0f} µs an update; {1e6 * copies:.0f} µs more a step between processes of this machine")
    return Model(image, update, copies, parameters)


def main():
    parser = argparse.ArgumentParser(description="Measures training in several processes, and plans it for many machines.")
    parser.add_argument("--train", type=pathlib.Path, default=ROOT / "build/bin/train", help="the program, of the default network")
    parser.add_argument("--mpirun", default="mpirun", help="the launcher of its MPI")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--links", action="store_true", help="also over slow links between network namespaces, as root")
    options = parser.parse_args()
    os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    with tempfile.TemporaryDirectory(prefix="castnet-ranks-") as name:
        folder = pathlib.Path(name)
        runs = Runs(options.train.resolve(), options.mpirun, folder)
        compare(runs, options.rounds)
        model = fit(runs, options.rounds, 51459)
        if options.links:
            measure_links(runs, folder, model)
        plan(model, 8)


if __name__ == "__main__":
    main()
