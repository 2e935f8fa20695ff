"""Tests the import of models: of files that Keras and PyTorch saved (samples/, by make_samples.py), and of damaged and hostile ones."""
import io
import json
import os
import pathlib
import pickle
import re
import runpy
import subprocess
import sys
import tempfile
import unittest
import zipfile

try:
    import h5py
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    print(f"skipped: {error}; sh cmake/bootstrap.sh test installs what is missing")
    sys.exit(77)

from reference import read_safetensors, reconstruct

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMPORTER = ROOT / "train" / "importer"
SAMPLES = pathlib.Path(__file__).parent / "samples"
NETWORKS = pathlib.Path(__file__).parent / "networks"
BIN = pathlib.Path(os.environ["CASTNET_BIN"])
CASTABLE = ("basic.keras", "colours.keras", "digits.keras", "legacy.h5", "normalized.keras", "per_pixel.keras", "pools.keras", "signal.keras", "lightning.onnx",
            "torch_pools.onnx", "view.onnx", "weights.onnx weights.pt", "weights.onnx weights.safetensors")
BOUND = 1e-5  # of the largest output
sys.path.insert(0, str(IMPORTER))
from grid import padding_text  # noqa: E402
from state_dict import view  # noqa: E402

importer = runpy.run_path(str(IMPORTER / "__main__.py"), run_name="importer")


class Import(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="castnet-import-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def run_import(self, *arguments, status=0) -> str:
        """Returns what it prints, or its one line of error."""
        command = [sys.executable, IMPORTER, *arguments, "--castnet", BIN / "castnet"]
        result = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        if status != 0:
            self.assertRegex(result.stderr, r"^error: [^\n]+\n$")
            self.assertEqual(result.stdout, "")
        else:
            self.assertEqual(result.stderr, "")
        return result.stdout + result.stderr

    def refuse(self, *arguments) -> str:
        error = self.run_import(*arguments, status=1)
        self.assertEqual([path.name for path in self.folder.glob("*.castnet")], [])
        return error

    def text_of(self, name: str) -> str:
        return (self.folder / f"{name}.castnet").read_text()

    def outputs(self, name: str, x: np.ndarray) -> np.ndarray:
        return reconstruct(self.text_of(name), read_safetensors(self.folder / f"{name}.safetensors")[0], x)

    def assert_close(self, got: np.ndarray, want: np.ndarray):
        self.assertEqual(got.shape, want.shape)
        self.assertLessEqual(np.max(np.abs(got - want)), BOUND * np.max(np.abs(want)))

    def altered(self, sample: str, change, name: str = "model.keras") -> pathlib.Path:
        """Returns a copy of a .keras sample whose configuration was changed."""
        path = self.folder / name
        with zipfile.ZipFile(SAMPLES / sample) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
            config = json.loads(archive.read("config.json"))
            config = change(config) or config
            copy.writestr("config.json", config if isinstance(config, str) else json.dumps(config))
            copy.writestr("model.weights.h5", archive.read("model.weights.h5"))
        return path

    def ended(self, nodes: list, constants: dict, size: int, shape: tuple, name: str = "graph.onnx") -> tuple[pathlib.Path, np.ndarray]:
        """Writes the graph with a dense layer behind its value z, of so many elements, that ends in the input's shape. Returns its kernel."""
        kernel = np.random.default_rng(2).random((size, int(np.prod(shape))), np.float32)
        nodes = [*nodes, helper.make_node("Flatten", ["z"], ["flat"]), helper.make_node("MatMul", ["flat", "end"], ["dense"]),
                 helper.make_node("Reshape", ["dense", "shape"], ["y"])]
        return self.graph(nodes, constants | {"end": kernel, "shape": np.array([-1, *shape])}, ("n", *shape), name), kernel

    def graph(self, nodes: list, constants: dict, shape=("n", 1, 6, 6), name: str = "graph.onnx") -> pathlib.Path:
        """Writes an ONNX graph from x to y."""
        ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape), helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
        weights = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
        model = helper.make_model(helper.make_graph(nodes, "graph", ends[:1], ends[1:], weights), opset_imports=[helper.make_opsetid("", 17)])
        onnx.save(model, self.folder / name)
        return self.folder / name


