"""Tests the program castnet: what it writes, what it leaves alone, and its error messages."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASTNET = pathlib.Path(os.environ["CASTNET_BIN"]) / "castnet"
SMALL = """\
# Strides larger than kernels, an output size of its own.
input 12x10x1
encoder
  conv2d filters=4 kernel=2 stride=3 activation=sigmoid name=squeeze
decoder
  conv2d_transpose filters=1 kernel=1x2 stride=3 output=12x10 name=stretch
"""
CORRELATE = "correlate large=12x10x1 small=4x3x4 kernel=2x2 stride=3x3 pad=0x0 pass=forward activation=sigmoid"


class Compiler(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="castnet-compiler-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.text = self.folder / "small.castnet"
        self.text.write_text(SMALL)

    def castnet(self, *words, status=0, **options):
        result = subprocess.run([CASTNET, *map(str, words)], capture_output=True, text=True, **options)
        self.assertEqual(result.returncode, status, result.stderr)
        return result

    def compile(self, output, *options):
        return self.castnet("compile", self.text, "--output", self.folder / output, "--schedules", "none", *options)

    def times(self, output):
        """Returns when each file was written."""
        return {path.name: path.stat().st_mtime_ns for path in (self.folder / output).rglob("*") if path.is_file()}

    def changed(self, output, action):
        before = self.times(output)
        action()
        after = self.times(output)
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    def error(self, *words):
        """Returns the one-line error message of a command."""
        result = self.castnet(*words, status=1)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        return result.stderr.rstrip("\n")


class Compile(Compiler):
    def test_the_same_text_gives_the_same_bytes_anywhere(self):
        for output in ("one", "another folder"):
            self.compile(output)
        for name in ("libsmall.a", "small.h"):
            self.assertEqual((self.folder / "one" / name).read_bytes(), (self.folder / "another folder" / name).read_bytes(), name)

    def test_only_what_changed_is_compiled_again(self):
        self.compile("out")
        self.assertEqual(self.changed("out", lambda: self.compile("out")), set())
        self.assertEqual(self.changed("out", lambda: self.text.write_text(SMALL + "# a remark\n") and self.compile("out")), set())
        self.text.write_text(SMALL.replace("activation=sigmoid", "activation=tanh"))
        self.assertEqual(self.changed("out", lambda: self.compile("out")),
                         {"small_squeeze_forward.o", "small_squeeze_forward.recipe", "small_stretch_backward_data.o",
                          "small_stretch_backward_data.recipe", "archive.recipe", "libsmall.a", "small.h"})
        self.text.write_text(SMALL.replace("name=squeeze", "name=press"))
        self.assertIn("small_squeeze_forward.o", self.changed("out", lambda: self.compile("out")))
        self.assertFalse((self.folder / "out" / "small.objects" / "small_squeeze_forward.o").exists())

    def test_what_is_missing_or_unfinished_is_made_again(self):
        self.compile("out")
        out, sound = self.folder / "out", (self.folder / "out" / "libsmall.a").read_bytes()
        objects = out / "small.objects"
        for spoil in (lambda: (out / "libsmall.a").unlink(), lambda: (out / "small.h").unlink(), lambda: (objects / "small_adam.o").unlink(),
                      lambda: (objects / "small_adam.recipe").write_text("half a rec"), lambda: (objects / "archive.recipe").unlink(),
                      lambda: (objects / "small_adam.partial").mkdir()):
            spoil()
            self.compile("out")
            self.assertEqual((out / "libsmall.a").read_bytes(), sound)
            self.assertTrue((out / "small.h").exists())
            self.assertFalse((objects / "small_adam.partial").exists())

    def test_only_the_networks_and_halides_names_are_visible(self):
        self.compile("out")
        listing = subprocess.run(["nm", "--defined-only", "--extern-only", self.folder / "out" / "libsmall.a"], capture_output=True, text=True, check=True)
        symbols = {line.split()[-1] for line in listing.stdout.splitlines() if len(line.split()) == 3}
        self.assertIn("small_squeeze_forward", symbols)
        of_halide = ("halide_", "_ZN6Halide", "_ZNK6Halide", "_ZTVN6Halide", "copy_to_device_already_locked")
        self.assertEqual({name for name in symbols if not name.startswith(("small_", *of_halide))}, set())

    def test_a_schedule_is_taken_and_one_that_does_not_fit_gives_way(self):
        self.compile("default")
        default = (self.folder / "default" / "libsmall.a").read_bytes()
        for schedule, fits in (("tile=1x2x1x1", True), ("tile=9x9x9x9", False), ("sideways=3", False), ("default", True)):
            table = self.folder / "table.txt"
            table.write_text(f"# a table\n{CORRELATE} : {schedule} : 98 % of the FMA peak, Halide 21.0.0\n")
            result = self.castnet("compile", self.text, "--output", self.folder / schedule, "--schedules", table)
            self.assertEqual("warning: small_squeeze_forward: the tuned schedule does not fit" in result.stderr, not fits, result.stderr)
            self.assertEqual((self.folder / schedule / "libsmall.a").read_bytes() == default, not fits or schedule == "default")
            pipelines = json.loads(self.castnet("describe", "--json", self.text, "--schedules", table).stdout)["pipelines"]
            chosen = {} if schedule == "default" else dict([schedule.split("=")])
            self.assertEqual([pipeline["schedule"] for pipeline in pipelines if pipeline["key"] == CORRELATE], [chosen])

    def test_another_target_is_another_library(self):
        self.compile("host")
        self.compile("plain", "--target", "x86-64-linux")
        self.assertNotEqual((self.folder / "host" / "libsmall.a").read_bytes(), (self.folder / "plain" / "libsmall.a").read_bytes())
        lines = [(self.folder / output / "small.h").read_text().splitlines() for output in ("host", "plain")]
        different = [line for pair in zip(*lines, strict=True) if len(set(pair)) > 1 for line in pair]
        self.assertEqual(len(different), 2)
        self.assertIn('level = "x86-64-linux", target = "x86-64-linux";', different[1])

    def test_levels_of_x86_go_into_one_library_the_greatest_first(self):
        avx2, sse41 = "x86-64-linux-avx-avx2-f16c-fma-sse41", "x86-64-linux-sse41"
        self.assertIn("small: for x86-64-avx2, x86-64-sse41; a program takes", self.compile("two", "--target", f"{sse41},{avx2}").stdout)
        header = (self.folder / "two" / "small.h").read_text()
        self.assertIn("levels{level<pipelines::compiled_avx2>, level<pipelines::compiled_sse41>};", header)
        objects = {path.name for path in (self.folder / "two" / "small.objects").glob("*.o")}
        self.assertLessEqual({"small_adam_avx2.o", "small_adam_sse41.o", "small_halide_runtime.o"}, objects)
        self.compile("turned", "--target", f"{avx2},{sse41}")
        self.assertEqual((self.folder / "two" / "libsmall.a").read_bytes(), (self.folder / "turned" / "libsmall.a").read_bytes())
        self.assertIn("small: for x86-64-avx512, x86-64-avx2, x86-64-sse41;", self.compile("portable", "--target", "x86-64").stdout)
        self.assertEqual(self.changed("portable", lambda: self.compile("portable", "--target", "x86-64")), set())

    def test_sources_are_whole_and_made_again_only_if_they_change(self):
        self.compile("out", "--emit", "source")
        sources = sorted(path.name for path in (self.folder / "out" / "small.sources").glob("*.cpp"))
        pipelines = json.loads(self.castnet("describe", "--json", self.text).stdout)["pipelines"]
        self.assertEqual(sources, sorted(f"{name}.cpp" for name in ["small_halide_runtime", *(pipeline["function"] for pipeline in pipelines)]))
        self.assertFalse((self.folder / "out" / "libsmall.a").exists())
        self.assertEqual(self.changed("out", lambda: self.compile("out", "--emit", "source")), set())

    def test_sources_that_need_a_heap_or_several_targets_are_refused(self):
        large = self.folder / "large.castnet"
        large.write_text("input 400x400x4\nencoder\nconv2d filters=8 kernel=3 padding=same\ndecoder\nconv2d filters=4 kernel=3 padding=same\n")
        command = ("compile", large, "--emit", "source", "--output", self.folder / "none")
        self.assertIn("needs a heap, for copies above a megabyte; make the layer's grids", self.error(*command))
        self.assertFalse((self.folder / "none" / "large.h").exists())
        self.assertIn("--emit source: is for one target", self.error(*command, "--target", "x86-64"))
        self.assertIn("--emit", self.error(*command, "--emit", "text"))

    def test_targets_that_cannot_be_in_one_library_are_refused(self):
        for targets, why in (("x86-64,arm-64-linux", "arm-64-linux: only levels of x86-64 can be several in one library"),
                             ("x86-64-linux,x86-64-linux-sse41", "x86-64-linux: only levels of x86-64 can be"),
                             ("x86-64,x86-64-linux-sse41", "x86-64-linux-sse41: is of the level x86-64-sse41, as is x86-64-linux-sse41"),
                             ("x86-64,", "--target : is not a Halide target"), (",", "--target : is not a Halide target"),
                             ("x86-64,vax", "--target vax: is not a Halide target")):
            with self.subTest(targets=targets):
                self.assertIn(why, self.error("compile", self.text, "--target", targets, "--output", self.folder / "none"))
                self.assertFalse((self.folder / "none").exists())

    def test_a_mistake_is_one_line_and_leaves_what_was_there(self):
        self.compile("out")
        sound = (self.folder / "out" / "libsmall.a").read_bytes()
        self.text.write_text(SMALL.replace("filters", "fitlers", 1))
        self.assertEqual(self.error("compile", self.text, "--output", self.folder / "out"),
                         f"{self.text}:4: error: conv2d has no key 'fitlers'; did you mean filters?")
        self.assertEqual((self.folder / "out" / "libsmall.a").read_bytes(), sound)
        self.text.write_text(SMALL)
        self.assertIn("no.castnet", self.error("compile", self.folder / "no.castnet"))
        self.assertIn("--target vax", self.error("compile", self.text, "--target", "vax"))
        self.assertIn("vax", self.error("compile", self.text, "--schedules", self.folder / "vax"))
        (self.folder / "file").write_text("in the way")
        self.assertIn("file", self.error("compile", self.text, "--output", self.folder / "file"))
        (self.folder / "table.txt").write_text("nothing\n")
        self.assertIn("table.txt:1: error: ", self.error("compile", self.text, "--schedules", self.folder / "table.txt"))

    def test_a_full_disk_is_one_line_and_leaves_what_was_there(self):
        self.compile("out")
        sound = (self.folder / "out" / "libsmall.a").read_bytes()
        self.text.write_text(SMALL.replace("filters=4", "filters=5"))
        command = f"ulimit -f 8; trap '' XFSZ; '{CASTNET}' compile '{self.text}' --output '{self.folder / 'out'}' --schedules none"
        result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: ", result.stderr)
        self.assertEqual((self.folder / "out" / "libsmall.a").read_bytes(), sound)
        self.compile("out")
        self.compile("fresh")
        self.assertEqual((self.folder / "out" / "libsmall.a").read_bytes(), (self.folder / "fresh" / "libsmall.a").read_bytes())


PROGRAM = """
#include <array>
#include <cstdio>
#include <span>
#include <thread>

