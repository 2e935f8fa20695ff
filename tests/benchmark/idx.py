"""Reads MNIST's files into NumPy arrays."""
import gzip
import pathlib

import numpy as np


def read_idx(folder: pathlib.Path, name: str) -> np.ndarray:
    path = folder / name
    data = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_images(folder: pathlib.Path, part: str, classes: tuple[int, ...]) -> np.ndarray:
    """Returns the part's images of these classes, (n, 28, 28, 1), in [0, 1]."""
    images = read_idx(folder, f"{part}-images-idx3-ubyte")[..., None]
    return images[np.isin(read_idx(folder, f"{part}-labels-idx1-ubyte"), classes)].astype(np.float32) / np.float32(255)
