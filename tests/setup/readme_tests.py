"""Runs the README's commands in order, as a newcomer would: in an empty folder, on made-up images.

The test fails on a command that no rule here knows, so that none can be added without being run.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
from image_files import idx_header, npy_header, png

BUILD = pathlib.Path(os.environ["CASTNET_BUILD"])

ACTIVATE = ". build/venv/bin/activate"
COMMAND = re.compile(rf"sh cmake/bootstrap\.sh [^…]+|build/bin/\S+ [^…]+|cmake -[^…]+|ctest [^…]+|python3 tests/[^…]+|mpirun [^…]+|sensor/(?:build/)?sensor|package/lib/castnet/bin/castnet [^…]+|g\+\+ [^…]+|{re.escape(ACTIVATE)}")
ELSEWHERE = {  # commands that take long or would run this test, and where they run
    r"sh cmake/bootstrap\.sh (test|lint).*": ".ci/run",
    r"sh cmake/bootstrap\.sh autotune.*|cmake .*build-avx2.*": "tests/autotune, on small pipelines",
    r"sh cmake/bootstrap\.sh (benchmark|peers)": "the label peers, where gigabytes of them are installed",
    r"sh cmake/bootstrap\.sh build -- benchmark_published": "by hand, for it measures PyTorch",
    r"sh cmake/bootstrap\.sh coverage": "all tests once more, in ten minutes",
    r"cmake .*(build-x86|arm64).*|build-x86/.*": "tests/targets",
    r"ctest .*": ".ci/run, by cmake/bootstrap.sh test",
    r"mpirun .*": "tests/ranks, where MPI is installed",
    r"python3 tests/benchmark/ranks\.py.*": "by hand, for it measures machines",
    r"python3 tests/fuzz/fuzz\.py .*": "tests/fuzz, for 20 seconds",
    r"build/bin/conformance --count 1000 .*": "tests/conformance, a hundred of them",
}
WRITTEN = ["runs/mnist_cae/model.safetensors", "runs/mnist_cae/checkpoint.safetensors", "runs/mnist_cae/history.csv", "runs/mnist_cae/report.html",
           "runs/mnist_cae/previous-1/model.safetensors", "runs/my_network/report.html", "runs/model/report.html", "graph.castnet", "y.npy", "y.png",
           "clean.png", "codes.csv", "latent.svg", "image.npy",
           "image.png", "gradients.safetensors", "anomalies/scores.csv", "weights.h", "model.onnx", "package/lib/castnet/cmake/CastnetConfig.cmake"]


def commands(readme: str) -> list[list[str]]:
    """Finds the commands of each block and between backticks."""
    found = []
    for text in re.findall(r"(?:^    \S.*\n)+|`[^`\n]+`", re.sub(r"```.*?```", "", readme, flags=re.DOTALL), re.MULTILINE):
        lines = [re.sub(r" {3,}.*", "", line.strip("` ")) for line in text.splitlines()]  # without the explanation
        found.append([line for line in lines if COMMAND.fullmatch(line)])
    return found


def code_blocks(readme: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


def write_networks(folder: pathlib.Path, readme: str) -> None:
    """Writes the reader's own network, and the project that embeds another."""
    mine, vibration = code_blocks(readme, "castnet")
    (folder / "my_network.castnet").write_text(mine)
    (folder / "sensor").mkdir()
    (folder / "sensor" / "vibration.castnet").write_text(vibration)
    for language, name in (("cmake", "CMakeLists.txt"), ("cpp", "sensor.cpp")):
        (folder / "sensor" / name).write_text(code_blocks(readme, language)[0])


def write_idx_images(folder: pathlib.Path) -> None:
    """Writes MNIST's four files: noise with ten labels."""
    folder.mkdir()
    count = 60
    for part, seed in (("train", 1), ("t10k", 2)):
        pixels = noise(count * 28 * 28, seed)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_header((count, 28, 28)) + pixels)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_header((count,)) + bytes(i % 10 for i in range(count)))


