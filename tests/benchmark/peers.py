"""Runs one framework on the default network, for benchmark.py. Reads lines `train BATCH THREADS STEPS` or `infer BATCH THREADS CALLS`.
Answers each with the seconds of all steps or of the best call, and the peak memory in MB.

    python peers.py torch|keras|jax|onnxruntime DATA_FOLDER PROGRAMS_FOLDER
"""
import os
import pathlib
import resource
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"
import numpy as np

from idx import read_images


def best_of(calls, body):
    best = float("inf")
    for _ in range(calls):
        begin = time.perf_counter()
        body()
        best = min(best, time.perf_counter() - begin)
    return best


def batches(images, size, steps):
    """Yields `steps` batches of shuffled images, as a training loop draws them."""
    order = np.random.default_rng(0).permutation(len(images))
    for step in range(steps):
        begin = step * size % (len(images) - size)
        yield images[order[begin:begin + size]]


class Torch:
    """Uses what is fastest of eager execution, channels last, and compilation."""

    def __init__(self, images, programs):
        sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / folder) for folder in ("networks", "peers")]
        import pytorch_network
        import torch
        from network_language import read_network
        from sources import SOURCES

        default = next(source for source in SOURCES if source.name == "mnist_cae")
        self.torch, self.pytorch, self.images = torch, pytorch_network, images
        self.network = read_network(programs / "castnet", default.file)
        self.weights = pytorch_network.random_weights(self.network, np.random.default_rng(1))
        self.trainers, self.models = {}, {}

    def train(self, size, threads, steps):
        self.torch.set_num_threads(threads)
        if (size, threads) not in self.trainers:
            self.trainers[size, threads] = self.pytorch.fastest_trainer(self.network, self.weights, self.images[:size * steps], size)
        return self.pytorch.seconds_of(self.trainers[size, threads].epoch)

    def infer(self, size, threads, calls):
        self.torch.set_num_threads(threads)
        with self.torch.no_grad():
            if (size, threads) not in self.models:
                self.models[size, threads] = self.fastest_model(size, calls)
            model, images = self.models[size, threads]
            return best_of(calls, lambda: model(images))

    def fastest_model(self, size, calls):
        candidates = []
        for mode in self.pytorch.MODES:
            model = self.pytorch.Model(self.network)
            model.load(self.weights)
            images = self.pytorch.lay_out(mode, model, self.images[:size])
            run = self.torch.compile(model, dynamic=False) if mode == "compiled" else model
            run(images)
            candidates.append((best_of(calls, lambda: run(images)), run, images))
        return min(candidates, key=lambda candidate: candidate[0])[1:]


class Keras:
    def __init__(self, images, _programs):
        import keras
        from keras import layers
        self.images = images
        self.model = keras.Sequential([
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(2, 7),
            layers.Conv2DTranspose(64, 7, activation="relu"),
            layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(1, 7, strides=2, padding="same")])
        self.model.compile(optimizer="adam", loss="mean_squared_error")

    def train(self, size, threads, steps):
        part = self.images[:size * steps]
        begin = time.perf_counter()
        self.model.fit(part, part, batch_size=size, epochs=1, verbose=0)
        return time.perf_counter() - begin


