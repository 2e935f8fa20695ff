"""Tests Castnet as a package: projects outside of its tree find it, declare their own networks, build and run."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["CASTNET_BUILD"])
CMAKE = os.environ["CASTNET_CMAKE"]

SMALL = """
input 6x5x1
encoder
  conv2d filters=4 kernel=3
decoder
  conv2d_transpose filters=1 kernel=3
"""

DEEPER = """
input 6x5x1
encoder
  conv2d filters=4 kernel=3 stride=2 padding=same activation=relu l2=0.01
  conv2d filters=3 kernel=2x3
decoder
  conv2d_transpose filters=5 kernel=3 stride=1x2 activation=tanh
  conv2d_transpose filters=1 kernel=3 activation=sigmoid
"""

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(mine LANGUAGES CXX)
find_package(Castnet REQUIRED)
castnet_add_network(mine.castnet)
"""

PROGRAMS = PROJECT + "castnet_add_programs(mine)\n"

TRAINING = PROJECT + """
add_executable(trains trains.cpp)
target_link_libraries(trains PRIVATE mine)
"""

# A project that does not use CMake.
MAKEFILE = """
CASTNET = {package}/lib/castnet
CXXFLAGS = -std=c++20 -O2 -Wall -Wextra -Werror -I. -I$(CASTNET) -isystem $(CASTNET)/halide/include
RUNTIME = $(wildcard $(CASTNET)/runtime/*.cpp)

trains: trains.cpp libmine.a
\t$(CXX) $(CXXFLAGS) -o $@ trains.cpp $(RUNTIME) libmine.a -pthread -ldl

libmine.a: mine.castnet
\t$(CASTNET)/bin/castnet compile mine.castnet --depfile mine.d $(OPTIONS)

-include mine.d
"""

TRAINS = """
#include <array>
#include <cstdio>
#include "mine.h"
int main() {
    mine::Autoencoder model({.batch_size = 8, .threads = 2});
    if (!model.is_ready()) return std::fprintf(stderr, "error: %s\\n", model.error_message()), 1;
    std::array<float, 8 * mine::input.size()> images;
    for (int step = 0; step < 50; step++) {
        for (std::size_t i = 0; i < images.size(); i++) images[i] = static_cast<float>((step * 31 + i * i) % 17) / 17;
        if (model.step(images).error != 0) return 1;
    }
    std::array<float, mine::parameter_count> weights;
    if (model.save(weights) != 0) return 1;
    for (float weight : weights) std::printf("%a\\n", weight);
    return 0;
}
"""

# Two folders of one project, which do not see each other's variables.
FOLDERS = """
cmake_minimum_required(VERSION 3.28)
project(folders LANGUAGES CXX)
add_subdirectory(learns)
add_subdirectory(runs)
"""

SHARED = PROJECT + """
add_library(learner SHARED learner.cpp)
target_link_libraries(learner PRIVATE mine)
"""

RUNS = PROGRAMS.replace("mine", "other") + """
add_executable(runs runs.cpp)
target_link_libraries(runs PRIVATE other learner)
"""

RUNS_PROGRAM = """
#include "other.h"
int train();
int main() {
    other::Autoencoder model;
    return model.is_ready() ? train() : 1;
}
"""

WARNINGS = PROJECT + """
add_library(uses OBJECT uses.cpp)
target_link_libraries(uses PRIVATE mine)
target_compile_options(uses PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Werror
                       $<$<CXX_COMPILER_ID:GNU>:-Wuseless-cast>)
"""

USES = """
#include "mine.h"
#include "runtime/autoencoder.h"
int use(std::span<const float> images, std::span<float> outputs);
int use(std::span<const float> images, std::span<float> outputs) {
    constexpr castnet::Optimizer optimizer = castnet::Optimizer::sgd(0.9F);
    alignas(64) static std::array<std::byte, mine::arena_bytes(8, 1, castnet::Purpose::training, optimizer)> arena;
    mine::Autoencoder model({.batch_size = 8, .optimizer = optimizer}, arena);
    return model.step(images).error + model.reconstruct(images, outputs);
}
"""

