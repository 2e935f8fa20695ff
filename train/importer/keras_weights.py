"""Finds a layer's weights in Keras's HDF5 files. Nothing outside the file is ever opened, whatever the file says."""
from __future__ import annotations

import h5py
import numpy as np
from refusal import Refusal


def array_of(group: h5py.Group, path: str) -> np.ndarray:
    """Returns a whole array that lies in the file itself. Throws Refusal."""
    parts = [part for part in path.split("/") if part]
    for i, part in enumerate(parts):
        link = group.get(part, getlink=True)
        if link is None:
            raise Refusal(f"holds no weights {path}; is it a whole file?")
        if not isinstance(link, h5py.HardLink):
            raise Refusal(f"holds a link to elsewhere where the weights {path} should be; give the file as Keras saved it")
        group = group[part]
        if not isinstance(group, h5py.Group if i < len(parts) - 1 else h5py.Dataset):
            raise Refusal(f"holds something else where the weights {path} should be; give the file as Keras saved it")
    if group.external or group.is_virtual or group.chunks or group.dtype.kind != "f":
        raise Refusal(f"holds the weights {path} in a form that Keras does not write; give the file as Keras saved it")
    if group.nbytes > group.id.get_storage_size():
        raise Refusal(f"holds less of the weights {path} than their shape {group.shape} needs; is it a whole file?")
    return group[()].astype(np.float32)


class ArchivedWeights:
    """Of a .keras file: layers/NAME/layers/NAME/vars/0, with names of classes; in Keras 2 the first word differs."""

    def __init__(self, file: h5py.File):
        self.file = file
        self.layers = next((name for name in ("layers", "_layer_checkpoint_dependencies") if name in file), "layers")

    def read(self, place: tuple[str, ...], _name: str, kinds: list[str]) -> dict[str, np.ndarray]:
        folder = "/".join(f"{self.layers}/{name}" for name in place) + "/vars"
        return {kind: array_of(self.file, f"{folder}/{i}") for i, kind in enumerate(kinds)}


class LegacyWeights:
    """Of a .h5 file: a group for each layer, whose attribute weight_names lists paths that end in LAYER/kernel or LAYER/kernel:0."""

    def __init__(self, file: h5py.File):
        self.paths: dict[tuple[str, str], str] = {}
        self.file = file
        for group in file["model_weights"]:
            for name in file["model_weights"][group].attrs.get("weight_names", []):
                text = name.decode() if isinstance(name, bytes) else str(name)
                layer, kind = ("", *text.split(":")[0].split("/"))[-2:]
                if (layer, kind) in self.paths:
                    raise Refusal(f"holds two layers {layer}; give them different names, or save the model as a .keras file")
                self.paths[layer, kind] = f"model_weights/{group}/{text}"

    def read(self, _place: tuple[str, ...], name: str, kinds: list[str]) -> dict[str, np.ndarray]:
        return {kind: array_of(self.file, self.paths.get((name, kind), f"{name}/{kind}")) for kind in kinds}
