"""Imports a model of Keras, or an ONNX graph with weights of PyTorch, into Castnet's files.

    python train/importer model.keras
    python train/importer graph.onnx [weights.pt]

Castnet's own train and explore read what it writes. Nothing of the files is run.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import re
import resource
import sys

sys.dont_write_bytecode = True
try:
    from network_text import code_of, name_layers, network_text
    from keras_file import read_keras
    from onnx_file import read_onnx
    from output import describe, model_bytes, write_files
    from refusal import Refusal
    from state_dict import read_state_dict
except ImportError as missing:
    sys.exit(f"error: a library is missing ({missing}); run: sh cmake/bootstrap.sh import")

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECONDS, BYTES = 600, 16 << 30  # for a file; a hostile one may ask for more


def read(files: list[pathlib.Path]):
    """Returns the chain of a model's files. Throws Refusal."""
    first = files[0]
    if first.suffix in (".keras", ".h5", ".hdf5") and len(files) == 1:
        return at(first, read_keras, first)
    if first.suffix == ".onnx" and len(files) <= 2:
        state = at(files[1], read_state_dict, files[1]) if len(files) == 2 else None
        return at(first, read_onnx, first, state)
    raise Refusal(f"{' '.join(map(str, files))}: give a file .keras, .h5 or .onnx, and beside the .onnx the state_dict of PyTorch, if you like")


def at(path: pathlib.Path, reader, *arguments):
    """Returns what the reader makes of a file. Whatever a damaged or hostile file provokes becomes one line."""
    try:
        return reader(*arguments)
    except Refusal as refusal:
        raise Refusal(f"{path}: {refusal}") from None
    except OSError as error:
        raise Refusal(f"{path}: cannot be read ({error.strerror or one_line(error)}); check the file") from None
    except MemoryError:
        raise Refusal(f"{path}: asks for more memory than an import may take; give the file as it was saved") from None
    except Exception as error:
        raise Refusal(f"{path}: is damaged, or of a form that is not known ({type(error).__name__}: {one_line(error)}); save it again") from None


def one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 100 else f"{text[:100]}…"


def name_of(path: pathlib.Path) -> str:
    """Returns the file's name as a network's: of small letters, digits and _."""
    name = re.sub(r"[^a-z0-9_]", "_", path.stem.lower())[:64]
    return name if name[:1].isalpha() else f"network_{name}"[:64]


def convert(options: argparse.Namespace) -> None:
    first = options.files[0]
    chain = read(options.files)
    name = options.name or name_of(first)
    name_layers(chain.layers)
    try:
        encoder = code_of(chain, options.code)
        text, layers = network_text(chain, encoder, f"Imported from {one_line(first.name)}.")
        described = describe(options.castnet, name, text, layers)
        weights = model_bytes(described, chain.layers)
    except Refusal as refusal:
        raise Refusal(f"{first}: {refusal}") from None
    network, model = options.output / f"{name}.castnet", options.output / f"{name}.safetensors"
    write_files({network: text.encode(), model: weights}, options.force)
    for note in chain.notes:
        print(f"note: {note}")
    print(f"wrote {network}: the code is {'x'.join(map(str, described['code']))}, behind {chain.layers[encoder - 1].name}")
    print(f"wrote {model}: {described['parameters']} parameters")
    print(f"to train it further: sh cmake/bootstrap.sh train {network} -- --init {model} --data FOLDER")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="import", description="Imports a trained autoencoder of Keras, or an ONNX graph, into Castnet's files.")
    parser.add_argument("files", type=pathlib.Path, nargs="+", metavar="FILE", help="model.keras, model.h5, or graph.onnx and the weights of PyTorch")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("."), metavar="DIR", help="the folder to write into")
    parser.add_argument("--name", default="", help="the network's name; by default the file's")
    parser.add_argument("--code", default="", metavar="LAYER", help="the encoder's last layer; by default where the fewest numbers pass")
    parser.add_argument("--force", action="store_true", help="replaces files that exist already")
    parser.add_argument("--castnet", type=pathlib.Path, default=ROOT / "build" / "bin" / "castnet", metavar="FILE", help="the compiler")
    return parser.parse_args()


def main() -> int:
    """Imports in a process of its own, so that a crash of a library ends in one line as well."""
    options = parse()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        status = 1
        try:
            convert(options)
            status = 0
        except Refusal as refusal:
            print(f"error: {refusal}", file=sys.stderr)
        except (OSError, MemoryError) as error:
            print(f"error: the import failed ({one_line(error)}); check the folder and the memory", file=sys.stderr)
        sys.stdout.flush()
        os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        print(f"error: {options.files[0]}: the libraries that read it broke down over it (signal {os.WTERMSIG(status)}); is it a whole file?",
              file=sys.stderr)
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
