"""Tests cmake/bootstrap.sh when something is missing or wrong, in a copy of the tree that CMake configures but never builds."""
import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VENV = ROOT / "build" / "venv"

NETWORK = """input 8x8x1
encoder
  conv2d filters=2 kernel=3
decoder
  conv2d_transpose filters=1 kernel=3
"""
CASTNET = pathlib.Path(os.environ["CASTNET_BIN"]) / "castnet"
# Configures, but does not build: prints the targets and writes programs that print their arguments. The compiler exists already.
FAKE_CMAKE = """#!/bin/sh
[ "$1" = --build ] || exec {cmake} "$@"
folder=$2/bin
shift 3
echo "builds $*${{AUTOTUNE_PIPELINES:+ for $AUTOTUNE_PIPELINES}}"
mkdir -p "$folder"
for target; do
    [ "$target" != castnet ] || continue
    printf '#!/bin/sh\\necho "runs %s $*"\\n' "$target" >"$folder/$target"
    chmod +x "$folder/$target"
done
"""
# Finds the packages in $INSTALLED, or all.
FAKE_DPKG_QUERY = """#!/bin/sh
for package; do :; done
case " ${INSTALLED-$package} " in *" $package "*) printf installed ;; *) exit 1 ;; esac
"""
# Fails if $OFFLINE is set. Downloads nothing.
FAKE_DOWNLOAD = """import os, pathlib, sys
pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
print("downloads MNIST")
sys.exit(1 if os.environ.get("OFFLINE") else 0)
"""


