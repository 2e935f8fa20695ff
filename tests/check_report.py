"""Trains a network on random images, and reads its report.html strictly: balanced elements, unique ids, no reference to anything outside.

    python3 check_report.py TRAIN_PROGRAM_OF_TEST_GAP

Ends with status 77 where gnuplot, which draws the figures, is missing.
"""
import base64
import html.parser
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

VOID = {"img", "meta", "link", "br", "hr", "input"}


class Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.pictures = [], [], []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        for name in ("src", "href", "srcset"):
            assert attributes.get(name, "data:").startswith("data:"), f"<{tag}> refers to {attributes[name]}"
        if tag == "img":
            assert attributes.get("alt"), "an image without alt"
            self.pictures.append(attributes["src"])

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]} in line {self.getpos()[0]}"
        self.open.pop()


def write_dataset(folder, count=65, height=12, width=10):
    for part in ("train", "t10k"):
        images = struct.pack(">4B3I", 0, 0, 8, 3, count, height, width) + os.urandom(count * height * width)
        labels = struct.pack(">4BI", 0, 0, 8, 1, count) + bytes((1, 5, 6)[i % 3] for i in range(count))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def main():
    if shutil.which("gnuplot") is None:
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "it's <a> \"folder\" & more"
        folder.mkdir()
        write_dataset(folder)
        first, run = folder / "first", folder / "run"
        train = [sys.argv[1], "--quiet", "--validation-split", "0.2", "--data", folder]
        subprocess.run([*train, "--epochs", "1", "--no-figures", "--run-dir", first], check=True)
        subprocess.run([*train, "--epochs", "70", "--patience", "70", "--init", first / "model.safetensors", "--run-dir", run], check=True)
        page = (run / "report.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert page.startswith("<!doctype html>") and not reader.open, f"left open: {reader.open}"
    assert len(reader.ids) == len(set(reader.ids)), "an id occurs twice"
    assert "it's &lt;a&gt; &quot;folder&quot; &amp; more" in page, "the data's name is missing"
    assert re.search(r"The model is that of epoch \d+\.", page), "--patience chose no epoch"
    assert not re.search(r"url\(|@import|<script", page), "something is loaded or runs"
    assert len(reader.pictures) == 4, f"{len(reader.pictures)} pictures"
    for picture in reader.pictures:
        xml.etree.ElementTree.fromstring(base64.b64decode(picture.split(",", 1)[1]))
    rows = page.count("<tr>")
    assert 10 < rows < 30, f"{rows} rows for 70 epochs"


main()