class Samples(Import):
    def test_samples_compute_what_their_framework_computed(self):
        for files in CASTABLE:
            with self.subTest(files=files):
                name = files.split(".")[0]
                self.run_import(*(SAMPLES / file for file in files.split()), "--force")
                with np.load(SAMPLES / f"{name}.npz") as arrays:
                    self.assert_close(self.outputs(name, arrays["x"]), arrays["y"])

    def test_compiled_networks_compute_what_their_framework_computed(self):
        for name, file in (("imported_digits", "digits.keras"), ("imported_pools", "pools.keras"), ("imported_lightning", "lightning.onnx")):
            with self.subTest(network=name):
                self.run_import(SAMPLES / file, "--name", name)
                self.assertEqual(self.text_of(name), (NETWORKS / f"{name}.castnet").read_text())
                with np.load(SAMPLES / f"{file.split('.')[0]}.npz") as arrays:
                    np.save(self.folder / "x.npy", arrays["x"])
                    subprocess.run([BIN / f"explore-{name}", "reconstruct", "--model", f"{name}.safetensors", "--images", "x.npy", "--out", "y.npy"],
                                   cwd=self.folder, check=True, capture_output=True)
                    self.assert_close(np.load(self.folder / "y.npy"), arrays["y"])

    def test_training_goes_on_from_what_was_imported(self):
        self.run_import(SAMPLES / "digits.keras", "--name", "imported_digits")
        np.save(self.folder / "x.npy", np.random.default_rng(1).random((8, 12, 10, 1), np.float32))
        for epochs in ("0", "1"):
            subprocess.run([BIN / "train-imported_digits", "--init", "imported_digits.safetensors", "--data", "x.npy", "--epochs", epochs, "--run-dir", epochs,
                            "--quiet", "--no-figures"], cwd=self.folder, check=True, capture_output=True)
        imported, begun, trained = (read_safetensors(self.folder / file)[0] for file in
                                    ("imported_digits.safetensors", "0/model.safetensors", "1/model.safetensors"))
        for name, values in imported.items():
            self.assertTrue(np.array_equal(values, begun[name]), name)
            self.assertEqual(np.array_equal(values, trained[name]), name.startswith("first/"), name)  # the first layer is frozen

    def test_what_castnet_exports_comes_back_to_the_bit(self):
        np.save(self.folder / "x.npy", np.random.default_rng(1).random((4, 6, 5, 2), np.float32))
        run = lambda program, *arguments: subprocess.run([BIN / f"{program}-test_dense", *arguments], cwd=self.folder, check=True, capture_output=True)
        run("train", "--data", "x.npy", "--epochs", "1", "--run-dir", "run", "--quiet", "--no-figures")
        run("explore", "export", "--model", "run/model.safetensors", "--onnx", "graph.onnx")
        self.run_import("graph.onnx")
        exported, back = read_safetensors(self.folder / "run" / "model.safetensors")[0], read_safetensors(self.folder / "graph.safetensors")[0]
        exported = {name: values for name, values in exported.items() if not name.startswith("self_test/")}
        self.assertEqual(list(exported), list(back))
        for name, values in exported.items():
            self.assertTrue(np.array_equal(values.ravel(), back[name].ravel()), name)  # ONNX's dense layer is a convolution over its grid


