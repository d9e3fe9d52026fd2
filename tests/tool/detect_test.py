"""Detectors in the tool, and a code that carries nothing: what `detect` writes, a saved detector on other rows, `score` and `info` of it, refusals.

Usage: detect_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; all inputs are made here.
"""
import csv
import io
import random
import struct

import tool_case
from tool_case import ToolCase

ROWS, NAMES = 300, ["height", 'the "width", mm', "depth"]


def table(rows=ROWS, seed=1):
    """Three related columns in units of their own; every twentieth row breaks the relation."""
    draw = random.Random(seed)
    out = []
    for i in range(rows):
        a = draw.gauss(0, 1)
        b = a + 0.2 * draw.gauss(0, 1) if i % 20 else -2 * a - 3
        out.append([100 + 15 * a, 0.01 * b, 1000 * (a - b) + 200 * draw.gauss(0, 1)])
    return out


def npy_floats(path):
    with open(path, "rb") as file:
        data = file.read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return data[start:]


class Detect(ToolCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.write_table("raw.csv", table())
        cls.write_table("new.csv", table(50, 2))
        cls.write("odd.csv", "".join("%d\n" % (i % 20 == 0) for i in range(ROWS)))
        cls.good("detect", "raw.csv", "--save", "detector.safetensors", "-o", "scores.npy", "--seed", "5")

    @classmethod
    def write_table(cls, name, rows):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows(rows)
        cls.write(name, text.getvalue())

    def test_variational(self):
        """A detector with a bottleneck finds the rows that break the relation, and scores the same from its file."""
        fit = ["detect", "raw.csv", "--bottleneck", "gaussian:units=2", "--seed", "5"]
        done = self.good(*fit, "--labels", "odd.csv", "--save", "vae.st", "-o", "vae.npy")
        self.assertGreater(float(done.stdout.split("ROC-AUC ")[1].split(",")[0]), 0.9)
        self.good("detect", "raw.csv", "--model", "vae.st", "-o", "again.npy")
        self.assertEqual(npy_floats(self.path("vae.npy")), npy_floats(self.path("again.npy")))
        self.good("score", "vae.st", "raw.csv", "-o", "scored.npy")
        self.assertEqual(npy_floats(self.path("vae.npy")), npy_floats(self.path("scored.npy")))
        for score in ("reconstruction", "kl", "typicality", "likelihood"):
            self.good(*fit, "--score", score, "--samples", "3", "--likelihood", "laplace:learned=one", "-o", score + ".npy")
        self.bad(2, "detect: --score goes with --bottleneck only", "detect", "raw.csv", "--score", "kl", "-o", "no.npy")
        self.bad(2, "'elbi' is not one of the known: elbo, reconstruction, kl, typicality, likelihood", *fit, "--score", "elbi", "-o", "no.npy")
        self.bad(2, "--samples belongs to the fit", "detect", "raw.csv", "--model", "vae.st", "--samples", "3", "-o", "no.npy")
        self.bad(1, "an output of 1 numbers is not an input of 3", *fit, "--likelihood", "gaussian:learned=output", "-o", "no.npy")
        self.bad(2, "vae.st is a detector; --samples and --part are for variational models", "score", "vae.st", "raw.csv", "--part", "kl")

    def test_table(self):
        """Row, score, probability, flag and column, and flags that follow from what is printed."""
        done = self.good("detect", "raw.csv", "-o", "table.csv", "--seed", "5")
        threshold = float(done.stdout.split("threshold ")[1].split(" ")[0])
        self.assertIn("(quantile:q=0.95 of the scores of 300 training rows)", done.stdout)
        self.assertIn("flagged 15 of 300 rows (5.00 %)", done.stdout)
        with open(self.path("table.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["row", "score", "probability", "flag", "column"])
        self.assertEqual([int(row["row"]) for row in rows], list(range(1, ROWS + 1)))
        scores = struct.pack("<%df" % ROWS, *(float(row["score"]) for row in rows))
        self.assertEqual(scores, npy_floats(self.path("scores.npy")))
        for row in rows:
            self.assertEqual(int(row["flag"]), float(row["score"]) > threshold)
            self.assertTrue(0 <= float(row["probability"]) < 1 and float(row["score"]) >= 0)
            self.assertIn(row["column"], NAMES)
        self.assertEqual(sum(int(row["flag"]) for row in rows), 15)
        done = self.good("detect", "raw.csv", "--scores-only", "--seed", "5")
        self.assertEqual(done.stdout.split(), [row["score"] for row in rows])

    def test_threshold_that_is_a_score(self):
        """The conformal threshold is a score of training: printed, it compares as the number does."""
        for rate in ("0.01", "0.03", "0.05", "0.1", "0.2"):
            done = self.good("detect", "raw.csv", "--threshold", "fpr:rate=" + rate, "--scores-only", "--steps", "50")
            threshold = done.stderr.split("threshold ")[1].split(" ")[0]
            flagged = int(done.stderr.split("flagged ")[1].split(" ")[0])
            self.assertIn(threshold, done.stdout.split())
            self.assertEqual(sum(float(score) > float(threshold) for score in done.stdout.split()), flagged)

    def test_column(self):
        """The column that is out is the one that is named; by its number where there are no names."""
        rows = table()
        for column in range(3):
            rows[10 * column][column] = 1e7
        self.write_table("far.csv", rows)
        with open(self.path("far.csv")) as file:
            self.write("far_bare.csv", file.read().split("\n", 1)[1])
        for name, known in (("far.csv", NAMES), ("far_bare.csv", ["1", "2", "3"])):
            done = self.good("detect", name, "--model", "detector.safetensors")
            found = list(csv.DictReader(io.StringIO(done.stdout)))
            self.assertEqual([found[0]["column"], found[10]["column"], found[20]["column"]], known)

    def test_saved(self):
        """A saved detector: the same bits for the same rows, with any company, and `score` answers the same."""
        self.good("detect", "raw.csv", "--model", "detector.safetensors", "-o", "again.npy", "--threads", "3")
        self.good("score", "detector.safetensors", "raw.csv", "-o", "score.npy")
        wanted = npy_floats(self.path("scores.npy"))
        self.assertEqual(npy_floats(self.path("again.npy")), wanted)
        self.assertEqual(npy_floats(self.path("score.npy")), wanted)
        fitted = self.good("detect", "raw.csv", "--test", "new.csv", "--seed", "5", "-o", "new.npy")
        loaded = self.good("detect", "new.csv", "--model", "detector.safetensors", "-o", "other.npy")
        self.assertEqual(npy_floats(self.path("new.npy")), npy_floats(self.path("other.npy")))
        self.assertEqual(fitted.stdout, loaded.stdout)
        self.good("score", "detector.safetensors", "new.csv", "--features", "-o", "features.npy")
        feature = struct.unpack("<150f", npy_floats(self.path("features.npy")))
        score = struct.unpack("<50f", npy_floats(self.path("new.npy")))
        for i in range(50):
            self.assertAlmostEqual(sum(feature[3 * i:3 * i + 3]), score[i], delta=1e-4 * (1 + abs(score[i])))
        told = self.good("info", "detector.safetensors").stdout
        threshold = loaded.stdout.split("threshold ")[1].split(" ")[0]
        self.assertIn("threshold " + threshold, told)
        self.assertIn("quantile:q=0.95 of the scores of 300 training rows", told)
        self.good("detect", "raw.csv", "--model", "detector.safetensors", "--labels", "odd.csv", "-o", "x.npy")

    def test_refusals(self):
        with_model = ["detect", "raw.csv", "--model", "detector.safetensors", "-o", "x.npy"]
        for more in (["--test", "new.csv"], ["--threshold", "mad"], ["--scale", "robust"], ["--noise", "2"], ["--steps", "9"],
                     ["--save", "y.safetensors"]):
            self.bad(2, [more[0], "--model"], *with_model, *more)
        self.good("train", "raw.csv", "--encoder", "2", "--epochs", "1", "--scale", "standard", "-o", "model.safetensors")
        self.bad(1, ["model.safetensors", "no detector"], "detect", "raw.csv", "--model", "model.safetensors")
        self.good("score", "model.safetensors", "raw.csv", "-o", "x.npy")
        self.bad(2, ["--target"], "score", "detector.safetensors", "raw.csv", "--target", "raw.csv")
        self.bad(2, ["--model"], "detect", "raw.csv", "--model", "detector.safetensors", "-o", "detector.safetensors",
                 "--format", "npy")
        self.write("narrow.csv", "1,2\n3,4\n")
        self.bad(1, ["narrow.csv", "2", "3"], "detect", "narrow.csv", "--model", "detector.safetensors")

    def test_before_training(self):
        """What follows from labels and numbers of rows is refused before steps that would take days."""
        for label in "01":
            self.write("same.csv", (label + "\n") * ROWS)
            self.bad(1, ["same.csv", "every label is " + label], "detect", "raw.csv", "--labels", "same.csv", "--steps",
                     "2000000000")
        self.bad(2, ["--threshold", "999"], "detect", "raw.csv", "--threshold", "fpr:rate=1e-3", "--steps", "2000000000")
        self.bad(2, ["--threshold", "10"], "detect", "raw.csv", "--threshold", "pot:level=0.99", "--steps", "2000000000")

    def test_none_flagged(self):
        """20 equal anomalies among 200 rows: the threshold is their score, which is stated."""
        rows = table(180) + [[400, 0.4, 90000]] * 20
        self.write_table("equal.csv", rows)
        done = self.good("detect", "equal.csv", "-o", "x.npy", "--steps", "100")
        self.assertIn("flagged 0 of 200 rows", done.stdout)
        self.assertIn("20 rows have, is the threshold itself", done.stderr)
        done = self.good("detect", "equal.csv", "-o", "x.npy", "--steps", "100", "--threshold", "quantile:q=0.85")
        self.assertNotIn("flagged 0", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_infinite(self):
        """A score beyond what a float holds is written as the largest one, and stated."""
        self.good("train", "raw.csv", "--encoder", "2", "--epochs", "1", "--scale", "standard", "-o", "model.safetensors")
        self.write("huge.csv", "1,2,3\n1e24,1e24,1e24\n")
        done = self.good("score", "model.safetensors", "huge.csv", "--header", "no")
        self.assertEqual(done.stdout.split()[1], "3.4028235e+38")
        self.assertIn("row 2) are beyond", done.stderr)
        self.write("huger.csv", "1,2,3\n1e38,1e38,1e38\n")
        self.bad(1, ["huger.csv: row 2", "not a number"], "score", "model.safetensors", "huger.csv", "--header", "no")
        done = self.good("score", "detector.safetensors", "huger.csv", "--header", "no")
        self.assertNotIn("inf", done.stdout)

    def test_constant_code(self):
        """A code that is the same for all rows after training is worth a note, one that is not none."""
        args = ["train", "raw.csv", "--encoder", "2", "--epochs", "1", "-o", "code.safetensors"]
        self.assertNotIn("carry nothing", self.good(*args, "--scale", "standard").stderr)
        self.assertNotIn("carries nothing", self.good(*args, "--scale", "standard").stderr)
        self.write("large.csv", "".join("%g,%g\n" % (1000 + i, 2000 + i % 7) for i in range(ROWS)))
        dead = self.good("train", "large.csv", "--encoder", "2", "--epochs", "1", "--code-activation", "sigmoid", "--lr", "100",
                         "-o", "code.safetensors")
        self.assertIn("the code is the same for all of 256 rows", dead.stderr)


if __name__ == "__main__":
    tool_case.main()
