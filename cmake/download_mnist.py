"""Downloads MNIST's four files into a folder: python3 download_mnist.py FOLDER. Keeps files that are there and intact."""
import hashlib
import os
import pathlib
import sys
import urllib.request

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def is_sound(data: bytes, name: str) -> bool:
    return hashlib.sha256(data).hexdigest() == SHA256[name]


def download(name: str, folder: pathlib.Path) -> bool:
    for mirror in MIRRORS:
        try:
            with urllib.request.urlopen(mirror + name, timeout=20) as response:
                data = response.read()
        except OSError as error:
            print(f"warning: {mirror}{name}: {error}", file=sys.stderr)
            continue
        if not is_sound(data, name):
            print(f"warning: {mirror}{name}: is not the published file (SHA-256)", file=sys.stderr)
            continue
        temporary = folder / f"{name}.{os.getpid()}.tmp"
        temporary.write_bytes(data)
        temporary.replace(folder / name)
        return True
    return False


def main() -> int:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHA256:
        path = folder / name
        if path.exists() and is_sound(path.read_bytes(), name):
            continue
        if not download(name, folder):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
