"""Writes the fuzzers' first inputs, one sound file of each kind and one of each mistake, into the folder that is given. What the fuzzers
find beyond them is added by `fuzz.py --keep`."""
import gzip
import itertools
import json
import math
import pathlib
import struct
import sys
import zlib

FOLDER = pathlib.Path(sys.argv[1])


def write(corpus: str, name: str, data: bytes) -> None:
    path = FOLDER / corpus / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def idx(kind: int, shape: list[int], data: bytes) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape) + data


def npy(kind: str, shape: str, data: bytes, version: int = 1, order: bool = False) -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def safetensors(header: str, data: bytes) -> bytes:
    """With the right checksum where the header has room for one."""
    text = header.encode()
    file = struct.pack("<Q", len(text)) + text + data
    at = file.find(b'"crc32":"') + 9
    return file if at < 9 else file[:at] + b"%08x" % zlib.crc32(file[:at] + file[at + 8:]) + file[at + 8:]


def tensors(metadata: dict[str, str], shapes: dict[str, list[int]]) -> bytes:
    header: dict = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        begin = end
        end += 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":"))
    return safetensors(text + " " * (-len(text) % 8), bytes(range(256)) * (end // 256) + bytes(range(end % 256)))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(colour: int, depth: int, row_bytes: int, chunks: bytes = b"", size: tuple[int, int] = (3, 2), interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    rows = b"".join(bytes([row % 5]) + bytes(range(row_bytes)) for row in range(2))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_idx() -> None:
    files = {
        "images": idx(8, [2, 2, 3], bytes(range(12))),
        "labels": idx(8, [3], b"\1\5\6"),
        "channels": idx(8, [1, 2, 3, 1], bytes(6)),
        "signed": idx(9, [2], b"\xff\1"),
        "short": idx(11, [2], b"\0\1\xff\xff"),
        "int": idx(12, [1, 2], struct.pack(">2i", 5, -70000)),
        "float": idx(13, [1, 2, 3], struct.pack(">6f", 0.5, -1, float("nan"), float("inf"), 1e-40, 3)),
        "double": idx(14, [2], struct.pack(">2d", 1e300, 0.1)),
        "scalar": idx(8, [], b"\7"),
        "empty": idx(8, [0, 2, 3], b""),
        "cut": idx(8, [2, 2, 3], bytes(11)),
        "long": idx(8, [2, 2, 3], bytes(13)),
        "terabytes": idx(8, [2**32 - 1, 2, 3], bytes(6)),
        "overflow": idx(14, [2**32 - 1, 2**32 - 1, 2**32 - 1], b""),
        "dimensions": idx(8, [1] * 255, b"\0"),
    }
    for name, data in files.items():
        write("idx", name, data)
        write("gzip", name, gzip.compress(data, mtime=0))
    write("gzip", "bomb", gzip.compress(idx(8, [1, 2, 3], bytes(900_000)), mtime=0))
    write("gzip", "two-members", gzip.compress(files["images"][:9], mtime=0) + gzip.compress(files["images"][9:], mtime=0))


def write_npy() -> None:
    for kind, size in (("<f4", 4), ("<f8", 8), ("|u1", 1), ("<i4", 4), ("<i8", 8), (">f4", 4), ("<f2", 2)):
        write("npy", f"type-{kind[1:]}-{'<|>'.index(kind[0])}", npy(kind, "2, 1", bytes(2 * size)))
    shapes = ["", "1,", "0, 4", "1, 1, 1, 1", "1,,1", "1 1", ", ", "99999999999999999999999,", "4294967296, 4294967296, 4"]
    for number, shape in enumerate([*shapes, ", ".join(["1"] * 32), ", ".join(["1"] * 33)]):
        write("npy", f"shape-{number}", npy("<f4", shape, bytes(4)))
    write("npy", "version-2", npy("<f4", "1,", bytes(4), version=2))
    write("npy", "version-3", npy("<f4", "1,", bytes(4), version=3))
    write("npy", "fortran", npy("<f4", "1,", bytes(4), order=True))
    header = b'{"shape" : (1L,) ,"descr":"<f4","fortran_order":False}'
    write("npy", "other-order", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + bytes(4))


def write_safetensors() -> None:
    mark = {"crc32": "00000000", "writer": "castnet"}
    write("safetensors", "none", tensors({}, {}))
    write("safetensors", "plain", tensors({"format": "pt"}, {"a/kernel": [2, 1], "a/bias": [1]}))
    write("safetensors", "own", tensors(mark | {"layers": "a \"b\"\nc"}, {"loss": [], "none": [0], "a": [1, 2]}))
    write("safetensors", "lost-checksum", tensors({"writer": "castnet"}, {"a": [1]}))

    def entry(name: str = "a", kind: str = "F32", shape: str = "[1]", offsets: str = "[0,4]", more: str = "") -> str:
        return f'"{name}":{{"dtype":"{kind}","shape":{shape},"data_offsets":{offsets}{more}}}'

    mistakes = [entry(kind="F16"), entry(shape="[-1]"), entry(shape="[1.0]"), entry(shape="[[1]]"), entry(shape="[" + "1," * 32 + "1]"),
                entry(shape="[4398046511105,4194304,1048576]"), entry(offsets="[0]"), entry(offsets="[4,0]"), entry(offsets="[0,4,8]"),
                entry(offsets="[4,8]"), entry() + "," + entry(), entry() + "," + entry("b"), entry(more=',"shape":[1]'),
                entry(more=',"other":{}'), '"a":1', '"\\u0000\\n":null', '"__metadata__":{"a":1}', '"__metadata__":{"a":"1","a":"2"}',
                '"__metadata__":{},"__metadata__":{}']
    for number, text in enumerate(mistakes):
        write("safetensors", f"mistake-{number}", safetensors("{" + text + "}", bytes(4)))
    write("safetensors", "space-around", safetensors(" \t\r\n{" + entry() + "} \t\r\n", bytes(4)))
    write("safetensors", "nul-after", safetensors("{" + entry() + "}\0}", bytes(4)))
    write("safetensors", "deep", safetensors("[" * 500, b""))
    write("safetensors", "huge-header", b"\xff" * 8)


def write_checkpoints() -> None:
    weights = {"conv2d/kernel": [1, 1, 1, 2], "conv2d/bias": [2], "last/kernel": [1, 1, 1, 2], "last/bias": [1]}
    state = {"step": "7", "epoch": "1", "image": "3", "weighted_loss": "0.5", "shuffle": "18446744073709551615", "best_epoch": "0",
             "best_loss": "0"}
    mark = {"crc32": "00000000", "writer": "castnet", "network": "fuzz"}
    layers = ["conv2d filters=2 kernel=1x1 stride=1x1 padding=valid activation= l2=0 name=conv2d",
              "conv2d_transpose filters=1 kernel=1x1 stride=1x1 padding=valid activation= l2=0 name=last"]
    architecture = {"input": "1x2x1", "encoder_layers": "1", "layers": "\n".join(layers)}
    data = {"data path": "/data", "data images": "65", "data checksum": "4294967295"}
    moments = {f"adam/{moment}/{name}": shape for moment, (name, shape) in itertools.product("mv", weights.items())}
    best = {f"best/{name}": shape for name, shape in weights.items()}
    write("checkpoint", "sound", tensors(mark | state | {"option epochs": "4"}, weights | moments))
    write("checkpoint", "tells-all", tensors(mark | state | architecture | data, weights | moments))
    earlier = {"layers": "conv2d filters=2 kernel=1\nconv2d_transpose filters=1 kernel=1 name=last"}
    write("checkpoint", "earlier-text", tensors(mark | state | architecture | earlier, weights | moments))
    mistakes = [{"input": "2x1x1"}, {"encoder_layers": "2"}, {"layers": ""}, {"layers": layers[0]},
                {"layers": "\n".join(layers).replace("l2=0", "l2=1")}, {"layers": "\n".join(layers) + "\n l2="}]
    for number, mistake in enumerate(mistakes):
        write("checkpoint", f"architecture-{number}", tensors(mark | state | architecture | mistake, weights | moments))
    for number, mistake in enumerate([{"data images": "-1"}, {"data checksum": "4294967296"}, {"data checksum": "x"}]):
        write("checkpoint", f"data-{number}", tensors(mark | state | data | mistake, weights | moments))
    write("checkpoint", "best", tensors(mark | state, weights | moments | best))
    write("checkpoint", "best-misses-one", tensors(mark | state, weights | moments | {"best/conv2d/bias": [2]}))
    write("checkpoint", "best-of-another-shape", tensors(mark | state, weights | moments | best | {"best/last/bias": [3]}))
    write("checkpoint", "model", tensors(mark, weights))
    write("checkpoint", "of-keras", tensors({}, weights))
    write("checkpoint", "of-another-network", tensors(mark | {"network": "other\n"}, weights))
    numbers = [("epoch", "-1"), ("epoch", "2147483648"), ("weighted_loss", "nan"), ("weighted_loss", "1e999"), ("step", "1 "),
               ("image", ""), ("shuffle", "18446744073709551616")]
    for number, (key, value) in enumerate(numbers):
        write("checkpoint", f"number-{number}", tensors(mark | state | {key: value}, weights | moments))


def write_png() -> None:
    palette = chunk(b"PLTE", bytes(range(12)))
    files = {
        "grey": png(0, 8, 3), "bits": png(0, 1, 1), "grey-16": png(0, 16, 6), "rgb": png(2, 8, 9), "rgb-16": png(2, 16, 18),
        "palette": png(3, 2, 1, palette), "grey-alpha": png(4, 8, 6),
        "transparent-palette": png(3, 8, 3, palette + chunk(b"tRNS", b"\0\x80")),
        "rgba": png(6, 8, 12), "rgba-16": png(6, 16, 24), "interlaced": png(2, 8, 9, interlaced=1),
        "gamma": png(2, 8, 9, chunk(b"gAMA", b"\0\0\xb1\x8f")),
        "text": png(0, 8, 3, chunk(b"tEXt", b"a\0b") + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(500_000)))),
        "profile": png(2, 8, 9, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(500_000)))), "colours": png(2, 8, 9, chunk(b"sRGB", b"\0")),
        "vast": png(0, 8, 3, size=(2**31 - 1, 2**31 - 1)), "other-size": png(0, 8, 3, size=(2, 3)),
    }
    for name, data in files.items():
        write("png", name, data)