def noise(size: int, seed: int) -> bytes:
    values = bytearray()
    for _ in range(size):
        seed = (seed * 1103515245 + 12345) % 2**31
        values.append(seed >> 23)
    return bytes(values)


def write_png_images(folder: pathlib.Path) -> None:
    """Writes grey 28x28 images."""
    folder.mkdir()
    for i in range(40):
        (folder / f"{i:02}.png").write_bytes(png(28, 28, noise(28 * 28, i)))


def write_models(folder: pathlib.Path) -> None:
    """Writes files of Keras and PyTorch, and images of 6x5 for the former."""
    samples = ROOT / "tests" / "importer" / "samples"
    for sample, name in (("basic.keras", "model.keras"), ("weights.onnx", "graph.onnx"), ("weights.pt", "weights.pt")):
        shutil.copy(samples / sample, folder / name)
    (folder / "images.npy").write_bytes(npy_header((40, 6, 5), "|u1") + noise(40 * 6 * 5, 1))


def run(command: str, folder: pathlib.Path, is_activated: bool = False) -> str:
    """Returns the output of a command. Hides the build's CMake until it is activated."""
    here = command.replace("cmake/bootstrap.sh", str(ROOT / "cmake/bootstrap.sh")).replace("build/bin/", f"{BUILD}/bin/")
    if is_activated:
        here = f"{ACTIVATE.replace('build', str(BUILD), 1)}\n{here}"
    at = ROOT if re.match(r"cmake --", command) and "sensor" not in command else folder
    paths = [path for path in os.environ["PATH"].split(":") if pathlib.Path(path) != BUILD / "venv" / "bin"]
    environment = os.environ | {"CASTNET_DATA": str(folder / "mnist"), "PATH": ":".join(paths)}
    result = subprocess.run(here, shell=True, cwd=at, env=environment, capture_output=True, text=True)
    print(f"{'ok' if result.returncode == 0 else 'FAILED':<8}{command}", flush=True)
    if result.returncode != 0:
        sys.exit(result.stdout + result.stderr)
    return result.stdout


def run_block(block: list[str], folder: pathlib.Path, done: set[str]) -> None:
    for command in block:
        if command in done or command == ACTIVATE:
            continue
        done.add(command)
        if re.match("cmake |ctest ", command) and ACTIVATE not in block:
            sys.exit(f"{command}: a newcomer has no CMake, or an older one, without {ACTIVATE}")
        where = [place for pattern, place in ELSEWHERE.items() if re.fullmatch(pattern, command)]
        if where:
            print(f"{'-':<8}{command}   ({where[0]})")
        else:
            run(command, folder, is_activated=ACTIVATE in block)


def cached_networks() -> str:
    return re.search(r"^CASTNET_NETWORKS:STRING=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)[1]


def main() -> None:
    if BUILD != ROOT / "build":
        print("skipped: cmake/bootstrap.sh builds in build/, and this is another folder")
        sys.exit(77)
    readme = (ROOT / "README.md").read_text()
    networks = cached_networks()
    with tempfile.TemporaryDirectory(prefix="castnet-readme-") as temporary:
        folder = pathlib.Path(temporary)
        write_idx_images(folder / "mnist")
        write_png_images(folder / "images")
        write_networks(folder, readme)
        write_models(folder)
        try:
            done = set()
            for block in commands(readme):
                run_block(block, folder, done)
            if "ninja: no work to do." not in run("sh cmake/bootstrap.sh build", folder):
                sys.exit("a second build without changes builds something")
        finally:
            if cached_networks() != networks:
                subprocess.run([BUILD / "venv/bin/cmake", "--preset", "default", f"-DCASTNET_NETWORKS={networks}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        missing = [name for name in WRITTEN if not (folder / name).exists()]
        if missing:
            sys.exit(f"the README's commands did not write {missing}")


if __name__ == "__main__":
    main()