class Forms(Import):
    """What the samples lack."""

    def test_what_is_left_out_or_changed_is_said(self):
        def change(config):
            dense = config["config"]["layers"][2]["config"]
            dense["activity_regularizer"] = {"class_name": "L1", "config": {"l1": 0.1}}
            dense["kernel_regularizer"] = {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.1}}
            config["compile_config"]["loss"] = "poisson"
        output = self.run_import(self.altered("basic.keras", change))
        for part in ("the activity_regularizer of dense (Dense)", "the kernel_regularizer of dense (Dense)", "the loss poisson"):
            self.assertIn(f"note: left out {part}", output)
        self.assertNotIn("l2=", self.text_of("model"))
        self.assertNotIn("loss", self.text_of("model"))
        self.assertIn("note: folded batch_normalization (BatchNormalization) into conv2d", self.run_import(SAMPLES / "normalized.keras"))
        self.assertIn("note: conv2d_transpose (Conv2DTranspose) has no bias: it gets one of zeros, which will be trained",
                      self.run_import(SAMPLES / "digits.keras"))

    def test_losses_are_castnets(self):
        for loss, text in (("mse", ""), ("mae", "loss mean_absolute_error\n"), ("binary_crossentropy", "loss binary_crossentropy\n"),
                           ({"class_name": "Huber", "config": {"delta": 0.5}}, "loss huber(0.5)\n"),
                           ({"class_name": "BinaryCrossentropy", "config": {"from_logits": True}}, "")):
            self.run_import(self.altered("basic.keras", lambda config: config["compile_config"].update(loss=loss)), "--force")
            self.assertEqual("".join(re.findall("loss.*\n", self.text_of("model"))), text)

    def test_slopes_are_written_where_they_are_not_castnets(self):
        for config, text in (({"negative_slope": 0.3}, "leaky_relu(0.3)"), ({"alpha": 0.2}, "leaky_relu"), ({}, "leaky_relu(0.3)")):
            activation = {"class_name": "LeakyReLU", "config": config}
            self.run_import(self.altered("basic.keras", lambda model: model["config"]["layers"][2]["config"].update(activation=activation)), "--force")
            self.assertEqual(re.findall(r"activation=(\S*)", self.text_of("model"))[0], text)

    def test_model_that_is_frozen_freezes_its_layers(self):
        self.run_import(self.altered("digits.keras", lambda model: model["config"]["layers"][1]["config"].update(trainable=False)))
        self.assertEqual([line.split()[0] for line in self.text_of("model").splitlines() if "trainable=false" in line], ["conv2d", "conv2d"])

    def test_zeros_before_are_told_apart_where_the_sizes_are_alike(self):
        self.assertEqual(padding_text(False, (3, 3), (2, 2), (1, 0, 1, 0), (7, 7, 1), (3, 3, 1)), " padding=1,0,1,0")
        self.assertEqual(padding_text(False, (3, 3), (2, 2), (0, 0, 0, 0), (7, 7, 1), (3, 3, 1)), "")
        self.assertEqual(padding_text(True, (3, 3), (2, 2), (1, 0, 1, 0), (8, 8, 1), (4, 4, 1)), " padding=1 output=8x8")

    def test_tensors_are_parts_of_storages(self):
        self.assertEqual(view(np.arange(6), 1, (2, 2), (3, 1)).tolist(), [[1, 2], [4, 5]])
        for shape, strides in (((2, 3), (3, 1)), ((2, 2), (4, 1)), ((1 << 40,), (0,)), ((2,), (-1,))):
            with self.assertRaisesRegex(importer["Refusal"], "larger than its storage"):
                view(np.arange(6), 1, shape, strides)

    def test_batch_normalization_that_cannot_be_folded_is_refused(self):
        def swap(config):  # behind an activation, before a convolution with zeros around
            layers = config["config"]["layers"]
            layers[2]["config"]["activation"] = "relu"
            layers[6]["config"]["padding"] = "same"
            layers[4]["config"].pop("negative_slope", None)
            del layers[3:5]
        error = self.refuse(self.altered("normalized.keras", swap))
        self.assertIn("batch_normalization_1 (BatchNormalization) cannot be cast: it cannot be folded", error)

    def test_activations_are_known_by_what_they_compute(self):
        kernel, up = np.ones((1, 1, 3, 3), np.float32), np.ones((1, 1, 3, 3), np.float32)
        scalars = {"half": np.float32(0.5), "one": np.float32(1), "root": np.float32(2**0.5), "slope": np.float32(0.3), "zero": np.float32(0)}
        node = helper.make_node
        forms = {
            "gelu": [node("Div", ["z", "root"], ["a"]), node("Erf", ["a"], ["b"]), node("Add", ["b", "one"], ["c"]), node("Mul", ["z", "c"], ["d"]),
                     node("Mul", ["d", "half"], ["e"])],
            "silu": [node("Sigmoid", ["z"], ["a"]), node("Mul", ["z", "a"], ["e"])],
            "softplus": [node("Exp", ["z"], ["a"]), node("Add", ["a", "one"], ["b"]), node("Log", ["b"], ["e"])],
            "leaky_relu(0.3)": [node("Mul", ["z", "slope"], ["a"]), node("Max", ["z", "a"], ["e"])],
            "relu": [node("Max", ["z", "zero"], ["a"]), node("Identity", ["a"], ["e"])],
            "elu(0.5)": [node("Elu", ["z"], ["e"], alpha=0.5)],
        }
        for activation, nodes in forms.items():
            with self.subTest(activation=activation):
                self.run_import(self.graph([node("Conv", ["x", "w"], ["z"]), *nodes, node("ConvTranspose", ["e", "u"], ["y"])], scalars | {"w": kernel, "u": up}),
                                "--force")
                self.assertEqual(re.findall(r"activation=(\S*)", self.text_of("graph")), [activation])
        nodes = [node("Sigmoid", ["z"], ["a"]), node("Mul", ["a", "slope"], ["b"]), node("Mul", ["z", "b"], ["e"])]
        error = self.run_import(self.graph([node("Conv", ["x", "w"], ["z"]), *nodes, node("ConvTranspose", ["e", "u"], ["y"])], scalars | {"w": kernel, "u": up}),
                                "--force", status=1)
        self.assertIn("the graph branches there", error)

    def test_images_with_channels_last_are_known_by_their_transposes(self):
        rng, node = np.random.default_rng(1), helper.make_node
        constants = {"w": rng.random((4, 2, 3, 3), np.float32), "b": rng.random(4, np.float32), "m": rng.random((4, 2), np.float32), "c": rng.random(2, np.float32)}
        path = self.graph([node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]), node("Conv", ["a", "w", "b"], ["d"], pads=[1, 1, 1, 1]),
                           node("Transpose", ["d"], ["e"], perm=[0, 2, 3, 1]), node("MatMul", ["e", "m"], ["f"]), node("Add", ["f", "c"], ["y"])],
                          constants, ("n", 5, 4, 2))
        output = self.run_import(path)
        self.assertNotIn("note:", output)
        x = rng.random((3, 5, 4, 2), np.float32)
        want = onnx.reference.ReferenceEvaluator(str(path)).run(None, {"x": x})[0]
        self.assert_close(self.outputs("graph", x), want)

    def test_dense_layer_between_flatten_and_transposed_image_is_sorted(self):
        rng, node = np.random.default_rng(1), helper.make_node
        constants = {"w": rng.random((5, 24), np.float32), "b": rng.random(5, np.float32), "v": rng.random((5, 24), np.float32), "c": rng.random(24, np.float32),
                     "s": np.array([-1, 2, 3, 4]),
                     "r": np.array([-1])}
        path = self.graph([node("Shape", ["x"], ["n"], start=0, end=1), node("Concat", ["n", "r"], ["t"], axis=0), node("Reshape", ["x", "t"], ["a"]), node("Gemm", ["a", "w", "b"], ["d"], transB=1), node("Gemm", ["d", "v", "c"], ["e"], alpha=0.5),
                           node("Reshape", ["e", "s"], ["y"])], constants, ("n", 2, 3, 4))
        self.run_import(path)
        x = rng.random((3, 2, 3, 4), np.float32)
        want = onnx.reference.ReferenceEvaluator(str(path)).run(None, {"x": x})[0]
        self.assert_close(self.outputs("graph", x.transpose(0, 2, 3, 1)), want.transpose(0, 2, 3, 1))

    def test_transposes_and_crops_of_every_geometry(self):
        rng, node = np.random.default_rng(1), helper.make_node
        for kernel, stride, pads, added in ((3, 2, [1, 1, 1, 1], [1, 1]), (4, 2, [1, 0, 2, 1], [0, 1]), (2, 3, [0, 1, 1, 0], [2, 0]), (5, 1, [2, 2, 2, 2], [0, 0])):
            with self.subTest(kernel=kernel):
                constants = {"w": rng.random((2, 1, 3, 3), np.float32), "u": rng.random((2, 1, kernel, kernel), np.float32), "c": rng.random(1, np.float32)}
                transposed = {"strides": [stride, stride], "pads": pads, "output_padding": added}
                nodes = [node("Conv", ["x", "w"], ["a"], strides=[2, 1]), node("ConvTranspose", ["a", "u", "c"], ["y"], **transposed)]
                self.check_crops(nodes, constants, (1, 8, 7))

    def test_crop_behind_a_convolution_takes_from_its_padding(self):
        rng, node = np.random.default_rng(1), helper.make_node
        constants = {"w": rng.random((2, 1, 3, 4), np.float32)}
        self.check_crops([node("Conv", ["x", "w"], ["y"], pads=[2, 0, 0, 2], strides=[2, 1])], constants, (1, 7, 6))
        path, _ = self.ended([node("Conv", ["x", "w"], ["a"], pads=[0, 2, 0, 2]), node("Pad", ["a", "p"], ["z"])], constants | {"p": np.array(self.CROP)}, 5, (1, 7, 6))
        self.assertIn("it crops more than the padding", self.run_import(path, "--force", status=1))

    CROP = [0, 0, -1, 0, 0, 0, 0, -1]  # the first row and the last column

    def check_crops(self, nodes: list, constants: dict, shape: tuple):
        """Checks the graph with and without a crop behind it, which ONNX's evaluator does not know."""
        x = np.random.default_rng(3).random((2, *shape), np.float32)
        y = onnx.reference.ReferenceEvaluator(str(self.graph(nodes, constants, ("n", *shape)))).run(None, {"x": x})[0]
        for values, cut in ((y, [0] * 8), (y[:, :, 1:, :-1], self.CROP)):
            crop = helper.make_node("Pad", ["y0", "p"], ["z"])
            renamed = [helper.make_node(each.op_type, each.input, ["y0" if name == "y" else name for name in each.output],
                                        **{a.name: helper.get_attribute_value(a) for a in each.attribute}) for each in nodes]
            path, kernel = self.ended([*renamed, crop], constants | {"p": np.array(cut)}, values[0].size, shape)
            self.run_import(path, "--force")
            want = (values.reshape(2, -1).astype(np.float64) @ kernel).reshape(2, *shape)
            self.assert_close(self.outputs("graph", x.transpose(0, 2, 3, 1)), want.transpose(0, 2, 3, 1))

    def test_what_does_not_pass_a_pool_is_refused(self):
        node = helper.make_node
        weights = {"w": np.ones((1, 1, 3, 3), np.float32), "u": np.ones((1, 1, 3, 3), np.float32), "minus": np.full((1, 1, 1, 1), -2, np.float32)}
        pool, up = node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]), node("ConvTranspose", ["c", "u"], ["y"], strides=[3, 3])
        for between, what in (([node("Sigmoid", ["b"], ["s"]), node("Mul", ["b", "s"], ["c"])], "no layer that has none stands there"),
                              ([node("Mul", ["b", "minus"], ["c"])], "no layer stands beside it that it could be folded into")):
            error = self.refuse(self.graph([node("Conv", ["x", "w"], ["a"]), pool, *between, up], weights))
            self.assertIn(what, error)
        self.run_import(self.graph([node("Conv", ["x", "w"], ["a"]), pool, node("Relu", ["b"], ["c"]), up], weights))
        self.assertRegex(self.text_of("graph"), "conv2d .*activation=relu.*\n *max_pool")


