"""Trains on data larger than memory: sparse files, which take no room on the disk."""
import errno
import os
import pathlib
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from image_files import idx_header, npy_header

BIN = pathlib.Path(os.environ["CASTNET_BIN"])
IMAGE = 28 * 28
MIB = 1 << 20


class Large(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="castnet-large-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def write(self, name: str, header: bytes, data_size: int) -> pathlib.Path:
        """Writes a header, and zeros behind it."""
        file = self.folder / name
        file.write_bytes(header)
        try:
            os.truncate(file, len(header) + data_size)
        except OSError as error:
            if error.errno not in (errno.EFBIG, errno.ENOSPC, errno.EINVAL):
                raise
            self.skipTest(f"the disk takes no sparse file of {data_size} bytes")
        return file

    def start(self, data: pathlib.Path, *options: str) -> subprocess.Popen:
        return subprocess.Popen([BIN / "train", "--data", data, "--no-figures", "--run-dir", self.folder / "run", *options], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def train(self, data: pathlib.Path, *options: str, status: int = 0) -> str:
        process = self.start(data, *options)
        out, err = process.communicate()
        self.assertEqual(process.returncode, status, out + err)
        return out if status == 0 else err

    def test_twenty_gigabytes_take_less_than_half_a_gigabyte_of_memory(self):
        size = 20 * 10**9
        for name, header, image_size in (("floats.npy", npy_header((size // (4 * IMAGE), 28, 28), "<f4"), 4 * IMAGE), ("bytes.npy", npy_header((size // IMAGE, 28, 28), "|u1"), IMAGE),
                                         ("bytes-idx3-ubyte", idx_header((size // IMAGE, 28, 28)), IMAGE)):
            data = self.write(name, header, size // image_size * image_size)
            output = self.train(data, "--time-limit", "2")
            self.assertRegex(output, rf"{size // image_size} images .*\n.*stopped in epoch 1 after [1-9]\d* of {size // image_size} images")
            self.assertRegex(self.train(data, "--resume", "--time-limit", "2"), r"stopped in epoch 1 after [1-9]\d* of")
            self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, 500 * 1000)  # kB, of the largest so far
            data.unlink()

    def test_a_file_that_becomes_shorter_ends_the_run_in_one_line(self):
        header = npy_header((400 * MIB // IMAGE, 28, 28), "|u1")
        data = self.write("images.npy", header, 400 * MIB // IMAGE * IMAGE)
        process = self.start(data, "--epochs", "9999")
        while not (self.folder / "run" / "checkpoint.safetensors").exists():
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        os.truncate(data, len(header))
        _, err = process.communicate()
        self.assertEqual(process.returncode, 1)
        self.assertEqual(err, f"error: {data}: cannot be read any more, as it became shorter or its disk failed; mend it, and continue with --resume\n")
        self.assertIn("holds 0 bytes of data where its shape needs", self.train(data, "--resume", status=1))
        os.truncate(data, len(header) + 400 * MIB // IMAGE * IMAGE)
        self.assertIn("stopped in epoch 1", self.train(data, "--resume", "--time-limit", "1"))

    def test_a_number_that_is_not_finite_is_named_where_training_meets_it(self):
        images = 300 * MIB // (4 * IMAGE)
        header = npy_header((images, 28, 28), "<f4")
        data = self.write("images.npy", header, images * 4 * IMAGE)
        looked_at = range(0, images, images // 4096)
        with data.open("r+b") as file:
            for image in range(images):
                if image not in looked_at:
                    file.seek(len(header) + 4 * (image * IMAGE + 28 + 3))
                    file.write(struct.pack("<f", float("nan")))
        error = self.train(data, status=1)
        self.assertRegex(error, rf"\Aerror: {re.escape(str(data))}: image \d+ holds nan at row 1, column 3, channel 0; give finite numbers\n\Z")
        with data.open("r+b") as file:  # and where all images are looked at
            file.seek(len(header))
            file.write(struct.pack("<f", float("inf")))
        self.assertIn("image 0 holds inf at row 0, column 0", self.train(data, status=1))

    def test_sizes_that_do_not_fit_are_refused(self):
        size = 300 * MIB // IMAGE * IMAGE
        for name, header, beyond, reason in (("a.npy", npy_header((size // IMAGE, 28, 28), "|u1"), 1, f"holds {size + 1} bytes of data where its shape needs {size}"),
                                             ("b.npy", npy_header((size // IMAGE, 28, 28), "|u1"), -1, f"holds {size - 1} bytes of data where its shape needs {size}"),
                                             ("c-idx3-ubyte", idx_header((size // IMAGE, 28, 28)), 1, "goes on after its data"),
                                             ("d-idx3-ubyte", idx_header((size // IMAGE, 28, 28)), -1, f"ends before its {size} bytes of data")):
            self.assertIn(reason, self.train(self.write(name, header, size + beyond), status=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
