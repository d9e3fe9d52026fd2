"""Samples of the tool: drawn from the prior under fields, written and drawn; and what the posterior of a row is.

Usage: sample_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; the digits of the project are the data.
"""
import os
import re
import struct

import tool_case
from tool_case import ToolCase

DATA = os.environ["AENC_EXAMPLE_DATA"]
DIGITS, LABELS = os.path.join(DATA, "digits.npy"), os.path.join(DATA, "digits_labels.npy")
TEN = "label=0,1,2,3,4,5,6,7,8,9"


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    rows, cols = eval(data[10:start].decode(), {})["shape"]
    values = struct.unpack("<%df" % (rows * cols), data[start:])
    return [values[r * cols:(r + 1) * cols] for r in range(rows)]


class Sample(ToolCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        vae = ["--bottleneck", "gaussian", "--output", "sigmoid", "--loss", "bce:reduction=sum", "--lr", "0.003", "-q"]
        cls.good("train", DIGITS, "--encoder", "64,4", *vae, "--epochs", "40", "--field", "label=" + LABELS, "--condition", "label", "-o",
                 "c.st")
        cls.good("train", DIGITS, "--encoder", "32,2", *vae, "--epochs", "3", "-o", "two.st")
        cls.good("train", DIGITS, "--labels", LABELS, "--loss", "cross_entropy:classes=10", "--encoder", "64,32", "--epochs", "20", "-q",
                 "-o", "classes.st")
        cls.has_png = "without libpng" not in cls.good("version").stdout

    def sample(self, model, *args):
        self.good("sample", model, *args, "-o", "out.npy")
        return read_npy(self.path("out.npy"))

    def test_likelihood_is_a_loss(self):
        """The same model as by --loss; of the losses those that are likelihoods; one of both."""
        args = ["train", DIGITS, "--encoder", "16,2", "--bottleneck", "gaussian", "--epochs", "1", "-q", "-o"]
        for spec in ("bernoulli", "gaussian:learned=one", "discretised_logistic:levels=17,scale=0.2"):
            self.good(*args, "a.st", "--likelihood", spec)
            self.good(*args, "b.st", "--loss", spec)
            with open(self.path("a.st"), "rb") as a, open(self.path("b.st"), "rb") as b:
                self.assertEqual(a.read(), b.read(), spec)
        self.assertIn("discretised_logistic", self.good("info", "a.st").stdout)
        self.bad(2, "train: only one of --likelihood and --loss can be given", *args, "no.st", "--loss", "mse", "--likelihood", "gaussian")
        self.bad(2, "train: --likelihood: 'mse' is not one of the known: bernoulli, continuous_bernoulli, gaussian, laplace, "
                    "discretised_logistic, categorical", *args, "no.st", "--likelihood", "mse")
        self.bad(2, "train: --likelihood gaussian:scale=0: ", *args, "no.st", "--likelihood", "gaussian:scale=0")
        self.bad(2, "train: --likelihood goes with --encoder only", "train", DIGITS, "--start", "a.st", "--likelihood", "laplace", "-o",
                 "no.st")
        self.assertIn("--likelihood NAME", self.good("help", "train").stdout)
        self.assertFalse(os.path.exists(self.path("no.st")))

    def test_likelihood_by_importance_sampling(self):
        scored = {}
        for name, more in [("elbo", []), ("one", ["--samples", "1"]), ("many", ["--samples", "60"])]:
            self.good("score", "two.st", DIGITS, *more, "-o", name + ".npy")
            values = [row[0] for row in read_npy(self.path(name + ".npy"))]
            scored[name] = sum(values) / len(values)
        self.assertLess(scored["many"], scored["elbo"] - 0.2)  # a bound of its log, not the thing
        self.assertAlmostEqual(scored["one"], scored["elbo"], delta=1)  # the same bound, from other draws
        self.good("score", "c.st", DIGITS, "--samples", "2", "--field", "label=" + LABELS, "-o", "c.npy")
        self.good("train", DIGITS, "--encoder", "16,2", "--epochs", "1", "-q", "-o", "plain.st")
        self.bad(1, "no likelihood", "score", "plain.st", DIGITS, "--samples", "2", "-o", "no.npy")
        part = {}
        for name in ("reconstruction", "kl", "typicality"):
            self.good("score", "two.st", DIGITS, "--part", name, "-o", name + ".npy")
            part[name] = [row[0] for row in read_npy(self.path(name + ".npy"))]
        self.good("score", "two.st", DIGITS, "-o", "elbo.npy")
        for r, row in enumerate(read_npy(self.path("elbo.npy"))):
            self.assertAlmostEqual(row[0], part["reconstruction"][r] + part["kl"][r], delta=1e-3)
        self.assertTrue(all(v >= 0 for v in part["typicality"] + part["kl"]))
        self.good("score", "plain.st", DIGITS, "--part", "reconstruction", "-o", "no.npy")
        self.bad(2, "score: --part kl: plain.st has no such result; it has: code, ", "score", "plain.st", DIGITS, "--part", "kl", "-o", "no.npy")
        self.bad(2, "only one of --samples, --features and --part", "score", "two.st", DIGITS, "--samples", "2", "--part", "kl", "-o", "no.npy")
        self.bad(2, "--features", "score", "two.st", DIGITS, "--samples", "2", "--features", "-o", "no.npy")

    def test_samples_are_what_was_asked_for(self):
        """Each label in turn; a classifier that has seen the digits sees the label in most."""
        rows = self.sample("c.st", "--field", TEN, "--rows", "200", "--seed", "3")
        self.assertEqual((len(rows), len(rows[0])), (200, 64))
        self.assertTrue(all(0 <= v <= 1 for row in rows for v in row))
        self.good("classify", "classes.st", "out.npy", "-o", "label.csv")
        with open(self.path("label.csv")) as file:
            seen = [int(line) for line in file]
        right = sum(label == r // 20 for r, label in enumerate(seen))
        self.assertGreater(right, 160)
        self.assertNotEqual(rows[0], rows[1])

    def test_seed_temperature_and_threads(self):
        base = self.sample("c.st", "--field", "label=3", "--rows", "8")
        self.assertEqual(base, self.sample("c.st", "--field", "label=3", "--rows", "8", "--threads", "1"))
        self.assertEqual(base[:5], self.sample("c.st", "--field", "label=3", "--rows", "5", "--threads", "3"))
        self.assertNotEqual(base, self.sample("c.st", "--field", "label=3", "--rows", "8", "--seed", "1"))
        self.assertNotEqual(base, self.sample("c.st", "--field", "label=4", "--rows", "8"))
        cold = self.sample("c.st", "--field", "label=3", "--rows", "8", "--temperature", "1e-5")
        self.assertLess(max(abs(a - b) for a, b in zip(cold[0], cold[7])), 1e-3)
        self.bad(2, "--temperature", "sample", "c.st", "--temperature", "0", "-o", "out.npy")

    def test_posterior_of_data(self):
        """info with DATA: the rate is the mean KL of the rows, and the sum of its two parts."""
        text = self.good("info", "two.st", DIGITS).stdout
        rate, information, marginal = map(float, re.search(r"rate (\S+) = mutual information (\S+) \+ KL of the aggregate posterior (\S+)\n",
                                                           text).groups())
        self.good("score", "two.st", DIGITS, "--part", "kl", "-o", "kl.npy")
        rows = [row[0] for row in read_npy(self.path("kl.npy"))]
        self.assertAlmostEqual(rate, sum(rows) / len(rows), places=3)
        self.assertAlmostEqual(rate, information + marginal, places=3)
        self.assertTrue(0 < information < 7.5 and "active units 2 of 2" in text and "1797 rows" in text, text)
        self.assertIn("mutual information", self.good("info", "c.st", DIGITS, "--field", "label=" + LABELS).stdout)
        self.bad(2, "the model needs its field 'label'", "info", "c.st", DIGITS)
        self.bad(1, "classes.st: bottleneck 'plain' has no result 'mean' of the code's size", "info", "classes.st", DIGITS)

    def test_draws(self):
        """Zeros and ones, as often as the decoder's output of the same codes states; a loss without a likelihood."""
        means = self.sample("c.st", "--field", TEN, "--rows", "400")
        rows = self.sample("c.st", "--field", TEN, "--rows", "400", "--draws")
        self.assertEqual({v for row in rows for v in row}, {0.0, 1.0})
        off = sum(v for row in rows for v in row) - sum(v for row in means for v in row)
        self.assertLess(abs(off), 4 * sum(v * (1 - v) for row in means for v in row) ** 0.5)
        threes = self.sample("c.st", "--field", "label=3", "--rows", "40", "--draws")
        self.assertEqual(threes[:5], self.sample("c.st", "--field", "label=3", "--rows", "5", "--draws", "--threads", "1"))
        self.good("train", DIGITS, "--encoder", "16,2", "--bottleneck", "gaussian", "--likelihood", "gaussian:learned=output", "--epochs",
                  "1", "-q", "-o", "two_halves.st")
        self.assertEqual(len(self.sample("two_halves.st", "--draws", "--rows", "3")[0]), 64)
        self.assertEqual(len(self.sample("two_halves.st", "--rows", "3")[0]), 128)
        self.good("encode", "two.st", DIGITS, "--result", "draw", "-o", "out.npy")
        self.assertEqual({v for row in read_npy(self.path("out.npy")) for v in row}, {0.0, 1.0})
        if self.has_png:
            self.good("sample", "two_halves.st", "--draws", "--image", "8x8", "--pictures", "drawn")
        self.good("train", DIGITS, "--encoder", "16,2", "--bottleneck", "gaussian", "--epochs", "1", "-q", "-o", "mse.st")
        self.bad(1, "mse.st: loss 'mse' is no likelihood: no values can be drawn from it", "sample", "mse.st", "--draws", "-o", "no.npy")

    def test_edit(self):
        """Codes moved towards a class, by what the codes themselves state; a code under other labels; refusals."""
        attribute = ["edit", "two.st", DIGITS, "--labels", LABELS, "--toward", "0", "--rows", "3,9", "-o", "out.npy"]
        self.good(*attribute, "--steps", "3", "--strength", "2")
        edited = read_npy(self.path("out.npy"))
        self.good("encode", "two.st", DIGITS, "-o", "code.npy")
        codes = read_npy(self.path("code.npy"))
        with open(LABELS, "rb") as file:
            labels = list(file.read()[128:])
        mean = lambda rows: [sum(row[j] for row in rows) / len(rows) for j in range(2)]
        with_it, without = (mean([c for c, l in zip(codes, labels) if (l == 0) == want]) for want in (True, False))
        wanted = [[codes[r][j] + t * (with_it[j] - without[j]) for j in range(2)] for r in (2, 8) for t in (0, 1, 2)]
        self.write("wanted.csv", "".join("%.9g,%.9g\n" % tuple(row) for row in wanted))
        self.good("decode", "two.st", "wanted.csv", "--header", "no", "-o", "decoded.npy")
        for a, b in zip(edited, read_npy(self.path("decoded.npy"))):
            self.assertLess(max(abs(u - v) for u, v in zip(a, b)), 1e-4)
        self.good(*attribute, "--from", "1")
        swap = ["edit", "c.st", DIGITS, "--field", "label=" + LABELS, "--rows", "1,2,3,4,5,6,7,8,9,10"]
        self.good(*swap, "--as", "label=0,1,2,3,4,5,6,7,8,9", "-o", "swapped.npy")
        swapped = read_npy(self.path("swapped.npy"))
        self.good("reconstruct", "c.st", DIGITS, "--field", "label=" + LABELS, "-o", "own.npy")
        own = read_npy(self.path("own.npy"))
        for r in range(10):
            self.assertLess(max(abs(u - v) for u, v in zip(swapped[10 * r + labels[r]], own[r])), 1e-4)
        self.good("classify", "classes.st", "swapped.npy", "-o", "label.csv")
        with open(self.path("label.csv")) as file:
            seen = [int(line) for line in file]
        self.assertGreater(sum(label == r % 10 for r, label in enumerate(seen)), 70)
        if self.has_png:
            self.good(*swap, "--as", "label=3", "--image", "8x8", "-o", "out.png")
        self.bad(2, "edit needs either --labels DATA --toward CLASS or one --as", "edit", "two.st", DIGITS, "--rows", "1", "-o", "no.npy")
        self.bad(2, "--labels and --toward go together", "edit", "two.st", DIGITS, "--toward", "1", "--rows", "1", "-o", "no.npy")
        self.bad(2, "has no row 1798", *attribute[:-3], "1798", "-o", "no.npy")
        self.bad(1, "no row is of class 11", *(attribute[:6] + ["11"] + attribute[7:]))
        self.bad(2, "--as label=11 is 11; it is whole, from 0 to 9", *swap, "--as", "label=11", "-o", "no.npy")
        self.bad(2, "the model has no field 'x'", *swap, "--as", "x=1", "-o", "no.npy")

    def test_how_many_rows(self):
        self.assertEqual(len(self.sample("two.st")), 64)
        self.assertEqual(len(self.sample("two.st", "--rows", "3")), 3)
        self.assertEqual(len(self.sample("c.st", "--field", TEN)), 70)  # as many of each
        self.assertEqual(len(self.sample("c.st", "--field", "label=" + LABELS)), 1797)
        self.bad(1, ["has 1797 rows, but --rows has 6"], "sample", "c.st", "--field", "label=" + LABELS, "--rows", "6", "-o", "out.npy")

    def test_refusals(self):
        self.bad(2, "sample: the model needs its field 'label' (classes from 0 to 9): --field label=DATA", "sample", "c.st", "-o", "o.npy")
        self.bad(2, "--field label=11 is 11; it is whole, from 0 to 9", "sample", "c.st", "--field", "label=11", "-o", "out.npy")
        self.bad(2, "no field 'x'", "sample", "two.st", "--field", "x=1", "-o", "out.npy")
        self.bad(2, "sample needs -o FILE", "sample", "two.st")
        self.bad(2, "a row of two.st has 64", "sample", "two.st", "--image", "9x9", "-o", "out.npy")
        self.bad(2, "the ending does not say a format", "sample", "two.st", "-o", "out.xyz")
        self.bad(1, ["classes.st: ", "has no prior"], "sample", "classes.st", "-o", "out.npy")

    def test_pictures(self):
        if not self.has_png:
            self.skipTest("built without libpng")
        self.good("sample", "c.st", "--field", TEN, "--rows", "100", "--image", "8x8", "--pictures", "ten", "-o", "ten.png")
        self.assertEqual(os.listdir(self.path("ten")), ["samples.png"])
        with open(self.path("ten/samples.png"), "rb") as a, open(self.path("ten.png"), "rb") as b:
            self.assertEqual(a.read(), b.read())
        done = self.good("sample", "two.st", "--pictures", "two")
        self.assertIn("--image 8x8 draws them as images", done.stderr)
        done = self.good("sample", "two.st", "--image", "8x8", "--pictures", "two")
        self.assertEqual(done.stderr, "")
        self.assertEqual(sorted(os.listdir(self.path("two"))), ["manifold.png", "samples.png"])
        self.good("reconstruct", "two.st", DIGITS, "--image", "8x8", "--pictures", "kl", "-o", "out.npy")
        self.assertLessEqual({"kl.png", "draws.png"}, set(os.listdir(self.path("kl"))))
        self.good("reconstruct", "classes.st", DIGITS, "--pictures", "none", "-o", "out.npy")
        self.assertFalse({"kl.png", "draws.png"} & set(os.listdir(self.path("none"))))

    def test_map(self):
        if not self.has_png:
            self.skipTest("built without libpng")
        for name, path in (("few.npy", DIGITS), ("labels.npy", LABELS)):  # all pairs of 1797 rows take minutes under a sanitizer
            with open(path, "rb") as file:
                whole = file.read()
            row = (len(whole) - 128) // 1797
            with open(self.path(name), "wb") as file:
                file.write(whole[:128].replace(b"(1797,", b"( 200,") + whole[128:128 + 200 * row])
        args = ["reconstruct", "c.st", "few.npy", "--field", "label=labels.npy", "--labels", "labels.npy", "-o", "out.npy", "--map"]
        self.good(*args, "tsne", "--pictures", "map")
        self.good(*args, "pca", "--pictures", "nomap")
        self.assertEqual(set(os.listdir(self.path("map"))) - set(os.listdir(self.path("nomap"))), {"tsne.png"})
        self.bad(2, "'umap' is not one of the known: pca, tsne", *args, "umap")
        args.remove("--labels"), args.remove("labels.npy")
        self.bad(2, "--map goes with --pictures", *args, "tsne")
        done = self.good("reconstruct", "two.st", DIGITS, "-o", "out.npy", "--map", "tsne", "--pictures", "flat")
        self.assertIn("--map tsne draws codes of three elements or more", done.stderr)

    def test_other_results_of_rows(self):
        self.good("encode", "two.st", DIGITS, "-o", "code.npy")
        out = {}
        for name, cols in (("code", 2), ("mean", 2), ("log_variance", 2), ("sample", 2)):
            self.good("encode", "two.st", DIGITS, "--result", name, "-o", "result.npy")
            out[name] = read_npy(self.path("result.npy"))
            self.assertEqual((len(out[name]), len(out[name][0])), (1797, cols), name)
        self.assertEqual(out["code"], read_npy(self.path("code.npy")))
        self.assertEqual(out["code"], out["mean"])
        self.assertNotEqual(out["code"], out["sample"])
        self.bad(2, ["--result nothing: two.st has no such result; it has: code, output"], "encode", "two.st", DIGITS, "--result",
                 "nothing", "-o", "out.npy")
        self.bad(2, "the model needs its field 'label'", "encode", "c.st", DIGITS, "--result", "log_variance", "-o", "out.npy")


if __name__ == "__main__":
    tool_case.main()