class Options(Import):
    def test_files_are_written_whole_or_not_at_all_and_never_over_others(self):
        self.run_import(SAMPLES / "basic.keras")
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.assertEqual(sorted(before), ["basic.castnet", "basic.safetensors"])
        self.run_import(SAMPLES / "basic.keras")  # the same once more
        (self.folder / "basic.castnet").write_text("mine")
        (self.folder / "basic.safetensors").unlink()
        self.assertIn("basic.castnet exists already and differs", self.run_import(SAMPLES / "basic.keras", status=1))
        self.assertEqual([path.name for path in self.folder.iterdir()], ["basic.castnet"])
        self.run_import(SAMPLES / "basic.keras", "--force")
        self.assertEqual({path.name: path.read_bytes() for path in self.folder.iterdir()}, before)
        self.assertIn("cannot be written", self.run_import(SAMPLES / "basic.keras", "--output", "nowhere", status=1))
        (self.folder / "else").mkdir()
        self.run_import(SAMPLES / "basic.keras", "--output", "else", "--name", "other")
        self.assertEqual(sorted(path.name for path in (self.folder / "else").iterdir()), ["other.castnet", "other.safetensors"])

    def test_code_is_where_the_user_says(self):
        def encoder() -> int:
            return len(re.findall("^  ", self.text_of("signal").split("decoder")[0], re.MULTILINE))
        for code, layers in ((), 2), (("--code", "conv1d"), 1), (("--code", "activation"), 4):
            self.run_import(SAMPLES / "signal.keras", *code, "--force")
            self.assertEqual(encoder(), layers)
        self.assertIn("--code conv9: the encoder cannot end there; give one of conv1d, conv1d_1,", self.run_import(SAMPLES / "signal.keras", "--code", "conv9", status=1))

    def test_names_that_cannot_be_a_networks(self):
        sound = (SAMPLES / "basic.keras").read_bytes()
        for name, network in (("My Model-2.keras", "my_model_2"), ("3d.keras", "network_3d")):
            (self.folder / name).write_bytes(sound)
            self.run_import(name)
            self.assertTrue((self.folder / f"{network}.castnet").exists())
        (self.folder / "test.keras").write_bytes(sound)
        self.assertIn("choose a name with -- --name", self.run_import("test.keras", status=1))

    def test_files_of_other_kinds(self):
        self.assertIn("give a file .keras, .h5 or .onnx", self.refuse(SAMPLES / "weights.pt"))
        self.assertIn("give a file .keras, .h5 or .onnx", self.refuse(SAMPLES / "basic.keras", SAMPLES / "weights.pt"))
        self.assertIn("cannot be read", self.refuse("nowhere.keras"))