#include "other.h"
#include "small.h"

template <typename Autoencoder, std::size_t size>
bool learns() {
    Autoencoder model({.batch_size = 8});
    std::array<float, 8 * size> images{};
    for (std::size_t i = 0; i < images.size(); i++) images[i] = static_cast<float>(i % 7) / 7;
    const double first = model.step(images).loss;
    double last = first;
    for (int step = 0; step < 300; step++) last = model.step(images).loss;
    return model.is_ready() && last < first;
}

int main() {
    bool one = false, two = false;
    std::thread beside([&] { one = learns<small::Autoencoder, small::input.size()>(); });
    two = learns<other::Autoencoder, other::input.size()>();
    beside.join();
    std::puts(one && two ? "both learn" : "a network does not learn");
    return one && two ? 0 : 1;
}
"""
RUNTIME = sorted((ROOT / "runtime").glob("*.cpp"))


NAMES = """
#include <cstdio>

#include "small.h"
{declarations}
int main() {{
    for (const halide_filter_metadata_t *pipeline : {{{calls}}}) {{
        std::printf("%s", pipeline->name);
        for (int i = 0; i < pipeline->num_arguments; i++) std::printf(" %s", pipeline->arguments[i].name);
        std::puts("");
    }}
}}
"""


class Program(Compiler):
    def build(self, text, *options):
        """Compiles a program into self.folder / "program", with a compiler alone."""
        (self.folder / "main.cpp").write_text(text)
        command = [os.environ["CASTNET_COMPILER"], "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", self.folder / "main.cpp",
                   f"-I{self.folder / 'out'}", f"-I{ROOT}", "-isystem", os.environ["CASTNET_HALIDE"], "-o", self.folder / "program", *options]
        return subprocess.run(command, capture_output=True, text=True)

    def run_program(self, text, *networks):
        archives = [self.folder / "out" / f"lib{name}.a" for name in networks]
        result = self.build(text, *RUNTIME, *archives, "-pthread", "-ldl")
        self.assertEqual(result.returncode, 0, result.stderr)
        return subprocess.run([self.folder / "program"], capture_output=True, text=True)

    def test_a_compiler_alone_links_two_networks_with_equal_layer_names(self):
        other = self.folder / "other.castnet"
        other.write_text(SMALL.replace("filters=4", "filters=3"))
        self.compile("out")
        self.castnet("compile", other, "--output", self.folder / "out", "--schedules", "none")
        result = self.run_program(PROGRAM, "small", "other")
        self.assertEqual((result.returncode, result.stdout), (0, "both learn\n"))

    def test_operands_are_handed_over_by_name_in_the_pipelines_own_order(self):
        self.text.write_text(SMALL.replace("activation=sigmoid", "activation=sigmoid l2=0.1"))  # its gradient has operands of its own
        self.compile("out")
        header = (self.folder / "out" / "small.h").read_text()
        handed = {name: words.split(", ") for name, words in re.findall(r"return (small_\w+)\(&failure, (.*)\);", header)}
        text = NAMES.format(declarations="".join(f'extern "C" const halide_filter_metadata_t *{name}_metadata();\n' for name in handed),
                            calls=", ".join(f"{name}_metadata()" for name in handed))
        lines = self.run_program(text, "small").stdout.replace(".", "_").splitlines()
        self.assertEqual({name: ["operands." + word for word in words] for name, _, *words in map(str.split, lines)}, handed)
        self.assertIn("operands.decay", handed["small_squeeze_backward_weights"])
        self.assertNotIn("operands.decay", handed["small_stretch_backward_weights"])

    def test_an_operand_that_the_runtime_does_not_know_is_a_compile_error(self):
        self.compile("out")
        header = self.folder / "out" / "small.h"
        sound, program = header.read_text(), '#include "small.h"\nint main() {}\n'
        self.assertEqual(self.build(program, "-fsyntax-only").returncode, 0)
        for name in ("kernel", "scale", "state_1"):
            header.write_text(sound.replace(f"operands.{name}", "operands.renamed"))
            result = self.build(program, "-fsyntax-only")
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("renamed", result.stderr)


    def test_an_arena_that_no_memory_holds_is_a_compile_error(self):
        self.compile("out")
        for batch, fits in ((1, True), (32, True), (2_000_000_000, False), (0, False)):
            result = self.build(f'#include "small.h"\nconstexpr std::size_t bytes = small::arena_bytes({batch});\nint main() {{}}\n', "-fsyntax-only",
                                "-Wno-unused-variable")
            self.assertEqual(result.returncode == 0, fits, result.stderr)
            self.assertEqual("no_such_arena" in result.stderr, not fits, result.stderr)

    def test_a_network_that_a_target_has_no_memory_for_is_refused(self):
        self.text.write_text("input 9999x9999x5\nencoder\nconv2d filters=5 kernel=1\ndecoder\nconv2d_transpose filters=5 kernel=1\n")
        self.assertIn("small: one image takes ", self.error("compile", self.text, "--target", "x86-32-linux", "--output", self.folder / "out"))


class Describe(Compiler):
    def test_json_holds_every_shape(self):
        network = json.loads(self.castnet("describe", "--json", self.text).stdout)
        self.assertEqual([network[name] for name in ("name", "input", "code", "encoder_layers")], ["small", [12, 10, 1], [4, 3, 4], 1])
        squeeze, stretch = network["layers"]
        self.assertEqual([stretch[name] for name in ("kind", "part", "line", "input", "output", "kernel", "stride", "pad", "kernel_shape")],
                         ["conv2d_transpose", "decoder", 6, [4, 3, 4], [12, 10, 1], [1, 2], [3, 3], [0, 0], [1, 2, 1, 4]])
        self.assertEqual(network["parameters"], sum(layer["parameters"] for layer in network["layers"]))
        self.assertEqual(squeeze["multiply_adds"], 4 * 3 * 4 * 2 * 2)
        self.assertEqual([pipeline["function"] for pipeline in network["pipelines"]],
                         ["small_squeeze_forward", "small_squeeze_backward_weights", "small_stretch_forward", "small_stretch_backward_weights",
                          "small_stretch_backward_data", "small_stretch_transpose_kernel", "small_loss", "small_adam",
                          "small_sgd", "small_momentum", "small_squared_norm", "small_sum_shards", "small_fma_peak"])

    def test_of_several_levels_the_one_of_this_cpu_is_described(self):
        several = json.loads(self.castnet("describe", "--json", self.text, "--target", "x86-64").stdout)
        self.assertIn(several["schedules"]["level"], ("x86-64-avx512", "x86-64-avx2", "x86-64-sse41"))
        self.assertEqual(several["schedules"]["measured"], several["schedules"]["level"] + ".txt")
        one = json.loads(self.castnet("describe", "--json", self.text, "--target", "x86-64-linux-sse41").stdout)
        self.assertEqual(one["target"], "x86-64-linux-sse41")

    def test_text_names_layers_and_memory(self):
        text = self.castnet("describe", self.text).stdout
        for part in ("network small: 12x10x1 to code 4x3x4", "stretch", "to train in batches of 32", CORRELATE):
            self.assertIn(part, text)

    def test_a_text_from_standard_input_is_no_file(self):
        self.assertIn("/dev/stdin", self.error("describe", "/dev/stdin"))

    def test_help_and_version(self):
        self.assertIn("compile", self.castnet("--help").stdout)
        self.assertIn("Halide 21", self.castnet("--version").stdout)
        self.assertIn("error: ", self.error("frobnicate"))
        self.assertIn("error: ", self.error())


if __name__ == "__main__":
    unittest.main(verbosity=2)
