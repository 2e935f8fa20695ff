"""Mutates descriptions of networks, and gives each to castnet_add_network() in a CMake of its own: it must stop with one line of the known
form, or accept what an independent reading of the language accepts too, with the same layers.

    python3 tests/fuzz/network_language.py --seconds 10 [--seed N] [--cmake CMAKE]
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))
import network_language  # noqa: E402  (beside the peers, which read networks with it)

HANGS = 600  # seconds after which a case that takes a tenth of one is held to hang, on the busiest machine
LARGEST_EXTENT, LARGEST_SIZE = 9999, 2**31 - 1
NASTY = ["", " ", "  ", ";", ";;", '"', "'", "\\", "\\;", "$", "${network}", "${", "}", "$ENV{HOME}", "@network@", "#", "[", "]", "[[",
         "]]", "(", ")", "<", ">", "$<1:x>", "\n", "\r", "\t", "\x01", "\x7f", "é", "層", "😀", "=", "==", "x", "-", "+", ".", ",", "%",
         "%s", "*", "?", "/", "//", "0", "00", "01", "007", "08", "-1", "+1", "1.5", "1e3", "1E-3", "0x10", "9999", "10000", "2147483648",
         "4294967297", "9223372036854775808", "18446744073709551617", "99999999999999999999999", "1e999", "1e-999", "nan", "inf", "ON",
         "OFF", "off", "NO", "no", "n", "y", "TRUE", "false", "NOTFOUND", "x-NOTFOUND", "IGNORE", "INPUT", "ENCODER", "DECODER", "PARAMS",
         "conv2d", "conv2d_transpose", "conv2d_1", "filters=3", "kernel=2x1", "stride=2", "padding=same", "activation=softmax", "l2=0.5",
         "l2=010", "name=a", "name=n", "name=off", "name=adam", "name=best", "layer_name", "text", "words", "kind", "value_name",
         "A" * 300, "9" * 300, "filters=" * 100, "x" * 5000]
NAMES = ["n", "net", "y", "off", "test", "all", "class", "int", "main", "", "N", "1a", "a-b", "a b", "ä", "notfound"]


@dataclasses.dataclass
class Case:
    arguments: list[str]  # of castnet_add_network()
    is_well_formed: bool  # nothing was mutated: only shapes may not fit

    def code(self) -> str:
        """In brackets, within which CMake takes every character as it is."""
        return "castnet_add_network(" + " ".join(f"[====[\n{argument}]====]" for argument in self.arguments) + ")"


@dataclasses.dataclass
class Shape:
    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.height}, {self.width}, {self.channels}"

    def size(self) -> int:
        return self.height * self.width * self.channels


def out_extent(layer: network_language.Layer, extent: int, axis: int) -> int:
    """Keras's. 0 where the kernel does not fit."""
    kernel, stride = layer.kernel[axis], layer.strides[axis]
    if layer.kind == "conv2d":
        return -(-extent // stride) if layer.padding == "same" else max(0, (extent - kernel) // stride + 1)
    return extent * stride + (max(kernel - stride, 0) if layer.padding == "valid" else 0)


def read_layers(case: Case) -> list[str] | None:
    """The layers of a network in the words of its header, as this reading understands them; None where its shapes do not fit. Raises where
    it understands nothing."""
    parts = {"INPUT": [], "ENCODER": [], "DECODER": []}
    for argument in case.arguments[1:]:
        if argument in parts:
            part = parts[argument]
        else:
            part.append(argument)
    (shape_text,), texts = parts["INPUT"], parts["ENCODER"] + parts["DECODER"]
    input_shape = shape = Shape(*map(int, shape_text.split("x")))
    fits, lines, counts, names = shape.size() <= LARGEST_SIZE, [], {}, set()
    for text in texts:
        layer = network_language.read_layer(text, counts)
        out = Shape(out_extent(layer, shape.height, 0), out_extent(layer, shape.width, 1), layer.filters)
        kernel_size = layer.kernel[0] * layer.kernel[1] * layer.filters * shape.channels
        fits = fits and 0 < min(out.height, out.width) and max(out.height, out.width) <= LARGEST_EXTENT
        fits = fits and max(out.size(), kernel_size) <= LARGEST_SIZE and layer.name not in names
        names.add(layer.name)
        lines.append(f"{layer.name}|{text}|{layer.kind}|{shape}|{out}|{layer.kernel}{layer.strides}|{layer.activation}|{layer.l2:g}")
        shape = out
    return lines if fits and shape == input_shape else None


def accepted_layers(output: str) -> list[str]:
    """The same, as CMake wrote them into the header."""
    keys = {"name": '"(.*)"', "text": '"(.*)"', "kind": r"castnet::LayerKind::(\w+)", "input": r"\{(.*)\}", "output": r"\{(.*)\}",
            "kernel_height": r"(\d+)", "kernel_width": r"(\d+)", "stride_y": r"(\d+)", "stride_x": r"(\d+)", "pad_y": r"\d+",
            "pad_x": r"\d+", "activation": r'"(\w+)"', "l2": "(.*)"}
    pattern = r"\{" + r",\s*".join(rf"\.{key} = {value}" for key, value in keys.items()) + ","
    return [f"{name}|{text}|{kind}|{inputs}|{outputs}|({kernel_y}, {kernel_x})({stride_y}, {stride_x})|{activation}|{float(l2):g}"
            for name, text, kind, inputs, outputs, kernel_y, kernel_x, stride_y, stride_x, activation, l2 in re.findall(pattern, output)]


def random_number(rng: random.Random) -> int:
    return rng.choice([1, 2, 3, 4, 7, rng.randint(1, 40), rng.randint(1, LARGEST_EXTENT) if rng.random() < 0.1 else 1])


def random_pair(rng: random.Random) -> str:
    return f"{random_number(rng)}" if rng.random() < 0.5 else f"{random_number(rng)}x{random_number(rng)}"


def random_layer(rng: random.Random, filters: int) -> str:
    words = [f"filters={filters}", f"kernel={random_pair(rng)}"]
    for key, value in (("stride", random_pair(rng)), ("padding", rng.choice(["same", "valid"])),
                       ("activation", rng.choice(["linear", "relu", "sigmoid", "tanh", "softmax"])),
                       ("l2", rng.choice(["0", "0.001", "1e-3", "2.", "3E+2", "0.5e-10", "9999"])),
                       ("name", rng.choice(["a", "b", "last", "conv2d_1", "x_9", "off", "n", "no", "y", "ignore", "notfound"]))):
        if rng.random() < 0.3:
            words.append(f"{key}={value}")
    rng.shuffle(words)
    return " ".join([rng.choice(["conv2d", "conv2d_transpose"]), *words])


def random_network(rng: random.Random) -> list[str]:
    """Well formed; half of them end in the shape that they begin with."""
    channels = rng.randint(1, 5)
    if rng.random() < 0.5:
        stride = rng.randint(1, 3)
        geometry = f"kernel={rng.randint(1, 4)} stride={stride} padding=same"
        shape = f"{stride * rng.randint(1, 9)}x{stride * rng.randint(1, 9)}x{channels}"
        encoder, decoder = [f"conv2d filters={random_number(rng)} {geometry}"], [f"conv2d_transpose filters={channels} {geometry}"]
        encoder += [f"conv2d filters={random_number(rng)} kernel=1 l2={rng.choice(['0', '1e-3', '0.5'])}" for _ in range(rng.randint(0, 2))]
        if rng.random() < 0.3:
            encoder[0] += f" name={rng.choice(['n', 'off', 'first', 'no'])}"
    else:
        shape = f"{random_number(rng)}x{random_number(rng)}x{channels}"
        encoder, decoder = ([random_layer(rng, random_number(rng)) for _ in range(rng.randint(1, 3))] for _ in range(2))
        decoder[-1] = random_layer(rng, channels)
    return ["net", "INPUT", shape, "ENCODER", *encoder, "DECODER", *decoder]


def mutated_text(rng: random.Random, text: str) -> str:
    """With something put in, taken out, or put in the place of something else: at a character, or at a word."""
    parts = re.split(r"([ =x])", text) if rng.random() < 0.6 else list(text)
    at = rng.randrange(len(parts) + 1)
    kept = at + rng.choice([0, 1, 1, 2])
    return "".join(parts[:at]) + rng.choice([*NASTY, *parts]) + "".join(parts[kept:])


def mutated(rng: random.Random, arguments: list[str]) -> list[str]:
    at = rng.randrange(len(arguments))
    kind = rng.random()
    if kind < 0.75:
        arguments[at] = mutated_text(rng, arguments[at])
    elif kind < 0.85:
        arguments.insert(at, rng.choice([*NASTY, *arguments]))
    elif kind < 0.92:
        del arguments[at]
    else:
        arguments[0] = rng.choice(NAMES)
    return arguments or [""]


def random_case(rng: random.Random) -> Case:
    arguments = random_network(rng)
    if rng.random() < 0.25:
        return Case(arguments, True)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        arguments = mutated(rng, arguments)
    return Case(arguments, False)


class Judge:
    def __init__(self, cmake: str, scratch: str):
        self.command = [cmake, f"-DCASTNET_SOURCE_DIR={HERE.parent.parent}", f"-DSCRATCH={scratch}"]

    def finding(self, case: Case) -> str:
        """What is wrong with CMake's answer; empty where nothing is."""
        try:
            result = subprocess.run([*self.command, f"-DCASE={case.code()}", "-P", HERE.parent / "network_language_case.cmake"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="surrogateescape", check=False,
                                    timeout=HANGS)
        except subprocess.TimeoutExpired:
            return "hangs"
        if result.returncode != 0:
            return self.wrong_refusal(case, result.stderr)
        if result.stderr:
            return f"is accepted with a warning:\n{result.stderr}"
        return self.wrong_acceptance(case, result.stdout)

    @staticmethod
    def wrong_refusal(case: Case, output: str) -> str:
        errors = [line for line in re.split(r"\n", output) if line.lstrip().startswith("error: ")]
        if output.count("CMake Error") != 1 or "CMake Warning" in output or len(errors) != 1:
            return f"is refused otherwise than by one line:\n{output}"
        if not re.fullmatch(r" *error: network [^\x00-\x1f]*: [^\x00-\x1f]+", errors[0]):
            return f"is refused by a line of another form:\n{errors[0]}"
        if case.is_well_formed and read_layers(case) is not None:
            return f"should be accepted:\n{output}"
        return ""

    @staticmethod
    def wrong_acceptance(case: Case, output: str) -> str:
        try:
            wanted = read_layers(case)
        except (KeyError, ValueError, TypeError, NameError) as error:
            return f"is accepted, and not understood by another reading ({error!r}):\n{output}"
        got = accepted_layers(output)
        return "" if got == wanted else f"is read as\n{got}\nand should be read as\n{wanted}\noutput:\n{output}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("CASTNET_FUZZ_SECONDS", "30")))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cmake", default="cmake")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    end = time.monotonic() + arguments.seconds
    count = findings = 0
    with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        judge = Judge(arguments.cmake, scratch)
        while time.monotonic() < end and findings < 10:
            cases = [random_case(rng) for _ in range(100)]
            for case, finding in zip(cases, pool.map(judge.finding, cases)):
                count += 1
                if finding:
                    findings += 1
                    print(f"finding: {case.arguments!r}\n{finding}\n")
    print(f"fuzz: network language: {count} networks in {arguments.seconds:g} s, {findings or 'no'} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