class Refusals(Import):
    def test_what_cannot_be_cast_is_named_with_its_place(self):
        for file, what in (("refused_attention.keras", r"layer attention_1 \(MultiHeadAttention\) cannot be cast: "),
                           ("refused_lambda.keras", r"layer twice \(Lambda\) cannot be cast: it holds Python code, which an import never runs"),
                           ("refused_skip.keras", r"layer join \(Add\) cannot be cast: it takes 2 inputs"),
                           ("refused_subclassed.keras", r"the model is of the class Subclassed, .*; save keras.Sequential"),
                           ("refused_hardswish.onnx", r"layer /1/HardSwish \(HardSwish\) cannot be cast: ")):
            self.assertRegex(self.refuse(SAMPLES / file), f"^error: [^\n]*{file}: {what}")

    def test_the_compilers_limits_name_the_layer(self):
        def change(config):
            config["config"]["layers"][2]["config"]["activation"] = {"class_name": "LeakyReLU", "config": {"negative_slope": 1e9}}
        self.assertIn("layer dense (Dense) cannot be cast: activation=leaky_relu", self.refuse(self.altered("basic.keras", change)))

    def test_keras_configurations_that_are_wrong_or_absurd(self):
        def layer(i, **changes):
            return lambda config: config["config"]["layers"][i]["config"].update(changes)
        deep = "[" * 100000
        cases = [(layer(0, batch_shape=[None, 1 << 40, 1 << 40]), "the input"), (layer(0, batch_shape=[None, None, 5]), "the input"),
                 (layer(0, batch_shape=[None, 0, 5]), "the input"), (layer(0, batch_shape="abc"), ""), (layer(2, units=3, activation="exp"), "its activation is exp"),
                 (layer(4, target_shape=[7, 7]), "it makes the shape"), (layer(4, target_shape=[1 << 40, 5]), "it makes the shape"),
                 (layer(4, target_shape=[-1, -1]), "it makes the shape"), (lambda config: deep, "damaged"), (lambda config: "{}", "damaged"), (lambda config: "[]", "damaged"),
                 (lambda config: config["config"].update(layers=[]), "fewer than two layers"), (lambda config: config["config"].update(layers=7), "damaged"),
                 (lambda config: config["config"].update(layers=config["config"]["layers"][:2]), "fewer than two layers")]
        for change, what in cases:
            with self.subTest(what=what):
                self.assertIn(what, self.refuse(self.altered("basic.keras", change)))

        def own(config):
            config["config"]["layers"][2]["registered_name"] = "Custom>Dense"
        self.assertIn("layer dense (Custom>Dense) cannot be cast: its class is the user's own", self.refuse(self.altered("basic.keras", own)))

        def cycle(config):
            layers = config["config"]["layers"]
            layers[1]["inbound_nodes"], layers[2]["inbound_nodes"] = ([{"args": [{"class_name": "__keras_tensor__", "config": {
                "keras_history": [layers[i]["config"]["name"], 0, 0]}}], "kwargs": {}}] for i in (2, 1))
        self.assertIn("no chain", self.refuse(self.altered("digits.keras", cycle)))

        def nest(config):
            for _ in range(50):
                config = {"class_name": "Sequential", "config": {"layers": [config]}}
            return config
        self.assertIn("nested more than", self.refuse(self.altered("basic.keras", nest)))

    def test_weights_elsewhere_are_never_opened(self):
        secret = self.folder / "secret.h5"
        with h5py.File(secret, "w") as file:
            file["layers/dense/vars/0"] = np.zeros((30, 8), np.float32)
        secret.with_suffix(".bin").write_bytes(bytes(960))

        def link(file):
            del file["layers/dense"]
            file["layers/dense"] = h5py.ExternalLink(str(secret), "/layers/dense")

        def soft(file):
            file["elsewhere"] = file["layers/dense"]
            del file["layers/dense"]
            file["layers/dense"] = h5py.SoftLink("/elsewhere")

        def external(file):
            del file["layers/dense/vars/0"]
            file.create_dataset("layers/dense/vars/0", (30, 8), np.float32, external=[(str(secret.with_suffix(".bin")), 0, 960)])

        def virtual(file):
            del file["layers/dense/vars/0"]
            layout = h5py.VirtualLayout((30, 8), np.float32)
            layout[:] = h5py.VirtualSource(str(secret), "layers/dense/vars/0", (30, 8))
            file.create_virtual_dataset("layers/dense/vars/0", layout)

        def terabytes(file):
            del file["layers/dense/vars/0"]
            file.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 20), np.float32)

        def bomb(file):
            del file["layers/dense/vars/0"]
            file.create_dataset("layers/dense/vars/0", (1 << 10, 1 << 10), np.float32, chunks=True, compression="gzip")

        def text(file):
            del file["layers/dense/vars/0"]
            file["layers/dense/vars/0"] = "text"

        for change, what in ((link, "a link to elsewhere"), (soft, "a link to elsewhere"), (external, "in a form that Keras does not write"),
                             (virtual, "in a form that Keras does not write"), (terabytes, "holds less of the weights"), (bomb, "in a form that"), (text, "in a form that")):
            with self.subTest(change=change.__name__), zipfile.ZipFile(SAMPLES / "basic.keras") as archive:
                contents = io.BytesIO(archive.read("model.weights.h5"))
                with h5py.File(contents, "r+") as file:
                    change(file)
                with zipfile.ZipFile(self.folder / "model.keras", "w") as copy:
                    copy.writestr("config.json", archive.read("config.json"))
                    copy.writestr("model.weights.h5", contents.getvalue())
                self.assertIn(what, self.refuse("model.keras"))

    def test_zip_bombs(self):
        for name, member in (("bomb.keras", "config.json"), ("bomb.pt", "bomb/data.pkl")):
            with zipfile.ZipFile(self.folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(member, bytes(100 << 20))
            files = [name] if name.endswith(".keras") else [SAMPLES / "weights.onnx", name]
            self.assertIn("far more than a model's file holds", self.refuse(*files))

    def test_pickles_run_nothing(self):
        class Runs:
            def __init__(self, function, *arguments):
                self.parts = (function, arguments)

            def __reduce__(self):
                return self.parts
        mark = self.folder / "ran"
        for what in (Runs(os.system, f"touch {mark}"), Runs(eval, f"open({str(mark)!r}, 'w')"), Runs(getattr, "", "join"), {"0.weight": Runs(os.mkdir, str(mark))}):
            with zipfile.ZipFile(self.folder / "weights.pt", "w") as archive:
                archive.writestr("weights/data.pkl", pickle.dumps(what))
            self.assertIn("which is no part of a state_dict", self.refuse(SAMPLES / "weights.onnx", "weights.pt"))
            self.assertFalse(mark.exists())

    def test_state_dicts_of_another_graph(self):
        self.assertIn("of which the state_dict holds 0", self.refuse(SAMPLES / "view.onnx", SAMPLES / "weights.pt"))

    def test_onnx_graphs_that_are_wrong_or_absurd(self):
        node = helper.make_node
        weights = {"w": np.ones((1, 1, 3, 3), np.float32), "u": np.ones((1, 1, 3, 3), np.float32)}
        weights |= {"five": np.array([5, -1]), "rows": np.array([-1, 4])}
        conv, up = node("Conv", ["x", "w"], ["a"], "down"), node("ConvTranspose", ["a", "u"], ["y"], "up")
        cases = {
            "its output does not follow": [node("Conv", ["b", "w"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])],
            "makes what exists already": [conv, node("Relu", ["a"], ["x"]), up],
            "its strides are [0, 0]": [node("Conv", ["x", "w"], ["a"], "down", strides=[0, 0]), up],
            "it has a dilation or groups": [node("Conv", ["x", "w"], ["a"], "down", dilations=[2, 2]), up],
            "its kernel is computed while it runs": [node("Conv", ["x", "nowhere"], ["a"], "down"), up],
            "the graph branches there": [conv, node("Conv", ["x", "w"], ["b"]), node("Add", ["a", "b"], ["c"]), node("ConvTranspose", ["c", "u"], ["y"])],
            "it mixes the images of a batch": [conv, node("Transpose", ["a"], ["b"], perm=[1, 0, 2, 3]), node("ConvTranspose", ["b", "u"], ["y"])],
            "it makes the shape [5": [conv, node("Reshape", ["a", "five"], ["y"])],
            "mixes the images": [conv, node("Reshape", ["a", "rows"], ["y"])],
            "Castnet has no such layer": [conv, node("Loop", ["a"], ["y"])],
            "has -": [node("Conv", ["x", "w"], ["a"], "down", pads=[9999] * 4), node("ConvTranspose", ["a", "u"], ["y"], pads=[9999] * 4)],
        }
        for what, nodes in cases.items():
            with self.subTest(what=what):
                error = self.refuse(self.graph(nodes, weights))
                self.assertTrue(what == "has -" or what in error, error)
        for shape in (("n", "c", 6, 6), ("n", 1, 1 << 40, 6), ("n", 1, 1, 1, 6), ()):
            self.assertIn("the input has the shape", self.refuse(self.graph([conv, up], weights, shape)))
        grown = {"big": np.array([1 << 40, 1 << 20])}
        self.assertIn("computes with whole weights", self.refuse(self.graph([node("ConstantOfShape", ["big"], ["s"]), node("Reshape", ["x", "s"], ["y"])], grown)))

    def test_damaged_files_end_in_one_line_or_import(self):
        for name, step in (("legacy.h5", 97), ("digits.keras", 61), ("view.onnx", 23), ("weights.onnx", 17), ("weights.pt", 31), ("weights.safetensors", 7)):
            sound = (SAMPLES / name).read_bytes()
            damaged = [sound[:size] for size in range(0, len(sound), max(1, len(sound) // 20))]
            for i in range(0, len(sound), step):
                damaged.append(sound[:i] + bytes([sound[i] ^ 1 << i % 8]) + sound[i + 1:])
            for contents in damaged:
                self.check_damaged(name, contents)

    def check_damaged(self, name: str, contents: bytes):
        """Reads in a process of its own, where a crash is no end of the test."""
        path = self.folder / name
        path.write_bytes(contents)
        child = os.fork()
        if child == 0:
            status = 2
            try:
                importer["read"]([path] if path.suffix not in (".pt", ".safetensors") else [SAMPLES / "weights.onnx", path])
                status = 0
            except importer["Refusal"] as refusal:
                status = 0 if "\n" not in str(refusal) and str(refusal) else 3
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0, f"{name}: {contents!r}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
