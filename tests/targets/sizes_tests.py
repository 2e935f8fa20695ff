"""Compiles the default network's header for machines of 32 bits and of the other byte order: sizes are right, or refused by name."""
import json
import os
import pathlib
import shutil
import subprocess
import unittest

SOURCE = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(os.environ["CASTNET_BUILD"])
HALIDE = next(BUILD.glob("venv/lib/python3*/site-packages/halide/include"), None) or next(SOURCE.glob("build/venv/lib/python3*/site-packages/halide/include"))
CORTEX_M = ["arm-none-eabi-g++", "-mcpu=cortex-m7", "-mthumb", "-Wno-psabi"]
WASM = ["clang++-19", "--target=wasm32-wasi", "-D_Float16=__fp16"]

CHECKED = """#include "mnist_cae.h"
constexpr castnet::ArenaLayout layout(mnist_cae::network, 32, 1);
constexpr castnet::MemoryUse memory = layout.memory();
static_assert(sizeof(std::size_t) == 4 && layout.is_addressable() && mnist_cae::arena_bytes(32, 1) == layout.bytes());
static_assert(mnist_cae::parameter_count == {});
static_assert(memory.gradients == {} && memory.optimizer == {} && memory.activations == {});
// What 2 GiB have no room for, and what 4 GiB would count as little.
static_assert(!castnet::ArenaLayout(mnist_cae::network, 200'000, 1).is_addressable());
static_assert(!castnet::ArenaLayout(mnist_cae::network, 400'000, 1).is_addressable());
"""


def compile_text(text: str, *command: str) -> subprocess.CompletedProcess:
    return subprocess.run([*command, "-std=c++20", "-x", "c++", "-", f"-I{BUILD}/mnist_cae.castnet", f"-I{SOURCE}", "-isystem", str(HALIDE)],
                          input=text, capture_output=True, text=True, check=False)


class Sizes(unittest.TestCase):
    def check(self, *compiler):
        if not shutil.which(compiler[0]):
            self.skipTest(f"without {compiler[0]}")
        described = json.loads(subprocess.run([BUILD / "bin" / "castnet", "describe", "--json", SOURCE / "train" / "mnist_cae.castnet"],
                                              check=True, capture_output=True).stdout)
        sizes = [described["parameters"], *(described["memory"]["training"][use] for use in ("gradients", "optimizer", "activations"))]
        self.assertEqual(compile_text(CHECKED.format(*sizes), *compiler, "-fsyntax-only").stderr, "")
        wrong = [size + 1 for size in sizes]
        self.assertIn("static assertion failed", compile_text(CHECKED.format(*wrong), *compiler, "-fsyntax-only").stderr)

    def test_cortex_m_has_those_of_this_machine(self):
        self.check(*CORTEX_M)

    def test_wasm32_has_those_of_this_machine(self):
        self.check(*WASM)

    def test_the_other_byte_order_is_refused_by_name(self):
        if not shutil.which(CORTEX_M[0]):
            self.skipTest(f"without {CORTEX_M[0]}")
        errors = compile_text('#include "runtime/description.h"\n', *CORTEX_M, "-mbig-endian", "-fsyntax-only").stderr
        self.assertIn("static assertion failed: big-endian machines are not supported", errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