ANOTHER_CPU = r"\Aerror: this CPU lacks [a-z0-9_, ]+, which the network was compiled for; [^\n]*\n\Z"
HASWELL = "Haswell,-pcid,-x2apic,-tsc-deadline,-hle,-invpcid,-rtm"  # without the features that qemu lacks


def other_target():
    """Returns a Halide target with instructions that this CPU lacks. No CPU has both AVX-512 and FMA4."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    vectors = "fma4" if re.search(r"^flags.*\bavx512f\b", info, re.MULTILINE) else "avx2-avx512-avx512_skylake-f16c-fma"
    return f"x86-64-linux-avx-{vectors}-sse41"


class Installed(unittest.TestCase):
    """Installs the package, for projects outside of the tree."""
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="castnet-package-")
        cls.folder = pathlib.Path(cls.temporary.name)
        stage = cls.folder / "stage"
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", stage], check=True, stdout=subprocess.DEVNULL)
        stage.rename(cls.folder / "package")  # the package is relocatable

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def run_command(self, *command, status=0):
        result = subprocess.run(command, capture_output=True, text=True)
        output = result.stdout + result.stderr
        self.assertEqual(result.returncode, status, output[-4000:])
        return output

    def configure(self, project, *options, status=0, build_type="Release"):
        return self.run_command(CMAKE, "-S", project, "-B", project / "build", "-G", "Ninja", f"-DCMAKE_BUILD_TYPE={build_type}",
                                f"-DCMAKE_PREFIX_PATH={self.folder / 'package'}", f"-DCMAKE_MAKE_PROGRAM={shutil.which('ninja')}", *options,
                                status=status)

    def write_project(self, name, text, network=SMALL):
        project = self.folder / name
        project.mkdir()
        (project / "CMakeLists.txt").write_text(text)
        (project / "mine.castnet").write_text(network)
        return project

    def build_training(self, name, *options):
        """Builds the program that trains a small network and prints its weights."""
        project = self.write_project(name, TRAINING, DEEPER)
        (project / "trains.cpp").write_text(TRAINS)
        self.configure(project, *options)
        self.run_command(CMAKE, "--build", project / "build", "--target", "trains")
        return project / "build" / "trains"


class Package(Installed):
    def test_example_learns_and_flags_what_it_has_not_learned(self):
        project = self.folder / "vibration"
        shutil.copytree(HERE, project, ignore=shutil.ignore_patterns("*.py", "__pycache__", "cortex_m"))
        lines = (project / "monitor.cpp").read_text().splitlines()
        self.assertLess(len(lines), 60)
        self.configure(project)
        output = self.run_command(CMAKE, "--build", project / "build", "--target", "monitor")
        self.assertIn("vibration: to train in batches of 32", output)  # the memory it needs
        monitor = project / "build" / "monitor"
        self.assertIn("damaged ones", self.run_command(monitor))
        self.assertLess(monitor.stat().st_size, 500_000)
        symbols = self.run_command("nm", "--dynamic", "--undefined-only", monitor)
        for symbol in ("__cxa_throw", "_ZSt4cout", "_ZNSt8ios_base"):
            self.assertNotIn(symbol, symbols)

    @unittest.skipUnless(shutil.which("make"), "without make")
    def test_cortex_m_learns_as_the_host_does(self):
        project = self.folder / "cortex_m"
        shutil.copytree(HERE / "cortex_m", project)
        make = ("make", "-C", project, f"CASTNET={self.folder / 'package' / 'lib' / 'castnet'}")
        self.run_command(*make, "host")
        host = [line.split() for line in self.run_command(project / "host").splitlines()]
        self.assertEqual([line[0] for line in host], 13 * ["loss"] + ["threshold", "false", "found"])
        self.assertLess(float(host[12][-1]), 0.1 * float(host[0][-1]))
        if not shutil.which("arm-none-eabi-g++") or not shutil.which("qemu-system-arm"):
            self.skipTest("without arm-none-eabi-g++ or qemu-system-arm")
        self.run_command(*make, "board.elf")
        sizes = dict(zip(("flash", "data", "bss"), map(int, self.run_command("arm-none-eabi-size", project / "board.elf").splitlines()[1].split()[:3])))
        self.assertLess(sizes["flash"], 64 * 1024)
        self.assertLess(sizes["data"] + sizes["bss"], 64 * 1024)
        symbols = self.run_command("arm-none-eabi-nm", project / "board.elf")
        for symbol in (" __cxa_throw", "_ZSt4cout", " printf"):
            self.assertNotIn(f"{symbol}\n", symbols)
        output = self.run_command(*make, "run")
        board = [line.split() for line in output.splitlines() if re.match(r"loss|threshold|false|found", line)]
        self.assertEqual(len(board), len(host))
        for ours, theirs in zip(board, host):
            self.assertAlmostEqual(float(ours[-1]), float(theirs[-1]), delta=1e-5 * float(theirs[-1]) + 1e-9)

    def test_programs_are_there_too_and_say_what_the_cpu_lacks(self):
        project = self.write_project("programs", PROGRAMS)
        is_x86 = os.uname().machine == "x86_64"
        self.configure(project, *[f"-DCASTNET_TARGETS={other_target()}"] * is_x86, build_type="Debug")  # compiles in half the time
        self.run_command(CMAKE, "--build", project / "build", "--target", "explore-mine")
        explore = project / "build" / "explore-mine"
        self.assertIn("Network mine: 6x5x1", self.run_command(explore, "summary"))
        if is_x86:
            self.assertRegex(self.run_command(explore, "evaluate", "--model", "none", status=1), ANOTHER_CPU)

    @unittest.skipUnless(shutil.which("make"), "without make")
    def test_a_makefile_alone_trains_the_same_bits(self):
        project = self.write_project("make", "", DEEPER)
        (project / "trains.cpp").write_text(TRAINS)
        (project / "Makefile").write_text(MAKEFILE.format(package=self.folder / "package"))
        self.run_command("make", "-C", project, "trains")
        self.assertIn("up to date", self.run_command("make", "-C", project, "trains"))
        self.assertEqual(self.run_command(project / "trains"), self.run_command(self.build_training("beside-make")))
        (project / "mine.castnet").write_text(DEEPER.replace("filters=3", "filters=2"))
        self.assertIn("castnet compile", self.run_command("make", "-C", project, "trains"))

    @unittest.skipUnless(shutil.which("qemu-x86_64"), "without qemu-user")
    def test_lesser_cpu_is_an_error_in_one_line(self):
        trains = self.build_training("lesser-cpu", "-DCASTNET_TARGETS=x86-64-linux-avx-avx2-f16c-fma-sse41")
        self.assertRegex(self.run_command("qemu-x86_64", "-cpu", "Nehalem", trains, status=1), ANOTHER_CPU)
        self.assertEqual(self.run_command("qemu-x86_64", "-cpu", HASWELL, trains), self.run_command(trains))
        greater = self.build_training("greater-cpu", "-DCASTNET_TARGETS=x86-64-linux-avx-avx2-avx512-avx512_skylake-f16c-fma-sse41")
        self.assertRegex(self.run_command("qemu-x86_64", "-cpu", HASWELL, greater, status=1), ANOTHER_CPU)

    def test_headers_warn_of_nothing(self):
        project = self.write_project("warnings", WARNINGS)
        (project / "uses.cpp").write_text(USES)
        for compiler in filter(shutil.which, ("g++", "clang++")):
            self.configure(project, f"-DCMAKE_CXX_COMPILER={compiler}", "--fresh")
            self.run_command(CMAKE, "--build", project / "build", "--target", "uses")

    def test_two_builds_in_different_folders_train_the_same_bits(self):
        weights = [self.run_command(self.build_training(name)) for name in ("one", "another build")]
        self.assertGreater(len(weights[0].split()), 40)
        self.assertEqual(weights[0], weights[1])

    def test_two_folders_find_the_package_and_a_network_goes_into_a_shared_library(self):
        project = self.write_project("folders", FOLDERS)
        for name, text, network in (("learns", SHARED, "mine"), ("runs", RUNS, "other")):
            (project / name).mkdir()
            (project / name / "CMakeLists.txt").write_text(text)
            (project / name / f"{network}.castnet").write_text(DEEPER if network == "mine" else SMALL)
        (project / "learns" / "learner.cpp").write_text(TRAINS.replace("int main()", "int train()"))
        (project / "runs" / "runs.cpp").write_text(RUNS_PROGRAM)
        for build in ("builds", "again"):
            self.configure(project)
            output = self.run_command(CMAKE, "--build", project / "build", "--target", "runs")
            self.assertEqual("ninja: no work to do" in output, build == "again", output[-4000:])
        self.assertGreater(len(self.run_command(project / "build" / "runs" / "runs").split()), 40)

    def test_mistake_is_named_in_one_line(self):
        project = self.write_project("mistake", PROGRAMS, SMALL.replace("kernel=3", "kernel=7", 1))
        self.configure(project)
        output = self.run_command(CMAKE, "--build", project / "build", status=1)
        self.assertIn(f"\n{project / 'mine.castnet'}:4: error: the kernel's height 7 is larger than the input's 6; it may be at most 6 here\n", output)

    def test_calls_with_mistakes_are_named_in_one_line(self):
        for call, reason in (("castnet_add_network(other.castnet)", "there is no file {0}/other.castnet; give the path"),
                             ("castnet_add_network(CMakeLists.txt)", "there is no file {0}/CMakeLists.txt; give the path"),
                             ("castnet_add_network(mine.castnet)\ncastnet_add_network(mine.castnet)", "{0}/mine.castnet: the name mine is taken"),
                             ("castnet_add_network(not-a-name.castnet)", "{0}/not-a-name.castnet: the name not-a-name is taken or not allowed"),
                             ("castnet_add_programs(mine)", "there is no such network; call castnet_add_network(mine.castnet) first"),
                             ("castnet_add_network(mine.castnet)\ncastnet_add_programs(mine CLASSES one)", "CLASSES 'one' are not labels"),
                             ("castnet_add_network(mine.castnet)\ncastnet_add_programs(mine one)", "there is no 'one'")):
            with self.subTest(call=call):
                project = self.write_project(f"call-{abs(hash(call))}", PROJECT.replace("castnet_add_network(mine.castnet)", call))
                (project / "not-a-name.castnet").write_text(SMALL)
                output = self.configure(project, status=1)
                self.assertIn(reason.format(project), " ".join(output.split()))


class Sanitizers(Installed):
    """Runs training steps with every memory access checked, including the pipelines'."""

    def test_address_and_undefined_behaviour(self):
        self.run_command(self.build_training("address", "-DCASTNET_INSTRUMENTATION=-fsanitize=address,undefined;-fno-sanitize-recover=all",
                                             "-DCASTNET_TARGETS=host-asan"))

    def test_threads(self):
        self.run_command(self.build_training("thread", "-DCASTNET_INSTRUMENTATION=-fsanitize=thread", "-DCASTNET_TARGETS=host-tsan"))

    @unittest.skipUnless(shutil.which("valgrind") and os.uname().machine == "x86_64", "without valgrind")
    def test_valgrind(self):
        lesser = "-DCASTNET_TARGETS=x86-64-linux-avx-avx2-f16c-fma-sse41"  # valgrind knows no AVX-512
        self.run_command("valgrind", "--quiet", "--error-exitcode=1", "--leak-check=full", self.build_training("valgrind", lesser))


if __name__ == "__main__":
    unittest.main(verbosity=2)
