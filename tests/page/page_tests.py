"""Uses pages in headless Chromium as a person would, and compares what they learn with node and with this machine."""
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from browser import MISSING_TOOLS, served, start_browser, webdriver

if webdriver:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from image_files import idx_header, npy_header, png

BUILD = pathlib.Path(os.environ["CASTNET_BUILD"])
PAGES = BUILD / "page"
MISSING = MISSING_TOOLS + ([] if (PAGES / "mnist_cae" / "network.wasm").exists() else ["the pages"])
PATIENCE = 300  # seconds that a busy machine may take for anything
IMAGES, TEST_IMAGES = 332, 60  # of the digits: 10 batches of 32 and one of 12


# What users have: arrays, labels and pictures.

def blob(number: int, label: int) -> bytes:
    """Draws a spot of 28x28 whose place depends on the label and a little on the number."""
    cy, cx = 6 + 16 * (label // 5) + number % 5, 4 + 5 * (label % 5) + number % 3
    return bytes(int(255 / (1 + ((y - cy) ** 2 + (x - cx) ** 2) / 9)) for y in range(28) for x in range(28))


def idx(shape: tuple[int, ...], data: bytes) -> bytes:
    return idx_header(shape) + data


def idx_of(count: int) -> tuple[bytes, bytes]:
    labels = bytes(i % 10 for i in range(count))
    return idx((count, 28, 28), b"".join(blob(i, label) for i, label in enumerate(labels))), idx((count,), labels)


def npy(shape: tuple[int, ...], values, kind: str = "f") -> bytes:
    return npy_header(shape, {"f": "<f4", "d": "<f8", "B": "|u1"}[kind]) + struct.pack(f"<{len(values)}{kind}", *values)


def tensors_of(model: bytes) -> dict[str, bytes]:
    size = struct.unpack_from("<Q", model)[0]
    header = json.loads(model[8:8 + size])
    header.pop("__metadata__")
    return {name: model[8 + size + entry["data_offsets"][0]:8 + size + entry["data_offsets"][1]] for name, entry in header.items()}


@unittest.skipIf(MISSING, f"without {', '.join(MISSING)}")
class Page(unittest.TestCase):
    def setUp(self):
        contexts = contextlib.ExitStack()
        self.addCleanup(contexts.close)
        self.folder = pathlib.Path(contexts.enter_context(tempfile.TemporaryDirectory(prefix="castnet-page-", ignore_cleanup_errors=True)))
        self.site = self.folder / "site"
        self.downloads = self.folder / "downloads"
        shutil.copytree(PAGES / "mnist_cae", self.site, ignore=shutil.ignore_patterns("data"))
        (self.site / "data").mkdir()
        for part, count in (("train", IMAGES), ("t10k", TEST_IMAGES)):
            for kind, content in zip(("images-idx3", "labels-idx1"), idx_of(count), strict=True):
                (self.site / "data" / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(content))
        self.server, self.address = contexts.enter_context(served(self.site))
        self.browser = start_browser(self.folder / "profile", self.downloads)
        self.addCleanup(self.browser.quit)

    # A person's hands and eyes.

    def open(self, address=None):
        self.browser.get(address or self.address)
        self.wait(lambda: self.is_enabled("save"), "the page opens")
        return self

    def find(self, name):
        return self.browser.find_element(By.ID, name)

    def text(self, name):
        return self.find(name).text

    def is_enabled(self, name):
        return self.find(name).is_enabled()

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), end, f"waited for this: {what}; the page says: {self.text('error')} {self.text('status')}")
            time.sleep(0.05)

    def wait_for_error(self, text):
        self.wait(lambda: text in self.text("error"), text)

    def set_number(self, name, number):
        self.find(name).send_keys(Keys.CONTROL, "a")
        self.find(name).send_keys(str(number), Keys.TAB)

    def train(self, epochs):
        """Trains to the end."""
        self.set_number("epochs", epochs)
        self.wait(lambda: self.is_enabled("train"), "there are images")
        self.find("train").click()
        self.wait(lambda: self.text("train") == "Train more", f"{epochs} epochs are done")

    def give(self, *files, to="files"):
        """Chooses files: names and contents."""
        paths = []
        for name, content in files:
            path = self.folder / "given" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            paths.append(str(path))
        self.find(to).send_keys("\n".join(paths))

    def download(self) -> bytes:
        shutil.rmtree(self.downloads, ignore_errors=True)
        file = self.downloads / "mnist_cae.safetensors"
        self.find("save").click()
        self.wait(file.exists, "the download is there")
        return file.read_bytes()

    def pixels(self, name) -> bytes:
        """Returns what a canvas shows."""
        return bytes(self.browser.execute_script(
            "const c = document.getElementById(arguments[0]);"
            "return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data)", name))

    def at(self):
        return [float(number) for number in re.findall(r"-?\d[\d.e+-]*", self.text("place"))]

    def node(self, program, *arguments) -> str:
        result = subprocess.run(["node", HERE / program, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def train_in_node(self, epochs, classes="1,5,6") -> bytes:
        """Trains the page's own scripts and module in node."""
        copy = self.folder / "node"
        if not copy.exists():
            shutil.copytree(self.site, copy)
            (copy / "package.json").write_text('{"type": "module"}')
        self.node("train.mjs", copy, classes, epochs, self.folder / "node.safetensors")
        return (self.folder / "node.safetensors").read_bytes()

    def native(self, program, *arguments) -> str:
        result = subprocess.run([BUILD / "bin" / program, *map(str, arguments)], capture_output=True, text=True, check=False, cwd=self.folder,
                                env=os.environ | {"CASTNET_DATA": str(self.site / "data")})
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def severe_messages(self):
        return [entry["message"] for entry in self.browser.get_log("browser") if entry["level"] == "SEVERE"]

    # The tests.

    def test_it_trains_to_the_end_to_the_weights_of_node(self):
        self.open()
        self.assertIn("51,459 parameters", self.text("about"))
        self.wait(lambda: "100 images" in self.text("count"), "the digits 1, 5 and 6 are chosen")
        before = self.pixels("decoded")
        self.train(3)
        self.assertRegex(self.text("status"), r"^epoch 3 of 3 · loss 0\.\d+$")
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "#pairs canvas")), 16)
        self.assertNotEqual(self.pixels("decoded"), before)
        self.assertEqual(self.download(), self.train_in_node(3))
        self.assertEqual(self.severe_messages(), [])

    def test_choosing_digits_while_it_learns_goes_on_with_these(self):
        self.open()
        self.set_number("epochs", 9999)
        self.find("train").click()
        self.wait(lambda: "images/s" in self.text("status"), "it learns")
        for digit in (5, 6):
            self.browser.execute_script("document.getElementById(arguments[0]).click()", f"class-{digit}")
        self.wait(lambda: "34 images" in self.text("count"), "only the 1 is left")
        self.browser.execute_script("document.getElementById('class-1').click()")
        self.wait_for_error("choose one at least")
        self.assertTrue(self.find("class-1").is_selected())
        self.assertEqual(self.text("train"), "Pause")
        self.find("train").click()
        self.wait(lambda: self.text("train") == "Go on", "it pauses")

    def test_programs_take_its_weights_and_it_takes_theirs(self):
        self.open().train(2)
        ours = self.download()
        (self.folder / "ours.safetensors").write_bytes(ours)
        self.native("train", "--init", "ours.safetensors", "--epochs", 1, "--run-dir", "run", "--no-figures")
        theirs = (self.folder / "run" / "model.safetensors").read_bytes()
        header = struct.unpack_from("<Q", ours)[0]
        hidden = re.compile(rb'"crc32":"\w{8}"')
        self.assertEqual(hidden.sub(b"", ours[:8 + header]), hidden.sub(b"", theirs[:8 + header]))  # what the format has to say
        self.give(("theirs.safetensors", theirs), to="model")
        self.wait(lambda: self.text("status") == "", "a run with these weights begins")
        loaded = tensors_of(self.download())
        for name, values in tensors_of(theirs).items():
            if not name.startswith("self_test/"):
                self.assertEqual(loaded[name], values, name)
        checkpoint = (self.folder / "run" / "checkpoint.safetensors").read_bytes()
        self.give(("checkpoint.safetensors", checkpoint), to="model")
        self.train(1)
        self.assertEqual(self.text("error"), "")

    def test_reload_in_mid_training_goes_on_to_the_same_bits(self):
        self.open()
        self.set_number("epochs", 9999)
        self.find("train").click()
        self.wait(lambda: re.match(r"epoch ([3-9]|\d\d)", self.text("status")), "the third epoch")
        self.browser.refresh()
        self.wait(lambda: self.text("train") == "Go on", "the run is there again")
        self.assertIn("of 9999", self.text("status"))
        epoch = int(re.match(r"epoch (\d+)", self.text("status"))[1])
        self.train(epoch + 1)
        self.assertEqual(self.download(), self.train_in_node(epoch + 1))

    def test_a_second_tab_says_that_it_keeps_nothing(self):
        self.open()
        self.wait(lambda: "after a reload it goes on" in self.text("kept"), "the first tab keeps its run")
        self.browser.switch_to.new_window("tab")
        self.open()
        self.wait(lambda: "Another tab keeps its run" in self.text("kept"), "the second does not")

    def test_plane_follows_pointer_and_keys_at_once(self):
        self.open().train(2)
        places, images = [], []
        plane = self.find("plane")
        for move in (lambda: ActionChains(self.browser).move_to_element_with_offset(plane, 40, 20).click().perform(),
                     lambda: ActionChains(self.browser).move_to_element(plane).click_and_hold().move_by_offset(-60, 30).release().perform(),
                     lambda: plane.send_keys(Keys.ARROW_LEFT), lambda: plane.send_keys(Keys.SHIFT, Keys.ARROW_UP)):
            before = self.at()
            move()
            self.wait(lambda: self.at() != before, "the cross moves")
            places.append(self.at())
            images.append(self.pixels("decoded"))
        self.assertEqual(len(set(images)), len(images))
        (_, _), (x1, y1), (x2, y2), (x3, y3) = places
        self.assertLess(x2, x1)
        self.assertEqual(y2, y1)
        self.assertGreater(y3, y2)
        self.assertEqual(x3, x2)

    def test_keyboard_alone_trains(self):
        self.open()
        self.wait(lambda: self.is_enabled("train"), "there are images")
        active = lambda: self.browser.switch_to.active_element
        body = self.find("train").find_element(By.XPATH, "//body")
        body.send_keys(Keys.TAB)
        for wanted in ("epochs", "train"):
            for _ in range(40):
                if active().get_attribute("id") == wanted:
                    break
                active().send_keys(Keys.TAB if wanted == "epochs" else Keys.SHIFT + Keys.TAB)
            self.assertEqual(active().get_attribute("id"), wanted)
            active().send_keys(*((Keys.CONTROL, "a", Keys.NULL, "1") if wanted == "epochs" else (Keys.ENTER,)))
        self.wait(lambda: self.text("train") == "Train more", "an epoch is done")

    def test_own_files_are_taken_as_the_programs_take_them(self):
        self.open()
        images, labels = idx_of(40)
        pixels = images[16:]
        for files, count, has_classes in (
                ([("a.npy", npy((30, 28, 28), pixels[:30 * 784], "B"))], 30, False),
                ([("b.npy", npy((20, 28, 28, 1), [byte / 255 for byte in pixels[:20 * 784]]))], 20, False),
                ([("c.npy", npy((2, 1, 28, 1, 28), [byte / 255 for byte in pixels[:2 * 784]], "d"))], 2, False),
                ([("d-ubyte", images), ("e-ubyte", labels)], 40, True),
                ([("f.gz", gzip.compress(images))], 40, False),
                ([("1.png", png(28, 28, pixels[:784])), ("2.png", png(28, 28, pixels[784:1568]))], 2, False)):
            self.give(*files)
            self.wait(lambda wanted=f"{count} images to learn from, your own": wanted in self.text("count"), f"{files[0][0]} is taken")
            self.assertEqual(self.find("classes").is_displayed(), has_classes)
            self.assertEqual(self.text("error"), "")
        self.train(2)
        self.browser.refresh()  # and are there again after a reload
        self.wait(lambda: "2 images to learn from, your own" in self.text("count"), "the pictures are there again")
        self.find("own").click()
        self.wait(lambda: "100 images to learn from." in self.text("count"), "the page's images are back")

    def test_a_picture_gives_the_bytes_of_an_array(self):
        self.open()
        pixels = idx_of(40)[0][16:]
        models = []
        for files in ([(f"{i:02}.png", png(28, 28, pixels[784 * i:784 * (i + 1)])) for i in range(40)], [("all.npy", npy((40, 28, 28), pixels, "B"))]):
            self.find("anew").click()
            self.give(*files)
            self.wait(lambda: "40 images" in self.text("count") and self.text("error") == "", "they are taken")
            self.find("anew").click()
            self.train(1)
            models.append(self.download())
        self.assertEqual(*models)

    def test_wrong_files_are_one_line_and_change_nothing(self):
        self.open().train(1)
        before = self.download()
        images, labels = idx_of(10)
        size = struct.unpack_from("<Q", before)[0]
        other = before.replace(b"filters=64", b"filters=65")
        flipped = before[:-9] + bytes([before[-9] ^ 1]) + before[-8:]
        for files, reason in (
                ([("text.txt", b"hello, network")], "text.txt: is no data; give IDX files, .npy or pictures"),
                ([("empty.npy", b"")], "empty.npy: is no data"),
                ([("short-ubyte", images[:-1])], "short-ubyte: ends before its last number; give the whole file"),
                ([("long-ubyte", images + b"x")], "long-ubyte: goes on after its last number"),
                ([("header-ubyte", images[:9])], "header-ubyte: ends in its header"),
                ([("cut.gz", gzip.compress(images)[:-20])], "cut.gz: is damaged, or cut off"),
                ([("small.npy", npy((4, 8, 8), bytes(256), "B"))], "small.npy: holds images of 8x8 where 28x28x1 is needed; give images of that size"),
                ([("none.npy", npy((0, 28, 28), b"", "B"))], "none.npy: holds no image"),
                ([("nan.npy", npy((1, 28, 28), [float("nan")] * 784))], "nan.npy: holds infinite or NaN numbers"),
                ([("complex.npy", npy((1, 28, 28), bytes(784), "B").replace(b"|u1", b"<c8"))], "complex.npy: is an array of another kind"),
                ([("fake.png", b"\x89PNG and no more")], "fake.png: is no picture"),
                ([("large.png", png(32, 32, bytes(1024)))], "large.png: is a picture of 32x32 where 28x28 is needed; scale it to that size"),
                ([("labels-ubyte", labels)], "labels-ubyte: holds labels without images; give both files at once"),
                ([("i-ubyte", images), ("l-ubyte", idx((3,), b"abc"))], "l-ubyte: holds 3 labels for 10 images"),
                ([("flipped.safetensors", flipped)], "flipped.safetensors: is damaged, as its checksum tells"),
                ([("cut.safetensors", before[:size])], "cut.safetensors: is no safetensors file, or ends in its header"),
                ([("none.safetensors", b"")], "none.safetensors: is shorter than a header"),
                ([("other.safetensors", other)], "other.safetensors: is damaged"),
                ([("json.safetensors", struct.pack("<Q", 2) + b"[]")], "json.safetensors: has a header that is not a JSON object"),
                ([("no.safetensors", struct.pack("<Q", 2) + b"{}")], "no.safetensors: holds no conv2d/kernel; give a file of the network mnist_cae")):
            with self.subTest(files[0][0]):
                self.give(*files)
                self.wait_for_error(reason)
        self.assertEqual(self.download(), before)
        self.train(2)
        self.assertEqual(self.download(), self.train_in_node(2))

    def test_images_that_destroy_the_weights_end_the_training_and_a_new_run_begins(self):
        self.open()
        self.give(("huge.npy", npy((40, 28, 28), [1e30] * (40 * 784))))
        self.wait(lambda: "40 images" in self.text("count"), "they are taken")
        self.find("train").click()
        self.wait_for_error("; start over, with other images if it happens again")
        self.assertEqual(self.text("train"), "Train")
        self.find("own").click()
        self.find("anew").click()
        self.train(1)
        self.assertEqual(self.text("error"), "")
        self.assertEqual(self.download(), self.train_in_node(1))

    def test_a_page_without_its_network_says_so(self):
        (self.site / "network.wasm").unlink()
        self.browser.get(self.address)
        self.wait_for_error("network.wasm: the server answered 404; give the page its whole folder")

    def test_weights_of_another_network_are_refused(self):
        self.open()
        self.native("train-test_odd", "--epochs", 1, "--run-dir", "odd", "--no-figures", "--classes", "all", "--data", self.odd_images())
        self.give(("odd.safetensors", (self.folder / "odd" / "model.safetensors").read_bytes()), to="model")
        self.wait_for_error("odd.safetensors: is of another network, which has an input of")

    def odd_images(self):
        description = json.loads(self.native("castnet", "describe", "--json", HERE.parent / "networks" / "test_odd.castnet"))
        shape = description["input"]
        size = shape[0] * shape[1] * shape[2]
        (self.folder / "odd.npy").write_bytes(npy((4, *shape), bytes(i % 251 for i in range(4 * size)), "B"))
        return self.folder / "odd.npy"

    def test_after_the_first_visit_it_works_without_its_server(self):
        self.open()
        self.wait(lambda: self.browser.execute_script("return navigator.serviceWorker.controller !== null"), "its files are kept")
        self.server.shutdown()
        self.server.server_close()
        self.server.server_close = self.server.shutdown = lambda: None  # served() does it again
        self.browser.refresh()
        self.wait(lambda: self.is_enabled("train"), "it opens without the server")
        self.train(2)
        self.assertEqual(self.download(), self.train_in_node(2))

    def test_on_a_phone_it_fits_and_fingers_hit(self):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 3, "mobile": True})
        self.browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
        self.open()
        self.wait(lambda: self.is_enabled("train"), "there are images")
        self.assertLessEqual(self.browser.execute_script("return document.documentElement.scrollWidth"), 360)
        for control in self.browser.find_elements(By.CSS_SELECTOR, "button, input[type=number], fieldset span"):
            if control.is_displayed():
                self.assertGreaterEqual(control.size["height"], 44, control.get_attribute("outerHTML"))
        self.train(1)
        self.browser.execute_script("document.getElementById('plane').scrollIntoView({block: 'center'})")
        before, box = self.at(), self.browser.execute_script("return document.getElementById('plane').getBoundingClientRect().toJSON()")
        point = {"x": box["x"] + 30, "y": box["y"] + 30}
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": point["x"] + 50, "y": point["y"] + 20}]})
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        self.wait(lambda: self.at() != before, "the cross follows the finger")

    def test_light_and_dark_are_legible(self):
        self.open()
        papers = []
        for scheme in ("light", "dark"):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
            colours = {name: self.colour(name) for name in ("--paper", "--card", "--ink", "--faint", "--accent", "--on-accent", "--wrong")}
            papers.append(colours["--paper"])
            for front, back in (("--ink", "--card"), ("--faint", "--card"), ("--faint", "--paper"), ("--wrong", "--paper"), ("--on-accent", "--accent")):
                self.assertGreaterEqual(contrast(colours[front], colours[back]), 4.5, f"{front} on {back}, {scheme}")  # WCAG 2.2, 1.4.3
        self.assertGreater(luminance(papers[0]), 0.8)
        self.assertLess(luminance(papers[1]), 0.05)

    def colour(self, name) -> tuple[int, ...]:
        text = self.browser.execute_script("return getComputedStyle(document.documentElement).getPropertyValue(arguments[0])", name).strip()
        return tuple(int(text[i:i + 2], 16) for i in (1, 3, 5))

    def test_a_network_of_signals_learns_from_an_array(self):
        site = self.folder / "signals"
        shutil.copytree(PAGES / "keras_timeseries", site, ignore=shutil.ignore_patterns("data"))
        with served(site) as (_, address):
            self.open(address)
            self.assertFalse(self.is_enabled("train"))
            description = json.loads(self.native("castnet", "describe", "--json", HERE.parent / "networks" / "published" / "keras_timeseries.castnet"))
            height, width, channels = description["input"]
            count = 40
            self.give(("signals.npy", npy((count, height, width, channels), [((i * 7 + i // width) % 50) / 25 - 1 for i in range(count * height * width * channels)])))
            self.wait(lambda: f"{count} images" in self.text("count"), "the signals are taken")
            self.train(3)
            before = self.pixels("decoded")
            ActionChains(self.browser).move_to_element_with_offset(self.find("plane"), 70, 40).click().perform()
            self.wait(lambda: self.pixels("decoded") != before, "another signal is decoded")
            self.assertEqual(self.text("error"), "")

    def test_it_asks_nobody_else_and_its_list_of_files_is_whole(self):
        self.open().train(1)
        loaded = self.browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        self.assertGreater(len(loaded), 3)
        self.assertEqual([name for name in loaded if not name.startswith((self.address, "data:", "blob:"))], [])
        listed = set(re.findall(r"'([\w.]+\.(?:js|css|wasm))'", (self.site / "service_worker.js").read_text()))
        self.assertEqual(listed | {"service_worker.js", "index.html"}, {file.name for file in self.site.iterdir() if file.is_file()})

    def test_losses_are_those_of_this_machine(self):
        first = self.node("losses.mjs", BUILD / "tests" / "page" / "losses.wasm").split()
        self.assertEqual(self.node("losses.mjs", BUILD / "tests" / "page" / "losses.wasm").split(), first)
        native = self.native("losses").split()
        self.assertEqual(len(first), 16)
        for ours, theirs in zip(first[:-1], native[:-1], strict=True):
            self.assertAlmostEqual(float(ours), float(theirs), delta=2e-5 * float(theirs))


def luminance(colour) -> float:
    """Returns WCAG's relative luminance."""
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in (byte / 255 for byte in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


if __name__ == "__main__":
    unittest.main(verbosity=2)