def write_language() -> None:
    """Every key in every form, and a network that mends itself by each kind of change."""
    layers = ["conv2d filters=4 kernel=3 stride=2 padding=same activation=relu l2=1e-3 name=first", "conv2d filters=2 kernel=2x3 padding=1",
              "conv2d_transpose filters=1 kernel=3 stride=2 padding=same output=25x25", "conv2d filters=1 kernel=3x4 padding=0,1,2,1",
              "conv2d_transpose filters=3 kernel=4 stride=2 padding=1x2 activation=softmax", "conv2d filters=1 kernel=1 activation=leaky_relu(0.1)"]
    for number, pair in enumerate(itertools.product(layers, repeat=2)):
        text = "# a comment\ninput 25x25x1\nencoder\n  {}\ndecoder\n  {} # another\n".format(*pair)
        write("language", f"pair-{number}", text.encode())
    down, up = "conv2d filters=1 kernel=3 stride=2 padding=same\n", "conv2d_transpose filters=1 kernel=3 stride=2 padding=same\n"
    write("language", "mirrored", f"input 25x25x1\nencoder\n{down * 3}decoder\n{up * 3}".encode())
    write("language", "sound", f"input 8x8x1\nencoder\n{down * 3}decoder\n{up * 3}".encode())
    write("language", "dense", b"input 6x5x2\nencoder\nconv2d filters=4 kernel=3 activation=softmax\ndense units=20 activation=elu(0.5)\n"
          b"reshape 2x5x2\nflatten\ndecoder\ndense units=60\nreshape 6x5x2\n")
    write("language", "unshaped", b"input 6x5x2\nencoder\ndense units=3\ndecoder\ndense units=7\nreshape 1x7x1\n")
    write("language", "long", ("input 1x1x1\nencoder\n" + "conv2d filters=1 kernel=1\n" * 40).encode())


write_idx()
write_language()
write_npy()
write_safetensors()
write_checkpoints()
write_png()
