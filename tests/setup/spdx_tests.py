"""Checks that the build's list of dependencies is complete, and that a missing licence is an error."""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = pathlib.Path(sys.argv.pop())
sys.path.insert(0, str(ROOT / "cmake"))
import spdx  # noqa: E402


class SupplyChain(unittest.TestCase):
    def setUp(self):
        self.document = json.loads(LIST.read_text())
        self.packages = {package["name"]: package for package in self.document["packages"]}

    def test_what_is_pinned_is_listed_with_its_hashes(self):
        for file in spdx.requirement_files(ROOT):
            for name, version in re.findall(r"^([\w-]+)==([\w.]+)", file.read_text(), re.MULTILINE):
                self.assertEqual(self.packages[name]["versionInfo"], version)
                self.assertTrue(self.packages[name]["checksums"], name)

    def test_packages_of_the_distribution_are_listed(self):
        for name in ("g++", "zlib1g-dev", "libpng-dev", "nlohmann-json3-dev", "clang-tidy", "gnuplot-nox"):
            self.assertIn(name, self.packages)

    def test_llvm_is_the_one_in_halide(self):
        for library in ROOT.glob("build/venv/lib/python3*/site-packages/halide/lib64/libHalide.so"):
            self.assertIn(b"LLVM" + self.packages["llvm"]["versionInfo"].encode(), library.read_bytes())

    def test_relations_and_names_are_sound(self):
        names = {package["SPDXID"] for package in self.document["packages"]} | {"SPDXRef-DOCUMENT"}
        self.assertEqual(len(names), len(self.packages) + 1)
        for name in names:
            self.assertRegex(name, r"^SPDXRef-[a-zA-Z0-9.-]+$")
        for relation in self.document["relationships"]:
            self.assertIn(relation["relatedSpdxElement"], names)

    def test_dependency_without_a_licence_stops_the_build(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "cmake").mkdir()
            shutil.copy(ROOT / "cmake" / "bootstrap.sh", root / "cmake")
            (root / "requirements.txt").write_text("leftpad==1.0 --hash=sha256:" + 64 * "0" + "\n")
            with self.assertRaises(SystemExit) as stop:
                spdx.document(root, "1")
            self.assertIn("no licence is known of leftpad", str(stop.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
