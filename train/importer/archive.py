"""Reads members of zip files that may be hostile: .keras files, and those of torch.save()."""
import pathlib
import zipfile

from refusal import Refusal

MOST_EXPANSION, SMALLEST_LIMIT = 20, 1 << 20  # trained weights do not shrink so far


class Archive:
    def __init__(self, path: pathlib.Path):
        self.file = zipfile.ZipFile(path)
        self.limit = SMALLEST_LIMIT + MOST_EXPANSION * path.stat().st_size
        self.names = self.file.namelist()

    def read(self, name: str) -> bytes:
        if name not in self.names:
            raise Refusal(f"holds no {name}; is it a whole file of its kind?")
        size = self.file.getinfo(name).file_size
        if size > self.limit:
            raise Refusal(f"would unpack {name} to {size} bytes, which is far more than a model's file holds; give the file as it was saved")
        return self.file.read(name)
