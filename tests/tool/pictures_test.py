"""What stands in the tool's pictures: letters, the mark on the ROC curve, filters where they show something.

Usage: pictures_test.py PATH_OF_AUTOENC [unittest options]. Standard library only.
"""
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

TOOL = ""
INK, ORANGE, WHITE, PAPER = (45, 50, 60), (226, 108, 34), (255, 255, 255), (246, 247, 249)


def unfilter(kind, line, before):
    out = bytearray(line)
    for i, value in enumerate(line):
        left, up, corner = (out[i - 3] if i >= 3 else 0), before[i], (before[i - 3] if i >= 3 else 0)
        guess = left + up - corner
        paeth = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        out[i] = value + (0, left, up, (left + up) // 2, paeth)[kind] & 255
    return out


def read_png(path):
    """Rows of (red, green, blue) of a PNG of eight bits without interlace."""
    with open(path, "rb") as file:
        data = file.read()
    width, height = struct.unpack(">II", data[16:24])
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    raw, before, rows = zlib.decompress(packed), bytearray(3 * width), []
    for y in range(height):
        line = raw[y * (3 * width + 1):(y + 1) * (3 * width + 1)]
        before = unfilter(line[0], line[1:], before)
        rows.append([tuple(before[3 * x:3 * x + 3]) for x in range(width)])
    return rows


class Pictures(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        if "without libpng" in self.run_tool("version").stdout:
            self.skipTest("built without libpng")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_tool(self, *args):
        done = subprocess.run([TOOL, *args], capture_output=True, text=True, timeout=120, cwd=self.folder.name)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done

    def write_csv(self, name, rows):
        with open(self.path(name), "w") as file:
            file.write("\n".join(",".join("%.5f" % v for v in row) for row in rows) + "\n")

    def test_threshold_on_the_roc_curve(self):
        draw = random.Random(4)
        odd = [i % 20 == 3 for i in range(400)]
        self.write_csv("rows.csv", [[draw.gauss(0, 1) + 2.5 * is_odd for _ in range(5)] for is_odd in odd])
        self.write_csv("labels.csv", [[is_odd] for is_odd in odd])
        out = self.run_tool("detect", "rows.csv", "--labels", "labels.csv", "-o", "scores.npy", "--steps", "200",
                            "--pictures", "out", "--threshold", "quantile:q=0.9").stdout
        threshold = float(re.search(r"threshold (\S+?),? ", out).group(1))
        with open(self.path("scores.npy"), "rb") as file:
            scores = struct.unpack("<400f", file.read()[-1600:])
        flagged = [score > threshold for score in scores]
        hits = sum(a and b for a, b in zip(flagged, odd)) / sum(odd)
        alarms = sum(a and not b for a, b in zip(flagged, odd)) / (400 - sum(odd))
        self.assertTrue(0.2 < hits < 1 or 0 < alarms < 0.3)
        pixels = read_png(self.path("out/roc.png"))
        x, y = int(112 + alarms * (670 - 112)), int(626 - hits * (626 - 52))
        self.assertEqual(pixels[y][x], WHITE)
        for dx, dy in ((-6, 0), (5, 0), (0, -6), (0, 5)):
            self.assertEqual(pixels[y + dy][x + dx], ORANGE, (dx, dy))

    def test_heads_numbers_and_errors(self):
        draw = random.Random(5)
        self.write_csv("rows.csv", [[draw.random() for _ in range(36)] for _ in range(40)])
        self.run_tool("train", "rows.csv", "--encoder", "4", "--epochs", "2", "-o", "m.safetensors", "--image", "6x6",
                      "--pictures", "out", "-q")
        pixels = read_png(self.path("out/reconstructions.png"))
        self.assertGreater(sum(pixel == INK for row in pixels[16:36] for pixel in row), 100)  # the title
        for top, bottom in ((75, 86), (236, 250)):  # numbers above the first line of pairs, errors below it
            for left in range(112, 1000, 76):
                box = [pixel for row in pixels[top:bottom] for pixel in row[left:left + 72]]
                self.assertGreater(sum(pixel != PAPER for pixel in box), 8, (top, left))

    def test_filters_of_images_that_show_something(self):
        draw = random.Random(6)
        self.write_csv("rows.csv", [[draw.random() for _ in range(144)] for _ in range(40)])
        for image, there in (("12x12", True), ("9x16", False)):
            self.run_tool("train", "rows.csv", "--encoder", "4", "--epochs", "1", "-o", "m.safetensors", "--image", image,
                          "--pictures", image, "-q")
            self.assertEqual(os.path.exists(self.path(image + "/filters.png")), there)

    def test_shares_of_the_variance_agree(self):
        draw = random.Random(7)
        self.write_csv("rows.csv", [[draw.gauss(0, 1 + k) for k in range(6)] for _ in range(200)])
        printed = self.run_tool("pca", "rows.csv", "--components", "3", "-o", "m.safetensors").stdout
        table = self.run_tool("info", "m.safetensors").stdout.split("together\n")[1].splitlines()
        together = re.search(r"explain (\S+) %", printed).group(1)
        self.assertEqual(table[2].split()[-2], together)
        self.assertRegex(together, r"^\d+\.\d$")


if __name__ == "__main__":
    TOOL = os.path.abspath(sys.argv.pop(1))
    unittest.main()