def write_program(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


class Bootstrap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="castnet-bootstrap-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.tree = cls.folder / "tree"
        shutil.copytree(ROOT, cls.tree, ignore=shutil.ignore_patterns("build*", ".*", "runs", "__pycache__"))
        (cls.tree / "cmake" / "download_mnist.py").write_text(FAKE_DOWNLOAD)
        venv = cls.tree / "build" / "venv"
        (venv / "bin").mkdir(parents=True)
        for entry in [*VENV.glob("*"), *VENV.glob("bin/*")]:
            if entry.name not in ("bin", "cmake"):
                (venv / entry.relative_to(VENV)).symlink_to(entry)
        for folder in ("train/onnx", "train/importer", "cmake/autotune"):  # as if they were installed
            kept = venv / f"{pathlib.Path(folder).name}-requirements.txt"
            kept.unlink(missing_ok=True)
            shutil.copy(ROOT / folder / "requirements.txt", kept)
        write_program(venv / "bin" / "cmake", FAKE_CMAKE.format(cmake=VENV / "bin" / "cmake"))
        (cls.tree / "build" / "bin").mkdir()
        (cls.tree / "build" / "bin" / "castnet").symlink_to(CASTNET)
        cls.tools = cls.folder / "tools"
        write_program(cls.tools / "dpkg-query", FAKE_DPKG_QUERY)
        subprocess.run(["cmake", "--preset", "default", "-DBUILD_TESTING=OFF"], cwd=cls.tree, check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"PATH": f"{venv}/bin:{os.environ['PATH']}"})

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def setUp(self):
        self.cache = self.folder / "cache" / self._testMethodName
        self.substitute = self.cache / "castnet" / "fashion-mnist"

    def bootstrap(self, *arguments, status=0, **environment) -> str:
        variables = {"PATH": f"{self.tools}:{os.environ['PATH']}", "HOME": str(self.folder), "XDG_CACHE_HOME": str(self.cache)} | environment
        result = subprocess.run(["/bin/sh", self.tree / "cmake" / "bootstrap.sh", *arguments], cwd=self.folder, env=variables,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(result.returncode, status, result.stdout)
        return result.stdout

    def write_network(self, name: str, text: str = NETWORK) -> str:
        """Writes into a folder with a space in its name."""
        path = self.folder / "my networks" / f"{name}.castnet"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path.relative_to(self.folder))

    # Bad networks.

    def test_mistake_in_a_network_is_its_line_alone_before_the_rest_is_built(self):
        file = self.write_network("mine", NETWORK.replace("kernel=3", "kernel=9"))
        output = self.bootstrap("train", file, status=1, CASTNET_DATA=".")
        self.assertEqual(output.splitlines()[1:], ["-- building", "builds castnet",
                                                   f"{self.folder / file}:3: error: the kernel's height 9 is larger than the input's 8; it may be at most 8 here"])

    def test_a_file_that_is_no_networks_is_said_before_anything_else(self):
        (self.folder / "mine.cmake").write_text("castnet_add_network(mine.castnet)\n")
        for file, reason in (("mine.cmake", "mine.cmake: is no network's text; it is called NAME.castnet"),
                             ("nowhere.castnet", "nowhere.castnet: there is no such file; give the texts of networks, NAME.castnet")):
            self.assertEqual(self.bootstrap("train", file, status=1, CASTNET_DATA="."), f"error: {reason}\n")

    def test_a_name_that_is_taken_or_none_is_said_before_the_build(self):
        for name in ("My-Network", "castnet", "two words"):
            output = self.bootstrap("train", self.write_network(name), status=1, CASTNET_DATA=".")
            self.assertEqual(output.splitlines()[1:], [f"error: {self.folder}/my networks/{name}.castnet: the name {name} is taken or not allowed; "
                                                       "rename the file, with small letters, digits and _"])

    def test_what_cmake_cannot_configure_ends_with_the_log(self):
        lists = self.tree / "CMakeLists.txt"
        sound = lists.read_text()
        try:
            for text, reason in (("project(", "End of file reached"), ("castnet_add_net(mine)", 'Unknown CMake command "castnet_add_net"'),
                                 ("message(FATAL_ERROR mine)", "mine"), ('set(a "b)', "unterminated")):
                lists.write_text(f"{sound}{text}\n")
                output = self.bootstrap("build", status=1)
                self.assertIn(reason, output)
                lines = output.splitlines()
                self.assertLessEqual(len(lines), 22)
                self.assertEqual(lines[-1], f"error: CMake could not configure; the lines above are the end of {self.tree}/build/configure.log")
        finally:
            lists.write_text(sound)

    def test_a_package_that_cannot_be_installed_ends_with_the_log(self):
        output = self.bootstrap("install", "--", "--prefix", "/proc/castnet", status=1)
        self.assertIn("CMake Error", output)
        self.assertTrue(output.endswith(f"error: the package could not be installed; the lines above are the end of {self.tree}/build/install.log\n"))

    # What is built and run.

    def test_each_network_has_programs(self):
        files = [self.write_network(name) for name in ("one", "two")]
        output = self.bootstrap("train", *files, "--", "--epochs", "2", CASTNET_DATA=".")
        self.assertIn("builds train-one explore-one train-two explore-two\nruns train-one --epochs 2\nruns train-two --epochs 2\n", output)
        self.assertIn("builds autotune-one autotune-two\n", self.bootstrap("autotune", *files))

    def test_without_network_files_it_is_the_default_network(self):
        self.assertIn("builds train explore\nruns train \n", self.bootstrap("train", CASTNET_DATA="."))
        self.assertIn("builds autotune\n", self.bootstrap("autotune"))
        self.assertIn("builds autotune for conv2d_1-forward,conv2d-forward\n", self.bootstrap("autotune", "--", "conv2d_1-forward", "conv2d-forward"))
        self.assertIn("builds benchmark_pipelines\n", self.bootstrap("build", "--", "benchmark_pipelines"))
        self.assertIn("builds all\n", self.bootstrap("build"))

    @unittest.skipUnless(any(VENV.glob("lib/python3*/site-packages/h5py")), "cmake/bootstrap.sh test has not installed h5py")
    def test_import_reads_a_model_beside_its_options(self):
        shutil.copy(ROOT / "tests" / "importer" / "samples" / "basic.keras", self.folder / "my model.keras")
        output = self.bootstrap("import", "my model.keras", "--", "--name", "mine", "--output", "my networks")
        self.assertIn("builds castnet\nwrote my networks/mine.castnet: ", output)
        self.assertNotIn("downloads", output)
        self.assertIn("mine.castnet: give a file .keras", self.bootstrap("import", self.write_network("mine"), status=1))
        self.assertEqual(self.bootstrap("import", "nowhere.keras", status=1, INSTALLED=""),
                         "error: nowhere.keras: there is no such file; give a model that Keras saved, or an ONNX graph\n")

    # Pages.

    def write_mnist(self, *names: str) -> pathlib.Path:
        folder = self.folder / "mnist" / self._testMethodName
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_text(name)
        return folder

    def test_page_comes_with_images_that_fit_it(self):
        names = [f"{part}-ubyte" for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")]
        folder = self.write_mnist(*names[:2], *(f"{name}.gz" for name in names[2:]))
        output = self.bootstrap("page", CASTNET_DATA=str(folder))
        self.assertIn("builds page-mnist_cae\n", output)
        self.assertTrue(output.endswith("-- made build/page/mnist_cae; to see it: python3 -m http.server --directory build/page/mnist_cae\n"))
        data = self.tree / "build" / "page" / "mnist_cae" / "data"
        self.assertEqual(sorted(file.name for file in data.iterdir()), sorted(f"{name}.gz" for name in names))
        self.assertEqual(gzip.decompress((data / f"{names[0]}.gz").read_bytes()), names[0].encode())
        self.assertEqual((data / f"{names[2]}.gz").read_text(), f"{names[2]}.gz")

    def test_page_of_another_shape_asks_for_no_images(self):
        output = self.bootstrap("page", self.write_network("one"), self.write_network("two"))
        self.assertIn("builds page-one\n", output)
        self.assertIn("builds page-two\n", output)
        self.assertNotIn("downloads", output)
        self.assertIn("downloads", self.bootstrap("page"))

    def test_page_without_images_says_so(self):
        folder = self.write_mnist()
        self.assertIn(f"-- the page has no images of its own: there is no train-images-idx3-ubyte in {folder}\n", self.bootstrap("page", CASTNET_DATA=str(folder)))
        folder = self.write_mnist("train-images-idx3-ubyte")
        self.assertIn(f"error: {folder}: has no train-labels-idx1-ubyte; give all four files of MNIST's names\n",
                      self.bootstrap("page", CASTNET_DATA=str(folder), status=1))

    def test_page_has_no_options(self):
        self.assertEqual(self.bootstrap("page", "--", "--epochs", "2", status=1),
                         "error: --epochs: page has no options; give it the texts of networks alone\n")

    # Missing tools and packages.

    def test_missing_packages_are_told_in_one_line_that_can_be_run(self):
        bare = self.folder / "bare"  # no sudo
        bare.mkdir()
        for tool in ("dirname", "sh"):
            (bare / tool).symlink_to(shutil.which(tool))
        shutil.copy(self.tools / "dpkg-query", bare)
        write_program(bare / "apt-get", "#!/bin/sh\necho must not run\n")
        write_program(bare / "id", "#!/bin/sh\necho 1000\n")
        output = self.bootstrap("build", status=1, PATH=str(bare), INSTALLED="g++ python3")
        self.assertRegex(output, r"^error: packages are missing and could not be installed; as root run: "
                                 r"apt-get update && apt-get install --yes --no-install-recommends python3-venv [a-z0-9 -]+\n$")

    def test_missing_data_is_found_before_anything_else(self):
        for arguments, environment in ((("--", "--data", "mistyped"), {}), (("--", "--epochs", "1", "--data=mistyped"), {"CASTNET_DATA": "."}),
                                       ((), {"CASTNET_DATA": "mistyped"})):
            output = self.bootstrap("train", *arguments, status=1, INSTALLED="", **environment)
            self.assertEqual(output, "error: mistyped: there is no such file or folder; give data of your own by --data or CASTNET_DATA\n")

    def test_data_that_cannot_be_had_is_found_before_the_build(self):
        write_program(self.tools / "apt-get", "#!/bin/sh\nexit 1\n")
        try:
            packages = "g++ python3 python3-venv ca-certificates doctest-dev libcli11-dev libfmt-dev libpng-dev nlohmann-json3-dev zlib1g-dev"
            output = self.bootstrap("train", status=1, OFFLINE="1", INSTALLED=packages)
        finally:
            (self.tools / "apt-get").unlink()
        self.assertIn("error: MNIST could not be downloaded; give data of your own by --data or CASTNET_DATA, or as root run: "
                      "apt-get update && apt-get install --yes --no-install-recommends dataset-fashion-mnist\n", output)
        self.assertNotIn("configuring", output)

    # Where the data comes from.

    def test_what_takes_mnists_place_stays_where_the_programs_look_until_mnist_comes(self):
        for _ in range(2):
            self.bootstrap("train", OFFLINE="1")
            self.assertEqual(os.readlink(self.substitute), "/usr/share/datasets/fashion-mnist")
        self.assertIn("-- MNIST is there now, and takes the place of Fashion-MNIST\n", self.bootstrap("train"))
        self.assertFalse(self.substitute.is_symlink())
        self.assertNotIn("takes the place", self.bootstrap("train"))

    def test_nothing_is_downloaded_that_nobody_needs(self):
        for arguments in (["--data", "."], ["--data=."], ["--resume"], ["--epochs", "1", "--help"]):
            self.assertNotIn("downloads", self.bootstrap("train", "--", *arguments))
        self.assertNotIn("downloads", self.bootstrap("train", CASTNET_DATA="."))
        self.assertNotIn("downloads", self.bootstrap("build"))
        self.assertIn("downloads", self.bootstrap("train", "--", "--epochs", "1"))


if __name__ == "__main__":
    if not VENV.is_dir():
        print("skipped: cmake/bootstrap.sh has not made build/venv")
        sys.exit(77)
    unittest.main(verbosity=2)
