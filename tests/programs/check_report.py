"""Trains a network on random images and checks its report.html: balanced elements, unique ids, no references to other files, figures whose
texts keep away from the edges and which follow the reader's dark mode.

    python3 check_report.py TRAIN_PROGRAM_OF_TEST_GAP

Exits with 77 if gnuplot, which draws the figures, is missing.
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


SVG = "{http://www.w3.org/2000/svg}"
FONT = 14  # pixels


def texts(picture):
    """Yields (text, left, top, right, bottom) of every text, approximately."""
    for group in picture.iter(f"{SVG}g"):
        label = group.find(f"{SVG}text")
        text = "" if label is None else "".join(label.itertext())
        if not text:
            continue
        x, y = (float(number) for number in re.match(r"translate\(([-\d.]+),([-\d.]+)\)", group.get("transform")).groups())
        before = {"middle": 0.5, "end": 1.0}.get(group.get("text-anchor"), 0.0)
        length = 0.6 * float(group.get("font-size")) * len(text)
        if re.search(r"rotate\(270(\.0*)?\)", group.get("transform")):
            yield text, x - FONT, y - (1 - before) * length, x, y + before * length
        else:
            yield text, x - before * length, y - FONT, x + (1 - before) * length, y


def check_figure(svg):
    picture = xml.etree.ElementTree.fromstring(svg)
    width, height = float(picture.get("width")), float(picture.get("height"))
    for text, left, top, right, bottom in texts(picture):
        assert min(left, top, width - right, height - bottom) >= 6, f"'{text}' touches the edge: {left, top, right, bottom} of {width, height}"
    style = picture.find(f"{SVG}style")
    assert style is not None and "prefers-color-scheme: dark" in style.text, "the figure stays white in dark mode"
    assert picture.find(f"{SVG}g[@id='gnuplot_canvas']/{SVG}rect") is not None, "there is no background for it to darken"
    return [text.strip() for text, *_ in texts(picture)]


def check_loss(svg, epochs):
    """Checks whole epochs along one axis, few tics along the other, and that a single point is visible."""
    numbers = [text for text in check_figure(svg) if re.fullmatch(r"[\d.]+", text)]
    steps = [text for text in numbers if "." in text]
    assert 3 <= len(steps) <= 8 and len({len(text) for text in steps}) == 1, f"tics at {steps}"
    assert [text for text in numbers if "." not in text][-1] == str(epochs), f"epochs {numbers}"
    if epochs == 1:
        assert steps[0].strip("0.") == "", f"an axis of losses that begins with {steps[0]}"
        assert re.search(rb"<use xlink:href='#gpPt6' transform='translate\([^)]*\) scale\([5-9]", svg), "no point to be seen"


def main():
    if shutil.which("gnuplot") is None:
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder) / "it's <a> \"folder\" & more"
        folder.mkdir()
        write_dataset(folder)
        first, run = folder / "first", folder / "run"
        train = [sys.argv[1], "--quiet", "--validation-split", "0.2", "--data", folder]
        subprocess.run([*train, "--epochs", "1", "--run-dir", first], check=True)
        check_loss((first / "loss.svg").read_bytes(), 1)
        subprocess.run([*train, "--epochs", "70", "--patience", "70", "--init", first / "model.safetensors", "--run-dir", run], check=True)
        check_loss((run / "loss.svg").read_bytes(), 70)
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
        shown = check_figure(base64.b64decode(picture.split(",", 1)[1]))
    assert any(re.match(r"Decoded from \(-?[\d.]", text) for text in shown), "the decoded image does not say its code"
    assert re.search(r"the image beside it is decoded from, \((-?[\d.e-]+, ){47}", page), "the caption does not say the whole code"
    rows = page.count("<tr>")
    assert 10 < rows < 30, f"{rows} rows for 70 epochs"


main()
