"""Writes what an import makes: NAME.castnet, which the compiler has checked, and NAME.safetensors; both or neither."""
from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import tempfile

import numpy as np
from chain import Layer
from refusal import Refusal, cannot_be_cast


def describe(castnet: pathlib.Path, name: str, text: str, layers: list[Layer | None]) -> dict:
    """Returns what the compiler says of the text. Throws Refusal with the layer that it refuses."""
    with tempfile.TemporaryDirectory(prefix="castnet-import-") as folder:
        file = pathlib.Path(folder) / f"{name}.castnet"
        file.write_text(text)
        result = subprocess.run([castnet, "describe", "--json", file], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return json.loads(result.stdout)
    place = re.search(r"castnet:(?:(\d+):)? error: (.*)", result.stderr)
    if place is None:
        raise Refusal(f"the compiler says: {result.stderr.strip().splitlines()[-1] if result.stderr.strip() else 'nothing'}")
    line, what = int(place[1] or 0), place[2]
    layer = layers[line - 1] if 0 < line <= len(layers) else None
    if layer is not None:
        raise cannot_be_cast(layer.source, what)
    raise Refusal(what if line else f"{what}; choose a name with -- --name")


def model_bytes(described: dict, layers: list[Layer]) -> bytes:
    """Returns a model's file in safetensors: Keras's names and layouts, and the network in the metadata."""
    arrays = {}
    for layer in layers:
        if layer.kernel is not None:
            arrays |= {f"{layer.name}/kernel": layer.kernel, f"{layer.name}/bias": layer.bias}
    arrays = {name: np.ascontiguousarray(array, "<f4") for name, array in arrays.items()}
    for name, array in arrays.items():
        if not np.all(np.isfinite(array)):
            raise Refusal(f"{name} holds infinite or NaN numbers; give a model whose training went well")
    shape = "x".join(map(str, described["input"]))
    header: dict = {"__metadata__": {"network": described["name"], "input": shape, "encoder_layers": str(described["encoder_layers"]), "loss": described["loss"],
                                     "layers": "\n".join(layer["text"] for layer in described["layers"])}}
    offset = 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for array in arrays.values())


def write_files(files: dict[pathlib.Path, bytes], force: bool) -> None:
    """Writes whole files or none. Throws Refusal, also where a file exists that differs."""
    for path, contents in files.items():
        if not force and path.exists() and (not path.is_file() or path.read_bytes() != contents):
            raise Refusal(f"{path} exists already and differs; move it away, choose a folder with --output, or replace it with --force")
    unfinished = {path: path.with_name(f"{path.name}.{os.getpid()}.tmp") for path in files}
    try:
        for path, contents in files.items():
            with open(unfinished[path], "wb") as file:
                file.write(contents)
                file.flush()
                os.fsync(file.fileno())
        for path in files:
            os.replace(unfinished[path], path)
    except OSError as error:
        raise Refusal(f"{error.filename}: cannot be written ({error.strerror}); check the folder") from error
    finally:
        for path in unfinished.values():
            path.unlink(missing_ok=True)
