"""Builds the fuzzers with clang, and runs each over its corpus, then for a while on mutated inputs.

    python3 tests/fuzz/fuzz.py --seconds 1200 [FORMAT…]

Failing inputs are kept in BUILD/findings. Each is a file that the reader must learn to refuse, and then becomes a test. --keep adds the
inputs that reach new code to the corpus.
"""
import argparse
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FORMATS = ["checkpoint", "gzip", "idx", "language", "npy", "png", "safetensors"]
LARGEST_INPUT, LARGEST_KEPT = 4096, 1024
SKIPPED = 77


def has_fuzzer(compiler: str | None) -> bool:
    """Returns whether the compiler is a clang with libFuzzer and the sanitizers."""
    if compiler is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "empty.cpp")
        source.write_text('extern "C" int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long) { return 0; }\n')
        command = [compiler, "-std=c++20", "-fsanitize=fuzzer,address,undefined", source, "-o", source.with_suffix("")]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def build(folder: pathlib.Path, compiler: str, halide: str) -> None:
    """Waits for another build of the fuzzers, then builds."""
    folder.mkdir(parents=True, exist_ok=True)
    configure = ["cmake", "-G", "Ninja", "-S", HERE, "-B", folder, f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCASTNET_HALIDE_INCLUDE={halide}"]
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (configure, ["cmake", "--build", folder]):
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if result.returncode != 0:
                sys.exit(f"error: the fuzzers cannot be built:\n{result.stdout}")


def memory_folder() -> str | None:
    """Returns a folder in memory, if there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def run(folder: pathlib.Path, name: str, seconds: int, keep: bool) -> bool:
    """Runs one fuzzer. Returns whether it found nothing."""
    corpus, found, findings = HERE / "corpus" / name, folder / "corpus" / name, folder / "findings"
    for path in (found, findings):
        path.mkdir(parents=True, exist_ok=True)
    fuzzer = folder / f"fuzz_{name}"
    with tempfile.TemporaryDirectory(dir=memory_folder()) as scratch:
        environment = os.environ | {"TMPDIR": scratch, "ASAN_OPTIONS": "quarantine_size_mb=16:allocator_may_return_null=1"}

        def passes(*arguments: object) -> subprocess.CompletedProcess[str]:
            return subprocess.run([fuzzer, f"-max_len={LARGEST_INPUT}", *map(str, arguments)], cwd=folder, env=environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        length = f"-max_total_time={seconds}" if seconds > 0 else "-runs=0"
        # The fuzzers themselves limit CPU time, but a busy machine is slow. The sanitizer keeps every stack it has seen,
        # 100 bytes per execution.
        limits = ("-timeout=600", "-malloc_limit_mb=1024", "-rss_limit_mb=8192")
        result = passes(length, *limits, "-print_final_stats=1", f"-artifact_prefix={findings}/{name}-", found, corpus)
        executions = re.search(r"stat::number_of_executed_units: *(\d+)", result.stdout)
        print(f"fuzz: {name}: {executions.group(1) if executions else 'no'} executions in {seconds} s, "
              f"{'nothing found' if result.returncode == 0 else 'A FINDING'}", flush=True)
        if result.returncode != 0:
            print(result.stdout[-6000:])
        elif keep:
            passes("-merge=1", "-use_counters=0", f"-max_len={LARGEST_KEPT}", corpus, found)
    return result.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("formats", nargs="*", choices=[*FORMATS, []], help="formats; all by default")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "fuzz", help="build folder of the fuzzers")
    parser.add_argument("--halide", default=next(map(str, ROOT.glob("build/venv/lib/python3*/site-packages/halide/include")), ""),
                        help="folder of HalideRuntime.h")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("CASTNET_FUZZ_SECONDS", "20")),
                        help="seconds per fuzzer, by default $CASTNET_FUZZ_SECONDS; 0 runs only the corpus")
    parser.add_argument("--keep", action="store_true", help="add new inputs to the corpus")
    arguments = parser.parse_args()
    compiler = shutil.which("clang++")
    if not has_fuzzer(compiler):
        print("skipped: there is no clang++ with libFuzzer; install clang and libclang-rt-dev")
        return SKIPPED
    build(arguments.build.resolve(), compiler, arguments.halide)
    sound = [run(arguments.build.resolve(), name, arguments.seconds, arguments.keep) for name in arguments.formats or FORMATS]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
