"""Tests `explore export`: runs ONNX graphs in ONNX's reference evaluator, and compiles C++ headers and reads them back."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
    import onnx
    from onnx.reference import ReferenceEvaluator
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh test installs what is missing")
    sys.exit(77)

sys.path.append(str(pathlib.Path(__file__).parents[1] / "peers"))
from network_language import program  # noqa: E402

BIN = pathlib.Path(os.environ["CASTNET_BIN"])
COMPILER = os.environ["CASTNET_COMPILER"]
NETWORKS = {"mnist_cae": (28, 28, 1), "test_rgb": (32, 32, 3), "test_odd": (17, 23, 2), "test_gap": (12, 10, 1), "test_softmax": (8, 8, 5),
            "test_wide": (6, 40, 70), "test_one": (1, 1, 1), "test_padding": (25, 22, 2), "test_dense": (6, 5, 2)}
BOUND = 1e-5  # of the largest output


def read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    header.pop("__metadata__", None)
    return {name: np.frombuffer(body[slice(*entry["data_offsets"])], np.float32).reshape(entry["shape"]) for name, entry in header.items()}


class Exporting(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="castnet-export-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.rng = np.random.default_rng(1)

    def run_program(self, *command, status=0, environment=()):
        result = subprocess.run(command, capture_output=True, text=True, env=os.environ | dict(environment))
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stderr

    def model_of(self, network: str) -> tuple[pathlib.Path, np.ndarray]:
        """Trains for one epoch on random images. Returns the model and the images."""
        images = self.rng.random((3, *NETWORKS[network]), np.float32)
        np.save(self.folder / "x.npy", images)
        run = self.folder / network
        self.run_program(program(BIN, "train", network), "--quiet", "--no-figures", "--epochs", "1", "--data", self.folder / "x.npy", "--run-dir", run)
        return run / "model.safetensors", images

    def evaluate(self, path: pathlib.Path, inputs: np.ndarray) -> np.ndarray:
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        return ReferenceEvaluator(model).run(None, {"input": inputs})[0]

    def assert_close(self, got: np.ndarray, want: np.ndarray):
        self.assertEqual(got.shape, want.shape)
        self.assertLessEqual(np.max(np.abs(got - want)), BOUND * np.max(np.abs(want)))

    def test_onnx_computes_what_castnet_does(self):
        for network in NETWORKS:
            with self.subTest(network=network):
                model, images = self.model_of(network)
                explore, folder = program(BIN, "explore", network), self.folder
                for part in ("all", "encoder", "decoder"):
                    self.run_program(explore, "export", "--model", model, "--onnx", folder / f"{part}.onnx", "--part", part)
                self.run_program(explore, "reconstruct", "--model", model, "--images", folder / "x.npy", "--out", folder / "y.npy")
                self.run_program(explore, "encode", "--model", model, "--images", folder / "x.npy", "--out", folder / "z.npy")
                outputs, codes = np.load(folder / "y.npy"), np.load(folder / "z.npy")
                self.assert_close(self.evaluate(folder / "all.onnx", images), outputs)
                self.assert_close(self.evaluate(folder / "encoder.onnx", images), codes)
                self.assert_close(self.evaluate(folder / "decoder.onnx", codes), outputs)

    def test_header_holds_the_weights_to_the_bit(self):
        model, _ = self.model_of("test_gap")
        self.run_program(program(BIN, "explore", "test_gap"), "export", "--model", model, "--header", self.folder / "weights.h")
        (self.folder / "print.cpp").write_text('#include "weights.h"\n#include <cstdio>\n'
                                               "int main() { for (float w : test_gap::weights) std::printf(\"%a\\n\", w); }\n")
        binary = self.folder / "print"
        self.run_program(COMPILER, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-o", binary, self.folder / "print.cpp")
        values = [float.fromhex(line) for line in subprocess.run([binary], capture_output=True, text=True).stdout.split()]
        tensors = read_safetensors(model)
        names = re.findall(r"// (\w+/\w+)\n", (self.folder / "weights.h").read_text())
        self.assertEqual(names, [f"{layer}/{kind}" for layer in ("squeeze", "stretch", "conv2d_transpose") for kind in ("kernel", "bias")])
        self.assertEqual(values, np.concatenate([tensors[name].ravel() for name in names]).tolist())

    def test_what_cannot_be_written_is_said_in_one_line(self):
        model, _ = self.model_of("test_one")
        explore = program(BIN, "explore", "test_one")
        for option in ("--onnx", "--header"):
            error = self.run_program(explore, "export", "--model", model, option, self.folder / "missing" / "file", status=1)
            self.assertRegex(error, r"^error: [^\n]*missing[^\n]*cannot be written[^\n]*\n$")
        self.assertIn("nothing to write", self.run_program(explore, "export", "--model", model, status=1))
        self.assertEqual([path.name for path in self.folder.iterdir() if path.name.endswith(".tmp")], [])

    def test_what_the_library_of_onnx_says_is_said_in_one_line(self):
        model, _ = self.model_of("test_gap")
        (self.folder / "onnx").mkdir()
        for says, expected in (("raise RuntimeError('broken\\nlibrary')", "ONNX's library refused the graph (library)"),
                               ("raise SystemExit('error: it is too old')", "it is too old")):
            (self.folder / "onnx" / "__init__.py").write_text(says)
            errors = self.run_program(program(BIN, "explore", "test_gap"), "export", "--model", model, "--onnx", self.folder / "graph.onnx",
                                      status=1, environment={"PYTHONPATH": str(self.folder)})
            self.assertEqual(len(errors.splitlines()), 1, errors)
            self.assertIn(expected, errors)
            self.assertFalse((self.folder / "graph.onnx").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
