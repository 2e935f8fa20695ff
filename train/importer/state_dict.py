"""Reads the weights that PyTorch saved, by torch.save() or as safetensors, without PyTorch and without running anything of the file."""
from __future__ import annotations

import io
import json
import pathlib
import pickle

import numpy as np
from archive import Archive
from refusal import Refusal

STORAGES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bf16", "LongStorage": "<i8", "IntStorage": "<i4",
            "ShortStorage": "<i2", "CharStorage": "<i1", "ByteStorage": "<u1", "BoolStorage": "?"}
SAFETENSORS = {"F32": "<f4", "F64": "<f8", "F16": "<f2", "BF16": "bf16", "I64": "<i8", "I32": "<i4", "U8": "<u1", "BOOL": "?"}


def read_state_dict(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Returns the arrays by name. Throws Refusal."""
    with open(path, "rb") as file:
        zipped = file.read(2) == b"PK"
    state = read_pickle(Archive(path)) if zipped else read_safetensors(path)
    for key in ("state_dict", "model_state_dict"):  # of checkpoints
        if isinstance(state.get(key), dict):
            state = state[key]
    arrays = {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, np.ndarray)}
    if not arrays:
        raise Refusal("holds no weights by name; save model.state_dict()")
    return arrays


def numbers(data: bytes, kind: str) -> np.ndarray:
    if kind != "bf16":
        return np.frombuffer(data, kind)
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


class Dictionary(dict):
    """Stands for OrderedDict, to which torch.save() adds attributes."""


class Unpickler(pickle.Unpickler):
    """Knows what a state_dict consists of. Anything else that a file names is refused before it is looked up."""

    def __init__(self, archive: Archive, folder: str):
        super().__init__(io.BytesIO(archive.read(f"{folder}/data.pkl")))
        self.archive, self.folder = archive, folder

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return Dictionary
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return view
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return parameter
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise Refusal(f"holds a {module}.{name}, which is no part of a state_dict; save model.state_dict(), not the model")

    def persistent_load(self, identity) -> np.ndarray:
        _, kind, key, _, _ = identity
        return numbers(self.archive.read(f"{self.folder}/data/{key}"), kind)


def view(storage: np.ndarray, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_) -> np.ndarray:
    """Returns the part of a storage that a tensor shows."""
    sound = len(shape) == len(strides) and all(type(n) is int and n >= 0 for n in (offset, *shape, *strides))
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides)) if sound and all(shape) else offset
    if not sound or last >= max(1, storage.size) or int(np.prod(shape, dtype=object)) > storage.size:
        raise Refusal(f"holds a tensor of shape {shape} that is larger than its storage; is it a whole file?")
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [step * storage.itemsize for step in strides]).copy()


def parameter(data: np.ndarray, *_) -> np.ndarray:
    return data


def read_pickle(archive: Archive) -> dict:
    folder = next((name[:-len("/data.pkl")] for name in archive.names if name.endswith("/data.pkl")), None)
    if folder is None:
        raise Refusal("is no file of torch.save(); save model.state_dict()")
    if f"{folder}/byteorder" in archive.names and archive.read(f"{folder}/byteorder") != b"little":
        raise Refusal("holds numbers of another byte order; save it on the usual kind of machine")
    state = Unpickler(archive, folder).load()
    if not isinstance(state, dict):
        raise Refusal("holds no state_dict; save model.state_dict()")
    return state


def read_safetensors(path: pathlib.Path) -> dict:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    if size > len(data) - 8:
        raise Refusal("is neither a zip file of torch.save() nor a safetensors file; save model.state_dict()")
    header, body = json.loads(data[8:8 + size]), data[8 + size:]
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if not 0 <= begin <= end <= len(body):
            raise Refusal(f"holds {name} beyond its end; is it a whole file?")
        if entry["dtype"] in SAFETENSORS:
            arrays[name] = numbers(body[begin:end], SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
    return arrays