class Jax:
    def __init__(self, images, _programs):
        import jax
        import jax.numpy as jnp
        from jax import lax
        self.images = images
        layout = ("NHWC", "HWIO", "NHWC")
        shapes = [(3, 3, 1, 32), (3, 3, 32, 64), (7, 7, 64, 2), (7, 7, 2, 64), (3, 3, 64, 32), (7, 7, 32, 1)]
        keys = jax.random.split(jax.random.PRNGKey(0), len(shapes))
        self.state = [[(0.05 * jax.random.normal(key, shape), jnp.zeros(shape[3])) for key, shape in zip(keys, shapes)]]
        zero = jax.tree.map(jnp.zeros_like, self.state[0])
        self.state += [zero, zero, jnp.float32(0)]

        def forward(weights, x):
            conv = lambda x, w, stride, pad: lax.conv_general_dilated(x, w[0], (stride, stride), pad, dimension_numbers=layout) + w[1]
            spread = lambda x, w, stride, pad: lax.conv_transpose(x, w[0], (stride, stride), pad, dimension_numbers=layout) + w[1]
            h = jax.nn.relu(conv(jax.nn.relu(conv(x, weights[0], 2, "SAME")), weights[1], 2, "SAME"))
            h = jax.nn.relu(spread(conv(h, weights[2], 1, "VALID"), weights[3], 1, "VALID"))
            return spread(jax.nn.relu(spread(h, weights[4], 2, "SAME")), weights[5], 2, "SAME")

        def step(w, m, v, n, x):
            loss, g = jax.value_and_grad(lambda w: jnp.mean((forward(w, x) - x) ** 2))(w)
            n = n + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            rate = 1e-3 * jnp.sqrt(1 - 0.999 ** n) / (1 - 0.9 ** n)
            return jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), w, m, v), m, v, n, loss

        self.step = jax.jit(step)

    def train(self, size, threads, steps):
        begin = time.perf_counter()
        for batch in batches(self.images, size, steps):
            *self.state, loss = self.step(*self.state, batch)
        loss.block_until_ready()
        return time.perf_counter() - begin


class OnnxRuntime:
    def __init__(self, images, _programs):
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
        self.runtime, self.images, self.sessions = onnxruntime, images.transpose(0, 3, 1, 2).copy(), {}
        rng = np.random.default_rng(0)
        nodes, weights, name = [], [], "x"
        rows = [("Conv", (32, 1, 3, 3), 2, [0, 0, 1, 1], True), ("Conv", (64, 32, 3, 3), 2, [0, 0, 1, 1], True),
                ("Conv", (2, 64, 7, 7), 1, [0] * 4, False), ("ConvTranspose", (2, 64, 7, 7), 1, [0] * 4, True),
                ("ConvTranspose", (64, 32, 3, 3), 2, [0, 0, 1, 1], True), ("ConvTranspose", (32, 1, 7, 7), 2, [2, 2, 3, 3], False)]
        for i, (kind, shape, stride, pads, relu) in enumerate(rows):
            filters = shape[0] if kind == "Conv" else shape[1]
            weights += [numpy_helper.from_array(rng.normal(0, 0.05, shape).astype(np.float32), f"w{i}"),
                        numpy_helper.from_array(np.zeros(filters, np.float32), f"b{i}")]
            nodes.append(helper.make_node(kind, [name, f"w{i}", f"b{i}"], [f"z{i}"], strides=[stride] * 2, pads=pads))
            name = f"z{i}"
            if relu:
                nodes.append(helper.make_node("Relu", [name], [f"h{i}"]))
                name = f"h{i}"
        grid = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, 28, 28])
        graph = helper.make_graph(nodes, "autoencoder", [grid("x")], [grid(name)], weights)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()

    def infer(self, size, threads, calls):
        if threads not in self.sessions:
            options = self.runtime.SessionOptions()
            options.intra_op_num_threads = threads
            self.sessions[threads] = self.runtime.InferenceSession(self.model, options)
        return best_of(calls, lambda: self.sessions[threads].run(None, {"x": self.images[:size]}))


def main():
    peer = {"torch": Torch, "keras": Keras, "jax": Jax, "onnxruntime": OnnxRuntime}[sys.argv[1]]
    worker = peer(read_images(pathlib.Path(sys.argv[2]), "train", (1, 5, 6)), pathlib.Path(sys.argv[3]))
    print("ready", flush=True)
    for line in sys.stdin:
        what, size, threads, count = line.split()
        seconds = getattr(worker, what)(int(size), int(threads), int(count))
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)


if __name__ == "__main__":
    main()
