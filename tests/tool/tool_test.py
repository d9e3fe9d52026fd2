"""The command-line tool as a user meets it: every command, every format, every refusal.

Usage: tool_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; all inputs are made here.
"""
import fcntl
import gzip
import json
import math
import os
import pty
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import zlib

TOOL = ""
ROWS, SIDE = 120, 6
COLS = SIDE * SIDE


def make_rows(rows=ROWS, seed=3):
    """Smooth bumps on a square, as bytes: images that an autoencoder can learn."""
    draw = random.Random(seed)
    out = []
    for _ in range(rows):
        x, y, w = draw.uniform(0, SIDE - 1), draw.uniform(0, SIDE - 1), draw.uniform(1, 2.5)
        out.append([int(255 * math.exp(-((i - x) ** 2 + (j - y) ** 2) / w ** 2))
                    for i in range(SIDE) for j in range(SIDE)])
    return out


def npy(values, shape, descr="<f4", fortran=False, version=1):
    """The bytes of a .npy; `values` in the order of the file."""
    header = ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, tuple(shape))).encode()
    width = 2 if version == 1 else 4
    header += b" " * (-(8 + width + len(header) + 1) % 64) + b"\n"
    codes = {"f4": "f", "f8": "d", "f2": "e", "u1": "B", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u2": "H"}
    order = ">" if descr[0] == ">" else "<"
    body = struct.pack("%s%d%s" % (order, len(values), codes[descr[1:]]), *values)
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + body


def idx(rows, dims):
    return bytes([0, 0, 8, len(dims)]) + b"".join(struct.pack(">I", d) for d in dims) + bytes(flat(rows))


def flat(rows):
    return [v for row in rows for v in row]


def scaled(rows):
    """The rows in [0, 1] as float32 has them."""
    return [[struct.unpack("f", struct.pack("f", v / 255.0))[0] for v in row] for row in rows]


def slurp(path):
    with open(path, "rb") as file:
        return file.read()


def read_npy(path):
    data = slurp(path)
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode(), {})
    assert header["descr"] == "<f4" and header["fortran_order"] is False and (10 + length) % 64 == 0
    count = math.prod(header["shape"])
    assert len(data) == 10 + length + 4 * count
    return header["shape"], struct.unpack("<%df" % count, data[10 + length:])


def png_size(path):
    data = slurp(path)
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR", data[:16]
    width, height, depth, color = struct.unpack(">IIBB", data[16:26])
    assert (depth, color) == (8, 2)
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    assert len(zlib.decompress(packed)) == height * (3 * width + 1)
    return width, height


class Tool(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.rows = make_rows()
        cls.write("images.idx", idx(cls.rows, [ROWS, SIDE, SIDE]))
        cls.write("images.idx.gz", gzip.compress(idx(cls.rows, [ROWS, SIDE, SIDE])))
        cls.write("rows.npy", npy(flat(scaled(cls.rows)), (ROWS, COLS)))
        text = "\n".join(",".join(repr(v) for v in row) for row in scaled(cls.rows)) + "\n"
        cls.write("rows.csv", text.encode())
        version = cls.run_tool("version").stdout
        cls.has_zlib = "without zlib" not in version
        cls.has_png = "without libpng" not in version
        done = cls.run_tool(*cls.train_args("model.safetensors"))
        assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def write(cls, name, data):
        with open(cls.path(name), "wb") as file:
            file.write(data)
        return cls.path(name)

    @classmethod
    def run_tool(cls, *args, data=None, text=True, **more):
        return subprocess.run([TOOL, *args], input=data, capture_output=True, text=text, timeout=120,
                              cwd=cls.folder.name, **more)

    @classmethod
    def train_args(cls, out, *more, data="rows.npy", epochs="3"):
        return ["train", data, "--encoder", "16,4", "--output", "sigmoid", "--epochs", epochs, "--batch", "32",
                "--seed", "7", "-o", out, *more]

    def good(self, *args, **more):
        done = self.run_tool(*args, **more)
        self.assertEqual(done.returncode, 0, (args, done.stderr))
        return done

    def bad(self, status, words, *args, **more):
        """Refused with this status, all the words on standard error, and no temporary file left."""
        done = self.run_tool(*args, **more)
        self.assertEqual(done.returncode, status, (args, done.stdout, done.stderr))
        for word in words if isinstance(words, (list, tuple)) else [words]:
            self.assertIn(word, done.stderr if isinstance(done.stderr, str) else done.stderr.decode())
        self.assertEqual([f for f in os.listdir(self.folder.name) if ".tmp" in f], [])
        return done

    # ---- Commands ----

    def test_version(self):
        version = self.good("version", "--threads", "2").stdout
        self.assertEqual(version, self.good("--version", "--threads", "2").stdout)
        self.assertEqual(version, self.good("-V", "--threads", "2").stdout)
        for word in ("autoenc 0.", "blas", "threads: 2", "gzip:", "pictures:"):
            self.assertIn(word, version)

    def test_train_writes_model_and_log(self):
        done = self.good(*self.train_args("logged.safetensors", "--valid", "0.2", "--log", "run.jsonl", epochs="4"))
        lines = [json.loads(line) for line in slurp(self.path("run.jsonl")).splitlines()]
        self.assertEqual([line["epoch"] for line in lines], [1, 2, 3, 4])
        for line in lines:
            self.assertTrue(0 < line["train_loss"] < 1 and 0 < line["valid_loss"] < 1 and 0 <= line["seconds"] < 60)
            self.assertAlmostEqual(line["learning_rate"], 1e-3)
            self.assertGreater(line["gradient_norm"], 0)
            self.assertGreaterEqual(line["best_epoch"], 1)
        self.assertLess(lines[-1]["train_loss"], lines[0]["train_loss"])
        self.assertEqual(sum(line.startswith("epoch ") for line in done.stdout.splitlines()), 4)
        self.assertIn("saved logged.safetensors", done.stdout)
        self.assertNotIn("\r", done.stdout)
        data = slurp(self.path("logged.safetensors"))
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        self.assertEqual(header["encoder.0.weight"]["shape"], [16, COLS])

    def test_log_on_standard_output_is_json_alone(self):
        done = self.good(*self.train_args("x.safetensors", "--log", "-"))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(lines), 3)
        self.assertIsNone(lines[0]["valid_loss"])
        self.assertIn("epoch 3/3", done.stderr)

    def test_quiet(self):
        done = self.good(*self.train_args("x.safetensors", "--quiet"))
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_options_reach_the_library(self):
        base = slurp(self.path("model.safetensors"))
        for more in (["--lr", "0.01"], ["--optimizer", "sgd:lr=0.1"], ["--schedule", "cosine"], ["--seed", "8"],
                     ["--clip-norm", "0.001", "--optimizer", "sgd:lr=0.1"], ["--clip-value=1e-4"],
                     ["--activation", "tanh"], ["--init", "xavier_normal"], ["--code-activation", "tanh"],
                     ["--decoder", "8"], ["--batch", "16"], ["--scale", "robust:clip=5"],
                     ["--loss", "mae"], ["--target", "rows.csv", "--epochs=4"]):
            done = self.run_tool(*self.train_args("other.safetensors", *more))
            self.assertEqual(done.returncode, 0, (more, done.stderr))
            self.assertNotEqual(base, slurp(self.path("other.safetensors")), more)
        self.good(*self.train_args("other.safetensors", "--optimizer", "adam", "--lr=1e-3", "--threads", "1"))
        self.assertEqual(base, slurp(self.path("other.safetensors")))

    def test_log_has_every_term_by_name(self):
        done = self.good("train", "rows.npy", "--encoder", "16,4", "--bottleneck", "gaussian:warmup=2", "--output", "sigmoid", "--loss",
                         "bce:reduction=sum", "--penalty", "l1:weight=0.01", "--valid", "0.25", "--epochs", "3", "--log", "terms.jsonl",
                         "-o", "terms.safetensors")
        shown = [line for line in done.stdout.splitlines() if line.startswith("epoch")]
        for line, text in zip(map(json.loads, slurp(self.path("terms.jsonl")).splitlines()), shown):
            self.assertEqual(list(line["terms"]), ["reconstruction", "kl", "l1"])
            self.assertEqual(list(line["valid_terms"]), ["reconstruction", "kl"])
            self.assertAlmostEqual(sum(line["terms"].values()), line["train_loss"], places=5)
            self.assertAlmostEqual(sum(line["valid_terms"].values()), line["valid_loss"], places=5)
            self.assertAlmostEqual(line["train_objective"], line["terms"]["reconstruction"] + line["terms"]["kl"], places=5)
            found = re.search(r"loss \S+ \(reconstruction (\S+), kl (\S+), l1 (\S+)\)  valid \S+ \(reconstruction (\S+), kl (\S+)\)", text)
            wanted = list(line["terms"].values()) + list(line["valid_terms"].values())
            for number, value in zip(found.groups(), wanted):
                self.assertAlmostEqual(float(number), value, delta=1e-5 * max(1, abs(value)))
        self.good(*self.train_args("terms.safetensors", "--log", "terms.jsonl", "--quiet"))
        line = json.loads(slurp(self.path("terms.jsonl")).splitlines()[-1])
        self.assertEqual(line["terms"], {"reconstruction": line["train_loss"]})
        self.assertEqual(line["train_objective"], line["train_loss"])
        self.assertNotIn("valid_terms", line)

    # ---- Layers ----

    def layers(self, *more):
        """Encoder and decoder of a model, each layer as TYPE:KEY=VALUE,...; a container's in parentheses."""
        def text(layer):
            inside = " ".join(text(child) for child in layer["layers"]) if "layers" in layer else None
            rest = ",".join("%s=%s" % item for item in layer.items() if item[0] not in ("type", "layers"))
            return layer["type"] + (":" + rest if rest else "") + ("(%s)" % inside if inside is not None else "")
        self.good("train", "rows.npy", "--epochs", "1", "-q", "-o", "layers.safetensors", *more)
        whole = json.loads(self.good("info", "layers.safetensors", "--json").stdout)
        return [" ".join(text(layer) for layer in whole[net]["layers"]) for net in ("encoder", "decoder")]

    def test_layers(self):
        for encoder, same in (("16,4", "16 4"), ("16,8,4", "16,8 4"), ("16,4", "dense:units=16,activation=relu dense:units=4"),
                              ("16,4", "dense:units=16,activation=relu 4"), ("16,4", " 16\trelu\n4 ")):
            outcome = []
            for text in (encoder, same):
                self.good("train", "rows.npy", "--encoder", text, "--epochs", "2", "-q", "-o", "layers.safetensors")
                self.good("encode", "layers.safetensors", "rows.npy", "-o", "layers.npy")
                outcome.append(slurp(self.path("layers.npy")))
            if "relu\n" in same:
                continue  # another place of the last layer, so other first weights
            self.assertEqual(*outcome, (encoder, same))
        for encoder, more, want in (
                ("dense:units=16 relu 4", [], ["dense:units=16 relu dense:units=4", "dense:units=16 relu dense:units=36"]),
                ("16 dropout:rate=0.1 layer_norm tanh 4", ["--code-activation", "sigmoid"],
                 ["dense:units=16 dropout:rate=0.1 layer_norm tanh dense:units=4,activation=sigmoid",
                  "dense:units=16 layer_norm tanh dense:units=36"]),
                ("16 layer_norm 8 leaky_relu:slope=0.2", ["--activation", "elu:alpha=2", "--init", "he_normal"],
                 ["dense:units=16,init=he_normal,activation=elu:alpha=2 layer_norm dense:units=8,init=he_normal "
                  "leaky_relu:slope=0.2",
                  "dense:units=16,init=he_normal,activation=elu:alpha=2 layer_norm dense:units=36,init=he_normal"]),
                ("16 residual(layer_norm 8 sequential(16)) 4", [],
                 ["dense:units=16,activation=relu residual(layer_norm dense:units=8,activation=relu "
                  "sequential(dense:units=16)) dense:units=4", None]),
                ("16,4", ["--decoder", "8 layer_norm relu 36", "--output", "sigmoid"],
                 ["dense:units=16,activation=relu dense:units=4",
                  "dense:units=8 layer_norm relu dense:units=36,activation=sigmoid"]),
                ("dense:units=16 tanh 4", ["--decoder", "8,12", "--loss", "gaussian_nll"],
                 ["dense:units=16 tanh dense:units=4",
                  "dense:units=8,activation=relu dense:units=12,activation=relu dense:units=72"]),
                # the last number becomes the units of a bottleneck that makes the code, as the last width does
                ("dense:units=16 relu 4", ["--bottleneck", "gaussian:beta=0.5"],
                 ["dense:units=16 relu", "dense:units=16 relu dense:units=36"]),
                ("dense:units=16 relu 4 tanh", ["--bottleneck", "gaussian:units=2"],
                 ["dense:units=16 relu dense:units=4 tanh", None]),
                ("dense:units=16 relu 4", ["--tied"],
                 ["dense:units=16 relu dense:units=4",
                  "dense:units=16,tied=encoder.2 relu dense:units=36,tied=encoder.0"])):
            found = self.layers("--encoder", encoder, *more)
            self.assertEqual(found[0], want[0], encoder)
            if want[1] is not None:
                self.assertEqual(found[1], want[1], encoder)
        self.layers("--encoder", "dense:units=16 relu 4", "--bottleneck", "gaussian:beta=0.5")
        self.assertIn('"units":4', self.good("info", "layers.safetensors", "--json").stdout)

    def test_layers_that_cannot_be(self):
        train = ["train", "no-such-file.npy", "-o", "x.safetensors", "--encoder"]  # refused before data are read
        for text, words in (
                ("16 rellu 4", ["--encoder: layer 2, 'rellu' is not", "known: dense, dropout"]),
                ("rellu", "--encoder: 'rellu' is not"), ("16,8 0", "layer 3, '0'"), ("16, 8", "layer 1, '16,'"),
                ("16 8,,4", "layer 2, '8,,4'"), ("8 1000000001", "layer 2, '1000000001'"), ("16x 4", "layer 1, '16x'"),
                ("16 (8) 4", "layer 2, '(8)'"), (" ", "not a list of layers"), ("", "not a list of layers"),
                ("dense:unit=16 4", ["--encoder: layer 1, 'dense:unit=16': ", "unknown setting 'unit'"]),
                ("16 residual(8 dropout:rate=2) 4", ["layer 4, 'dropout:rate=2': ", "rate"]),
                ("16 residual 4", ["layer 2, 'residual'", "in parentheses"]), ("16 relu(8) 4", ["layer 3, '8'", "not a container"]),
                ("16 residual(8", "a '(' is not closed"), ("16 residual() 4", "layer 2 closes parentheses without layers"),
                ("16 ) 4", "layer 1 has no opening parenthesis"), (" ".join(["4"] * 65), "has 65 widths"),
                ("dense:units=4,activation=%s" % ("x" * 600), "layer 1"), ("16 relu dense:units=%s" % ("1" * 600), "layer 3")):
            self.bad(2, words, *train, text)
        self.bad(2, "--decoder: layer 1, 'rellu' is not", *train, "4", "--decoder", "rellu 36")
        for option, value in (("activation", "relu"), ("init", "he_normal"), ("code-activation", "tanh")):
            self.bad(2, "--%s is for widths" % option, *train, "dense:units=4 relu", "--" + option, value)
        self.bad(2, "--decoder goes with --encoder only", "train", "rows.npy", "-o", "x.safetensors", "--start",
                 "model.safetensors", "--decoder", "8 relu 36")
        train[1] = "rows.npy"
        self.bad(2, ["--encoder 'reshape:dims=5x7 4': encoder.0: ", "'reshape'"], *train, "reshape:dims=5x7 4")
        self.bad(2, ["--decoder 'reshape:dims=3': decoder.0: "], *train, "16,4", "--decoder", "reshape:dims=3")
        self.bad(2, ["--decoder '8 relu 12'", "12 numbers", "has 36", "the output's layer too"], *train, "16,4", "--decoder",
                 "8 relu 12")

    def test_patience_and_valid_file(self):
        done = self.good(*self.train_args("x.safetensors", "--valid", "rows.csv", "--patience", "1",
                                          "--min-improvement", "10", "--log", "p.jsonl", epochs="50"))
        self.assertEqual(len(slurp(self.path("p.jsonl")).splitlines()), 2)
        self.assertIn("stopped early", done.stdout)

    def test_same_seed_same_bytes(self):
        base = slurp(self.path("model.safetensors"))
        for threads in ("1", "2", "3"):
            self.good(*self.train_args("again.safetensors", "--threads", threads))
            self.assertEqual(base, slurp(self.path("again.safetensors")), threads)

    def test_encode_decode_reconstruct_score(self):
        self.good("encode", "model.safetensors", "rows.npy", "-o", "code.npy")
        self.good("decode", "model.safetensors", "code.npy", "-o", "decoded.npy")
        self.good("reconstruct", "model.safetensors", "rows.npy", "-o", "out.npy")
        self.good("score", "model.safetensors", "rows.npy", "-o", "score.npy")
        self.good("score", "model.safetensors", "rows.npy", "--features", "-o", "features.npy")
        (code, _), (shape, out) = read_npy(self.path("code.npy")), read_npy(self.path("out.npy"))
        self.assertEqual((code, shape), ((ROWS, 4), (ROWS, COLS)))
        _, decoded = read_npy(self.path("decoded.npy"))
        self.assertLess(max(abs(a - b) for a, b in zip(out, decoded)), 1e-5)
        rows = flat(scaled(self.rows))
        _, score = read_npy(self.path("score.npy"))
        _, features = read_npy(self.path("features.npy"))
        for i in range(ROWS):
            part = slice(i * COLS, (i + 1) * COLS)
            mse = sum((a - b) ** 2 for a, b in zip(rows[part], out[part])) / COLS
            self.assertAlmostEqual(score[i], mse, places=5)
            self.assertAlmostEqual(score[i], sum(features[part]) / COLS, places=5)

    def test_score_against_target(self):
        self.good("reconstruct", "model.safetensors", "rows.npy", "-o", "own.npy")
        done = self.good("score", "model.safetensors", "rows.npy", "--target", "own.npy")
        self.assertLess(max(float(v) for v in done.stdout.split()), 1e-10)

    def test_info(self):
        text = self.good("info", "model.safetensors").stdout
        for word in ("input 36 -> code 4 -> output 36", "encoder.0.weight", "16 x 36", "576", '"units": 16'):
            self.assertIn(word, text)
        model = json.loads(self.good("info", "--json", "model.safetensors").stdout)
        self.assertIn("encoder", model)

    def test_description_and_start(self):
        self.write("model.json", self.good("info", "--json", "model.safetensors").stdout.encode())
        base = slurp(self.path("model.safetensors"))
        plain = ["train", "rows.npy", "--epochs", "3", "--batch", "32", "--seed", "7", "-o", "described.safetensors"]
        self.good(*plain, "--model-json", "model.json")
        self.assertEqual(base, slurp(self.path("described.safetensors")))
        done = self.good(*plain, "--start", "model.safetensors")
        first = float(done.stdout.split("loss ")[1].split()[0])
        fresh = self.good(*self.train_args("x.safetensors")).stdout
        self.assertLess(first, float(fresh.split("loss ")[1].split()[0]))
        self.bad(2, "--loss goes with --encoder", *plain, "--start", "model.safetensors", "--loss", "mae")
        self.bad(1, "descr", *plain, "--model-json", self.write("bad.json", b'{"format": 1, "inp'))

    def test_pca(self):
        done = self.good("pca", "rows.npy", "--components", "5", "-o", "pca.safetensors")
        self.assertRegex(done.stdout, r"^5 components explain \d+\.\d % of the variance of 120 rows of 36 columns\n")
        self.assertIn("saved pca.safetensors", done.stdout)
        mapped = slurp(self.path("pca.safetensors"))
        self.good("pca", "rows.csv", "--components", "5", "-o", "x.safetensors")
        self.assertEqual(mapped, slurp(self.path("x.safetensors")))
        shape, code = read_npy(self.encoded_by("pca.safetensors"))
        self.assertEqual(shape, (ROWS, 5))
        spread = [math.fsum(code[i::5][r] ** 2 for r in range(ROWS)) / (ROWS - 1) for i in range(5)]
        self.assertEqual(spread, sorted(spread, reverse=True))
        for i in range(5):
            self.assertAlmostEqual(math.fsum(code[i::5]) / ROWS, 0, 5)
        text = self.good("info", "pca.safetensors").stdout
        table = [line.split() for line in text.split("together\n")[1].splitlines()]
        self.assertEqual([row[0] for row in table], ["1", "2", "3", "4", "5"])
        for row, variance in zip(table, spread):
            self.assertAlmostEqual(float(row[1]) / variance, 1, 4)
        self.good("reconstruct", "pca.safetensors", "rows.npy", "-o", "x.npy")
        self.good("score", "pca.safetensors", "rows.npy", "-o", "x.npy")
        self.good("decode", "pca.safetensors", "code.npy", "-o", "x.npy")
        self.bad(1, "the model is a PCA", "train", "rows.npy", "--start", "pca.safetensors", "--epochs", "2", "-o", "y")

    def encoded_by(self, model):
        self.good("encode", model, "rows.npy", "-o", "code.npy")
        return self.path("code.npy")

    def test_pca_options(self):
        self.good("pca", "rows.npy", "--components", "0.9", "--whiten", "-q", "-o", "white.safetensors")
        shape, code = read_npy(self.encoded_by("white.safetensors"))
        for i in range(shape[1]):
            self.assertAlmostEqual(math.fsum(v * v for v in code[i::shape[1]]) / (ROWS - 1), 1, 3)
        table = self.good("info", "white.safetensors").stdout.split("together\n")[1].splitlines()
        together = [float(line.split()[4]) for line in table]
        self.assertTrue(together[-1] >= 90 > together[-2])
        self.good("pca", "rows.npy", "-o", "all.safetensors", "--method", "gram")
        self.assertIn("code 36", self.good("info", "all.safetensors").stdout)
        table = self.good("info", "all.safetensors").stdout.split("together\n")[1].splitlines()
        self.assertEqual((len(table), table[-2].strip(), table[-1].split()[0]), (22, "...", "36"))
        self.bad(2, ["--components", "'0'", "0.95"], "pca", "rows.npy", "--components", "0", "-o", "y.safetensors")
        self.bad(2, "'1.5'", "pca", "rows.npy", "--components", "1.5", "-o", "y.safetensors")
        self.bad(1, "37 components are asked for", "pca", "rows.npy", "--components", "37", "-o", "y.safetensors")
        self.bad(2, ["--method", "svd", "covariance"], "pca", "rows.npy", "--method", "svd", "-o", "y.safetensors")
        self.bad(2, "needs -o", "pca", "rows.npy")
        self.bad(2, "not to '-'", "pca", "rows.npy", "-o", "-")
        self.assertFalse(os.path.exists(self.path("y.safetensors")))

    def test_pca_pictures(self):
        if not self.has_png:
            self.skipTest("built without libpng")
        self.write("pca_labels.csv", "\n".join(str(i % 5) for i in range(ROWS)).encode())
        self.good("pca", "images.idx", "--components", "15", "-o", "x.safetensors", "--pictures", "pca", "--labels",
                  "pca_labels.csv")
        self.assertEqual(sorted(os.listdir(self.path("pca"))),
                         ["code.png", "components.png", "reconstructions.png", "traversal.png", "variance.png"])
        self.assertEqual(png_size(self.path("pca/variance.png")), (960, 600))
        tile, columns = 72, 1000 // (72 + 4)
        self.assertEqual(png_size(self.path("pca/components.png")),
                         (2 * 16 + columns * (tile + 4) - 4, 2 * 16 + 56 + 2 * (tile + 18) - 4))
        self.good("pca", "rows.csv", "--components", "1", "-o", "x.safetensors", "--pictures", "pca_rows")
        self.assertEqual(sorted(os.listdir(self.path("pca_rows"))), ["code.png", "reconstructions.png", "traversal.png",
                                                                   "variance.png"])

    # ---- Formats ----

    def encoded(self, name, *more, data=None):
        self.good("encode", "model.safetensors", name, "-o", "formats.npy", *more, data=data, text=data is None)
        return slurp(self.path("formats.npy"))

    def test_every_format_reads_the_same(self):
        rows = scaled(self.rows)
        base = self.encoded("rows.npy")
        columns = [rows[i][k] for k in range(COLS) for i in range(ROWS)]
        self.write("f.npy", npy(columns, (ROWS, COLS), fortran=True))
        self.write("f8.npy", npy(flat(rows), (ROWS, COLS), "<f8", version=2))
        self.write("big.npy", npy(flat(rows), (ROWS, COLS), ">f4", version=3))
        self.write("cube.npy", npy(flat(rows), (ROWS, SIDE, SIDE), ">f8"))
        cube = [rows[i][j * SIDE + k] for k in range(SIDE) for j in range(SIDE) for i in range(ROWS)]
        self.write("fcube.npy", npy(cube, (ROWS, SIDE, SIDE), fortran=True))
        names = ["f.npy", "f8.npy", "big.npy", "cube.npy", "fcube.npy", "rows.csv", "images.idx"]
        if self.has_zlib:
            self.write("rows.npy.gz", gzip.compress(slurp(self.path("rows.npy"))))
            names += ["images.idx.gz", "rows.npy.gz"]
        for name in names:
            self.assertEqual(base, self.encoded(name), name)
            self.assertEqual(base, self.encoded("-", data=slurp(self.path(name))), name + " on stdin")

    def test_whole_number_types(self):
        rows = [[(3 * i + 5 * k) % 100 for k in range(COLS)] for i in range(7)]
        base = self.encoded(self.write("whole.npy", npy([float(v) for v in flat(rows)], (7, COLS))))
        for kind in ("|u1", "|i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "<u2", "<f2", ">f2"):
            name = self.write("kind.npy", npy(flat(rows), (7, COLS), kind))
            self.assertEqual(base, self.encoded(name, "--u8", "raw"), kind)
        negative = [[-v for v in row] for row in rows]
        base = self.encoded(self.write("whole.npy", npy([float(v) for v in flat(negative)], (7, COLS))))
        for kind in ("|i1", "<i2", ">i4", "<i8"):
            self.assertEqual(base, self.encoded(self.write("kind.npy", npy(flat(negative), (7, COLS), kind))), kind)

    def test_csv_dialects(self):
        rows = scaled(self.rows)[:9]
        base = self.encoded(self.write("few.npy", npy(flat(rows), (9, COLS))))

        def text(separator, head="", end="\n", form=repr):
            return (head + end.join(separator.join(form(v) for v in row) for row in rows) + end).encode()
        names = ",".join("p%d" % k for k in range(COLS)) + "\n"
        dialects = {
            "comma": text(","), "semicolon": text(";"), "tab": text("\t"), "space": text(" "), "spaces": text("   "),
            "comma and blanks": text(" , "), "crlf": text(",", end="\r\n"), "bom": b"\xef\xbb\xbf" + text(","),
            "header": text(",", names), "quoted header": text(",", names.replace("p1,", '"p, 1",')),
            "bom and header": b"\xef\xbb\xbf" + text(",", names.replace(",", ",\t")),
            "quoted": text(",", form=lambda v: '"%r"' % v), "no last newline": text(",")[:-1],
            "comment": text(" ", "# from somewhere\n"), "empty lines": text(",", "\n\n", "\n\n"),
            "exponents": text(",", form=lambda v: "%.12E" % v), "plus": text(",", form=lambda v: "+%r" % v),
            "many digits": text(",", form=lambda v: "%.40f" % v),
        }
        for name, data in dialects.items():
            self.assertEqual(base, self.encoded(self.write("dialect.csv", data)), name)
            self.assertEqual(base, self.encoded("-", data=data), name)
        numbered = ",".join(str(k) for k in range(COLS)) + "\n"
        self.assertEqual(base, self.encoded(self.write("dialect.csv", text(",", numbered)), "--header", "yes"))

    def test_output_formats(self):
        self.good("encode", "model.safetensors", "rows.npy", "-o", "code.npy")
        _, code = read_npy(self.path("code.npy"))
        self.good("encode", "model.safetensors", "rows.npy", "-o", "code.csv")
        text = slurp(self.path("code.csv")).decode()
        self.assertEqual(text, self.good("encode", "model.safetensors", "rows.npy").stdout)
        self.assertEqual(len(text.splitlines()), ROWS)
        back = [struct.unpack("f", struct.pack("f", float(v)))[0] for v in text.replace("\n", ",").split(",")[:-1]]
        self.assertEqual(list(code), back)
        done = self.good("encode", "model.safetensors", "rows.npy", "-o", "-", "--format", "npy", text=False)
        self.assertEqual(done.stdout, slurp(self.path("code.npy")))
        self.good("encode", "model.safetensors", "rows.npy", "-o", "code.idx")
        self.good("decode", "model.safetensors", "code.npy", "-o", "a.npy")
        self.good("decode", "model.safetensors", "code.idx", "-o", "b.npy")
        self.assertEqual(slurp(self.path("a.npy")), slurp(self.path("b.npy")))

    def test_pipe_of_two(self):
        first = self.good("encode", "model.safetensors", "-", "-o", "-", data=slurp(self.path("rows.csv")).decode())
        second = self.good("decode", "model.safetensors", "-", "-o", "-", data=first.stdout)
        direct = self.good("reconstruct", "model.safetensors", "rows.csv").stdout
        pairs = zip(second.stdout.replace("\n", ",").split(",")[:-1], direct.replace("\n", ",").split(",")[:-1])
        self.assertLess(max(abs(float(a) - float(b)) for a, b in pairs), 1e-5)

    # ---- Refusals ----

    def test_detect(self):
        state, rows, labels = 1, [], []
        for i in range(300):
            values = []
            for _ in range(4):
                state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
                values.append((state >> 40) / (1 << 24) - 0.5)
            odd = i % 30 == 7
            a = 1.0 if odd else values[0]
            rows.append("%g,%g,%g" % (1000 + 100 * a, 0.01 * ((-a if odd else a) + 0.1 * values[1]), values[2]))
            labels.append(str(int(odd)))
        self.write("raw.csv", ("pressure,flow,other\n" + "\n".join(rows)).encode())
        self.write("odd.csv", "\n".join(labels).encode())
        done = self.good("detect", "raw.csv", "--labels", "odd.csv", "--save", "detector.safetensors", "-o", "scores.npy",
                         "--threshold", "quantile:q=0.95")
        self.assertIn("flagged 15 of 300 rows (5.00 %)", done.stdout)
        auc = float(done.stdout.split("ROC-AUC ")[1].split(",")[0])
        self.assertGreater(auc, 0.95)
        self.assertIn("average precision", done.stdout)
        self.assertEqual(len(slurp(self.path("scores.npy"))), 128 + 4 * 300)
        self.assertIn("scaling", self.good("info", "detector.safetensors").stdout)
        self.good("score", "detector.safetensors", "raw.csv", "-o", "loss.csv")
        self.good("detect", "raw.csv", "-o", "again.npy", "--threads", "3", "--threshold", "mad")
        self.assertEqual(slurp(self.path("scores.npy")), slurp(self.path("again.npy")))
        self.good("detect", "raw.csv", "-o", "other.npy", "--steps", "50", "--noise", "2", "--scale", "robust")
        self.assertNotEqual(slurp(self.path("scores.npy")), slurp(self.path("other.npy")))
        part = self.write("part.csv", "\n".join(rows[:40]).encode())
        done = self.good("detect", "raw.csv", "--test", part, "--threshold", "fpr:rate=0.05")
        self.assertEqual(len(done.stdout.splitlines()), 41)
        self.assertIn("of 40 rows", done.stderr)
        self.bad(1, ["--labels", "300 rows"], "detect", "raw.csv", "--test", part, "--labels", "odd.csv", "-o", "x.npy")
        self.bad(1, ["row 1", "0.5"], "detect", part, "--labels", self.write("half.csv", b"0.5\n" * 40), "-o", "x.npy")
        self.bad(1, ["--test", "3 columns"], "detect", "rows.csv", "--test", part, "-o", "x.npy")
        self.bad(2, ["--threshold", "quantil", "known"], "detect", "raw.csv", "--threshold", "quantil", "-o", "x.npy")
        self.bad(2, "999", "detect", "raw.csv", "--threshold", "fpr:rate=1e-3", "-o", "x.npy")
        if self.has_png:
            self.good("detect", "raw.csv", "--labels", "odd.csv", "-o", "x.npy", "--pictures", "detect")
            self.assertEqual(png_size(self.path("detect/roc.png")), (700, 700))
            self.assertEqual(png_size(self.path("detect/scores.png")), (960, 600))

    def test_command_line_errors(self):
        train = self.train_args("x.safetensors")
        self.bad(2, "no command")
        self.bad(2, ["unknown command 'fit'", "train, encode"], "fit")
        self.bad(2, ["unknown option '--epoch'", "did you mean --epochs?"], *train, "--epoch", "3")
        self.bad(2, ["unknown option '--otimiser=x'", "did you mean --optimizer?"], *train, "--otimiser=x")
        self.bad(2, ["unknown option '--zzzzzz'", "see: autoenc help train"], *train, "--zzzzzz")
        self.bad(2, ["unknown option '-z'", "see: autoenc help train"], *train, "-z")
        self.bad(2, ["encode: unknown option '--epochs'", "it is an option of: train, sweep"], "encode", "model.safetensors",
                 "x.npy", "--epochs")
        self.bad(2, ["--lr", "'fast'"], *train, "--lr", "fast")
        self.bad(2, ["--lr", "'-1'", "number from 1e-300"], *train, "--lr=-1")
        self.bad(2, ["--epochs", "'0'"], *train, "--epochs", "0")
        self.bad(2, ["--epochs", "'3.5'"], *train, "--epochs", "3.5")
        self.bad(2, ["--seed", "'18446744073709551616'"], *train, "--seed", "18446744073709551616")
        self.bad(2, ["--encoder", "'16,,4'"], *train, "--encoder", "16,,4")
        self.bad(2, ["--encoder", "'0'"], *train, "--encoder", "0")
        self.bad(2, ["--image", "'8'"], *train, "--image", "8")
        self.bad(2, ["--valid", "'1.5'"], *train, "--valid", "1.5")
        self.bad(2, ["--header", "'maybe'", "auto, yes, no"], *train, "--header", "maybe")
        self.bad(2, "--quiet takes no value", *train, "--quiet=yes")
        self.bad(2, "--lr needs a value", *train, "--lr")
        self.bad(2, "one operand too many", *train, "more.npy")
        self.bad(2, "needs MODEL DATA", "encode", "model.safetensors")
        self.bad(2, "needs -o", "train", "rows.npy", "--encoder", "4")
        self.bad(2, "needs --encoder", "train", "rows.npy", "-o", "x.safetensors")
        self.bad(2, "--patience needs --valid", *train, "--patience", "3")
        self.bad(2, "both set the learning rate", *train, "--optimizer", "adam:lr=1", "--lr", "1")
        self.bad(2, "only once", "score", "model.safetensors", "-", "--target", "-")
        self.bad(2, "--labels", *train, "--labels", "rows.npy")
        for option, value in (("loss", "msee"), ("optimizer", "adm"), ("activation", "rellu"), ("output", "sigmoidd"),
                              ("schedule", "cosin"), ("scale", "standart"), ("init", "glorott"), ("code-activation", "tanhh")):
            self.bad(2, ["--" + option, "'%s'" % value, "known"], *train, "--" + option, value)
        self.bad(2, "--activation elu:alpha=-1: ", *train, "--activation", "elu:alpha=-1", "--output", "elu")
        self.bad(2, "--output elu:alpha=-1: ", *train, "--activation", "elu", "--output", "elu:alpha=-1")
        three = self.write("three.csv", b"1,2,3\n" * ROWS)
        for option in ("valid", "target"):
            self.bad(1, "--%s %s: has rows of 3" % (option, three), *train, "--" + option, three)
        self.bad(1, "--valid-target %s: has rows of 3" % three, *train, "--valid", "rows.npy", "--target", "rows.npy",
                 "--valid-target", three)
        self.bad(1, "%s: has rows of 3" % three, "score", "model.safetensors", three)
        self.bad(1, "train: --model-json %s: " % three, "train", "rows.npy", "--model-json", three, "-o", "x.safetensors")
        self.bad(1, "pca: --components 99: ", "pca", "rows.npy", "--components", "99", "-o", "x.safetensors")
        self.bad(1, "train: --pretrain-penalty kl:weight=1: ", *train, "--pretrain", "1", "--pretrain-penalty", "kl:weight=1")
        self.bad(2, ["ending", ".npy, .csv"], "encode", "model.safetensors", "rows.npy", "-o", "code.txt")
        self.bad(2, "gzip is not written", "encode", "model.safetensors", "rows.npy", "-o", "code.npy.gz")

    def test_library_errors(self):
        self.bad(1, "nothing.safetensors", "encode", "nothing.safetensors", "rows.npy")
        self.bad(1, "autoenc: ", "info", self.write("broken.safetensors", b"\xff" * 100))
        done = self.bad(1, "4", "encode", "model.safetensors", self.write("narrow.csv", b"1,2,3,4\n"))
        self.assertIn("36", done.stderr)

    def refuse(self, name, data, *words):
        self.bad(1, (os.path.basename(name),) + words, "encode", "model.safetensors", self.write(name, data))

    def test_bad_csv(self):
        self.refuse("a.csv", b"1,2,3\n4,5\n", "line 2", "column 2", "line 1 has 3")
        self.refuse("a.csv", b"1,2,3\n4,5,6,7\n", "line 2, column 4", "one too many")
        self.refuse("a.csv", b"a,b\n1,2\n3,nan\n", "line 3, column 2 ('b') is missing: 'nan'")
        self.refuse("a.csv", b"1,2\n3,inf\n", "line 2, column 2", "infinite")
        self.refuse("a.csv", b"1,2\n3,1e39\n", "line 2, column 2", "too large")
        self.refuse("a.csv", b"1,2\n3,1e999\n", "line 2, column 2", "too large")
        self.refuse("a.csv", b"1,2\n3,\n", "line 2, column 2 is empty")
        self.refuse("a.csv", b"1,2\n,3\n", "line 2, column 1 is empty")
        self.refuse("a.csv", b"1,2\n3,4x\n", "line 2, column 2", "'4x' is not a number")
        self.refuse("a.csv", b"1,2\n3,0x10\n", "'0x10' is not a number")
        self.refuse("a.csv", b"1.5;2\n3.5;4\n3;4,5\n", "'4,5' is not a number", "--decimal ,")
        self.refuse("a.csv", b'1,2\n"3,4\n', "line 2", "quote")
        self.refuse("a.csv", b"1,x,3\n1,2,3\n", "line 1, column 2", "--header yes")
        self.refuse("a.csv", b"", "is empty")
        self.refuse("a.csv", b"a,b,c\n", "no rows")
        self.refuse("a.csv", b"\n\n", "no rows")
        self.refuse("a.csv", b"1,2\n3,\x004\n", "zero byte")
        self.refuse("a.csv", b"1\n\x1b[31m\xff\xfe", "'?[31m??' is not a number")
        self.refuse("a.csv", b"1\n" + b"1" * 500 + b"\n", "too large")
        self.refuse("a.csv", b"1\n" + b"1" * 5000 + b"\n", "not a number")

    def test_bad_npy(self):
        whole = npy(flat(scaled(self.rows)), (ROWS, COLS))
        self.refuse("a.npy", whole[:-1], "only")
        self.refuse("a.npy", whole + b"x", "goes on after")
        self.refuse("a.npy", whole[:50], "ends within its .npy header")
        self.refuse("a.npy", b"hello", "does not begin like")
        self.refuse("a.npy", whole[:6] + b"\x09" + whole[7:], "version 9")
        for old, new, word in ((b"<f4", b"<c8", "type"), (b"<f4", b"|O8", "type"),
                               (b"(120, 36)", b"(120, 3x)", "damaged"), (b"False", b"Maybe", "damaged"),
                               (b"(120, 36)", b"(120, 0) ", "dimension 2"),
                               (b"(120, 36)", b"()       ", "single number"), (b"'descr'", b"'desxr'", "damaged"),
                               (b"(120, 36), ", b"(9999999999,", "damaged"), (b", }", b"  }", "shape")):
            data = whole.replace(old, new, 1)
            self.assertEqual(len(data) == len(whole) or old == b"(120, 36), ", True)
            if word != "shape":
                self.refuse("a.npy", data, word)
        huge = npy([], (2 ** 40, 2 ** 40))
        self.refuse("a.npy", huge, "more than memory")
        self.refuse("a.npy", npy([], (10 ** 12, 36)), "only 0 follow")
        self.refuse("a.npy", npy([1.0] * 35 + [math.nan] + [1.0] * 36, (2, COLS)), "row 1, column 36 is nan")
        self.refuse("a.npy", npy([1.0] * 40 + [1e300] + [1.0] * 31, (2, COLS), "<f8"), "row 2, column 5", "too large")
        for piece in (whole[:-1], npy([], (10 ** 12, 36))):
            self.bad(1, ["standard input", "ends in row"], "encode", "model.safetensors", "-", data=piece, text=False)

    def test_bad_idx(self):
        whole = idx(self.rows, [ROWS, SIDE, SIDE])
        self.refuse("a.idx", whole[:-1], "only")
        self.refuse("a.idx", whole + b"x", "goes on after")
        self.refuse("a.idx", whole[:9], "ends within its dimensions")
        self.refuse("a.idx", b"\0\0", "too short")
        self.refuse("a.idx", b"\0\0\x07\x03" + whole[4:], "00 00 07 03")
        self.refuse("a.idx", b"\0\0\x08\x03" + b"\xff" * 12, "more than memory")
        self.refuse("a.idx", bytes([0, 0, 8, 3]) + struct.pack(">III", 2 ** 31, 1000, 1000), "only 0 follow")
        self.refuse("a.idx", bytes([0, 0, 8, 2]) + struct.pack(">II", 0, 5), "dimension 1 is 0")

    def test_gzip(self):
        whole = idx(self.rows, [ROWS, SIDE, SIDE])
        packed = gzip.compress(whole)
        if not self.has_zlib:
            self.refuse("a.idx.gz", packed, "without zlib")
            return
        self.assertEqual(self.encoded("rows.npy"),
                         self.encoded(self.write("two.gz", gzip.compress(whole[:500]) + gzip.compress(whole[500:]))))
        self.refuse("a.idx.gz", packed[:-20], "compressed data")
        damaged = packed[:200] + bytes([packed[200] ^ 0x55]) + packed[201:]
        self.refuse("a.idx.gz", damaged, "a.idx.gz")
        self.refuse("a.idx.gz", packed[:-8] + b"\0\0\0\0" + packed[-4:], "damaged")
        base = self.encoded("rows.csv")
        self.assertEqual(base, self.encoded(self.write("a.csv.gz", gzip.compress(slurp(self.path("rows.csv"))))))
        # zeros behind the last member, as tapes pad with; nothing else
        for name in ("images.idx", "rows.csv", "rows.npy"):
            data = gzip.compress(slurp(self.path(name)))
            for zeros in (1, 512, 200000):
                self.assertEqual(base, self.encoded(self.write("padded.gz", data + bytes(zeros))), (name, zeros))
            self.refuse("a.gz", data + b"x", "no gzip follows")
            self.refuse("a.gz", data + bytes(7) + data, "no gzip follows")
            self.refuse("a.gz", data[:-9], "ends in the middle")
        self.assertEqual(base, self.encoded(self.write("two.gz", gzip.compress(slurp(self.path("rows.csv"))[:999]) +
                                                       gzip.compress(slurp(self.path("rows.csv"))[999:]))))

    def test_gzip_bombs_stay_small(self):
        """A gigabyte behind declared 36 bytes, and a declared terabyte with nothing behind it."""
        if not self.has_zlib:
            self.skipTest("built without zlib")
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = packer.compress(idx([], [1, SIDE, SIDE]))
        for _ in range(256):
            bomb += packer.compress(bytes(1 << 20))
        bomb += packer.flush()
        claim = gzip.compress(idx([], [2 ** 32 - 1, 100, 100]))
        for data, word in ((bomb, "goes on after"), (claim, "ends in row 1")):
            process = subprocess.Popen([TOOL, "encode", "model.safetensors", self.write("bomb.gz", data)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder.name)
            error = process.stderr.read().decode()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            process.stdout.close()
            process.stderr.close()
            self.assertEqual(process.returncode, 1)
            self.assertIn(word, error)
            self.assertLess(usage.ru_maxrss, 300 * 1024)

    def test_other_files(self):
        self.bad(1, "missing.npy", "encode", "model.safetensors", "missing.npy")
        self.bad(1, "directory", "encode", "model.safetensors", ".")
        self.bad(1, "cannot be written", "encode", "model.safetensors", "rows.npy", "-o", "nowhere/code.npy")
        self.bad(1, "cannot be written", *self.train_args("nowhere/x.safetensors"))
        self.bad(1, "--log", *self.train_args("x.safetensors", "--log", "nowhere/run.jsonl"))

    # ---- Disks, signals, terminals ----

    def test_full_disk_keeps_the_old_file(self):
        self.write("old.npy", b"old")

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        self.bad(1, ["old.npy", "kept"], "reconstruct", "model.safetensors", "rows.npy", "-o", "old.npy",
                 preexec_fn=limit)
        self.assertEqual(slurp(self.path("old.npy")), b"old")
        self.bad(1, "old.safetensors", *self.train_args(self.write("old.safetensors", b"old")), preexec_fn=limit)
        self.assertEqual(slurp(self.path("old.safetensors")), b"old")
        if os.path.exists("/dev/full"):
            for to in ("/dev/full", "-"):
                with open("/dev/full", "w") as out:
                    done = subprocess.run([TOOL, "reconstruct", "model.safetensors", "rows.npy", "-o", to, "--format",
                                           "csv"], cwd=self.folder.name, stderr=subprocess.PIPE, text=True, stdout=out)
                self.assertEqual(done.returncode, 1)
                self.assertIn("cannot be written", done.stderr)
            done = self.run_tool(*self.train_args("x.safetensors", "--log", "/dev/full"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("--log /dev/full", done.stderr)

    def test_output_through_a_link(self):
        self.write("real.csv", b"old")
        os.chmod(self.path("real.csv"), 0o640)
        if os.path.lexists(self.path("link.csv")):
            os.remove(self.path("link.csv"))
        os.symlink("real.csv", self.path("link.csv"))
        self.good("score", "model.safetensors", "rows.npy", "-o", "link.csv")
        self.assertTrue(os.path.islink(self.path("link.csv")))
        self.assertEqual(len(slurp(self.path("real.csv")).splitlines()), ROWS)
        self.assertEqual(os.stat(self.path("real.csv")).st_mode & 0o777, 0o640)

    def test_interrupt_saves(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = subprocess.Popen([TOOL, *self.train_args("stopped.safetensors", epochs="100000000")],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder.name)
            self.assertIn("epoch 1/", process.stdout.readline())
            process.send_signal(number)
            out, error = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3, error)
            self.assertIn("stopped by signal %d after " % number, out)
            self.assertIn("saved stopped.safetensors", out)
            self.good("info", "stopped.safetensors")
            os.remove(self.path("stopped.safetensors"))

    def wait_until_full(self, pipe):
        """Nothing has arrived for two seconds: however slow the machine is, whoever writes is stuck."""
        waiting, since = -1, time.monotonic()
        while time.monotonic() - since < 2:
            now = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]
            if now != waiting:
                waiting, since = now, time.monotonic()
            time.sleep(0.05)

    def test_reader_that_goes_away(self):
        """A training whose output nobody reads any more (| head) goes on, saves, and says that it could not write."""
        read, write = os.pipe()
        os.close(read)
        process = subprocess.Popen([TOOL, *self.train_args("piped.safetensors", epochs="3")], stdout=write,
                                   stderr=subprocess.PIPE, text=True, cwd=self.folder.name)
        os.close(write)
        errors = process.communicate(timeout=60)[1]
        self.assertGreater(process.returncode, 0, errors)
        self.assertIn("standard output: cannot be written", errors)
        self.good("info", "piped.safetensors")
        os.remove(self.path("piped.safetensors"))

    def test_interrupt_and_resume(self):
        """A run that is stopped by a signal, and one that is killed, go on to the same bytes."""
        more = ("--valid", "0.2", "--schedule", "cosine", "--checkpoint-every", "5")
        whole = self.train_args("whole.safetensors", *more[:4], epochs="120")
        self.good(*whole)
        args = self.train_args("parts.safetensors", *more, "--checkpoint", "parts.checkpoint", "--resume", epochs="120")
        for number in (signal.SIGINT, signal.SIGKILL):
            process = subprocess.Popen([TOOL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                       cwd=self.folder.name)
            self.assertIn("epoch ", process.stdout.readline())
            process.send_signal(number)
            out, error = process.communicate(timeout=60)
            if number == signal.SIGINT:
                self.assertEqual(process.returncode, 3, error)
                self.assertIn("--checkpoint parts.checkpoint --resume goes on from here", out)
                self.assertIn("encoder", self.good("info", "parts.checkpoint").stdout)
        for name in os.listdir(self.folder.name):
            if ".tmp" in name:
                os.remove(self.path(name))  # of a save that the kill has hit
        done = self.good(*args)
        self.assertNotIn("epoch 1/", done.stdout)
        self.assertEqual(slurp(self.path("parts.safetensors")), slurp(self.path("whole.safetensors")))
        self.bad(1, ["batch was 32", "is 16"], *args, "--batch", "16")
        self.assertEqual(self.good(*args).stdout.count("epoch "), 1)  # "best epoch": nothing more to do

    def test_other_pretraining_refused(self):
        """What was done before the training is part of the run that a checkpoint goes on with."""
        first = self.train_args("keyed.safetensors", "--checkpoint", "keyed.checkpoint", "--pretrain", "2", epochs="2")
        again = self.train_args("keyed.safetensors", "--checkpoint", "keyed.checkpoint", "--resume", epochs="3")
        self.good(*first)
        self.bad(1, "run_key was --pretrain 2 and is --pretrain 3", *again, "--pretrain", "3")
        self.bad(1, "run_key was --pretrain 2", *again)
        self.bad(1, "run_key", *again, "--pretrain", "2", "--pretrain-corrupt", "mask:level=0.2")
        self.good(*again, "--pretrain", "2")

    def test_pretraining_resumed(self):
        """Broken off among its layers or behind them, a run goes on to the same bytes, and trains no layer twice."""
        whole = self.train_args("whole.safetensors", "--pretrain", "60", epochs="80")
        self.good(*whole)
        args = self.train_args("parts.safetensors", "--pretrain", "60", "--checkpoint", "stack.checkpoint", "--resume",
                               "--checkpoint-every", "5", epochs="80")
        self.write("stack.checkpoint", b"of another run")
        again = args[:args.index("--resume")] + args[args.index("--resume") + 1:]
        seen = []
        for number, words in ((signal.SIGKILL, "layer 1/2  epoch 2"), (signal.SIGINT, "layer 1/2"),
                              (signal.SIGKILL, "layer 2/2"), (signal.SIGKILL, "epoch 2/80"), (signal.SIGINT, "epoch ")):
            process = subprocess.Popen([TOOL, *(args if seen else again)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, cwd=self.folder.name)
            lines = []
            while not lines or not lines[-1].startswith(words):
                lines.append(process.stdout.readline())
                self.assertNotEqual(lines[-1], "", process.stderr.read() if lines[-1] == "" else "")
            process.send_signal(number)
            process.communicate(timeout=60)
            seen.append("".join(lines))
            for name in os.listdir(self.folder.name):
                if ".tmp" in name:
                    os.remove(self.path(name))  # of a save that the kill has hit
            if len(seen) == 1:
                self.assertFalse(os.path.exists(self.path("stack.checkpoint")))
                self.assertTrue(os.path.exists(self.path("stack.checkpoint.layer-1")))
        self.assertIn("layer 1/2", seen[1])
        self.assertNotIn("layer", seen[4])
        done = self.good(*args)
        self.assertNotIn("layer", done.stdout)
        self.assertEqual(slurp(self.path("parts.safetensors")), slurp(self.path("whole.safetensors")))
        self.assertFalse([name for name in os.listdir(self.folder.name) if ".layer-" in name])

    def test_penalties_corruption_and_tied_weights(self):
        plain = self.train_args("plain.safetensors")
        args = self.train_args("sparse.safetensors", "--penalty", "l1:weight=1e-3,warmup=1", "--penalty",
                               "l2_weights:weight=1e-4", "--corrupt", "mask:level=0.2", "--corrupt",
                               "gaussian:sigma=0.1,to=0.05,over=2", "--tied", "--log", "sparse.log")
        out = self.good(*args).stdout
        self.assertRegex(out, r"loss [\d.e-]+ \(reconstruction [\d.e-]+, l1 [\d.e-]+, l2_weights [\d.e-]+\)")
        for line in slurp(self.path("sparse.log")).decode().splitlines():
            epoch = json.loads(line)
            self.assertEqual(list(epoch["terms"]), ["reconstruction", "l1", "l2_weights"])
            self.assertAlmostEqual(sum(epoch["terms"].values()), epoch["train_loss"], delta=1e-6)
        info = self.good("info", "sparse.safetensors").stdout
        for word in ("penalties", "l2_weights", "corrupt", "gaussian", '"tied": "encoder.0"'):
            self.assertIn(word, info)
        self.good(*plain)
        numbers = [int(re.search(r"(\d+) trained numbers", text).group(1))
                   for text in (info, self.good("info", "plain.safetensors").stdout)]
        self.assertLess(numbers[0], 0.6 * numbers[1])
        self.bad(2, "--penalty: 'l3:weight=1' is not one of the known: l1, kl", *plain, "--penalty", "l3:weight=1")
        self.bad(2, "setting 'weight' is missing", *plain, "--penalty", "l1:weight=1", "--penalty", "l2_weights")
        self.bad(2, "--corrupt mask:level=2: ", *plain, "--corrupt", "mask:level=2")
        self.bad(2, "more than 32 times", *plain, *(["--penalty", "l1:weight=1"] * 33))
        for option in (["--tied"], ["--penalty", "l1:weight=1"], ["--corrupt", "mask:level=1"]):
            self.bad(2, "goes with --encoder only", "train", "rows.npy", "--start", "plain.safetensors", "-o", "x.safetensors",
                     *option)

    def test_checkpoint_options(self):
        plain = self.train_args("x.safetensors")
        self.bad(2, "goes with --checkpoint", *plain, "--resume")
        self.bad(2, "goes with --checkpoint", *plain, "--checkpoint-every", "5")
        for text in ("0", "-3", "5.5", "x", "s", "0s", "5m", "1e99"):
            self.bad(2, "--checkpoint-every", *plain, "--checkpoint", "c", "--checkpoint-every", text)
        self.bad(2, "same file", *plain, "--checkpoint", "x.safetensors")
        self.bad(1, "no/such", *plain, "--checkpoint", "no/such/file")
        self.good(*plain, "--checkpoint", "seconds.checkpoint", "--checkpoint-every", "0.001s")
        self.bad(1, "other.checkpoint", *plain, "--checkpoint", self.write("other.checkpoint", slurp(self.path("rows.csv"))), "--resume")

    def test_full_disk_keeps_the_old_checkpoint(self):
        args = self.train_args("full.safetensors", "--checkpoint", "full.checkpoint")
        self.good(*args)
        before = slurp(self.path("full.checkpoint"))
        self.bad(1, "full.checkpoint", *args,
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
        self.assertEqual(slurp(self.path("full.checkpoint")), before)

    def test_large_data_are_mapped(self):
        """A file of 1 GiB, a hole but for its header, by a process that may have 768 MiB of data."""
        def limit():
            resource.setrlimit(resource.RLIMIT_DATA, (768 << 20, 768 << 20))

        if subprocess.run([TOOL, "version"], capture_output=True, preexec_fn=limit).returncode != 0:
            self.skipTest("with so little data the tool does not even start: a sanitizer needs more for itself")
        rows, cols = 1 << 16, 1 << 12
        head = npy([], (rows, cols))
        with open(self.path("large.npy"), "wb") as file:
            file.write(head)
            file.truncate(len(head) + 4 * rows * cols)
        self.good("train", "large.npy", "--encoder", "1", "--epochs", "1", "--batch", "1024", "--threads", "1", "-o",
                  "large.safetensors", preexec_fn=limit)
        os.remove(self.path("large.npy"))

    def test_second_interrupt_ends_at_once(self):
        """The log is a pipe that nobody empties: the tool hangs in a write, and the step cannot finish."""
        fifo = self.path("log.fifo")
        os.mkfifo(fifo)
        process = subprocess.Popen([TOOL, *self.train_args("hung.safetensors", "--log", fifo, epochs="100000000")],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder.name)
        with open(fifo, "rb") as reader:
            while not reader.read1(1):
                time.sleep(0.01)
            self.wait_until_full(reader)
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=20), -signal.SIGINT)
        process.stderr.close()
        self.assertFalse(os.path.exists(self.path("hung.safetensors")))

    def test_bar_on_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder.name)
            os.execv(TOOL, [TOOL, *self.train_args("x.safetensors", epochs="5")])
        seen = b""
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        self.assertEqual(status, 0)
        for word in (b"\r", b"[", b"]", b"loss", b"left", b"epoch 5/5"):
            self.assertIn(word, seen)

    # ---- Pictures ----

    def test_pictures(self):
        if not self.has_png:
            self.bad(2, "without libpng", *self.train_args("x.safetensors", "--pictures", "pictures"))
            return
        self.write("labels.csv", "\n".join(str(i % 5) for i in range(ROWS)).encode())
        self.good(*self.train_args("x.safetensors", "--pictures", "pictures", "--valid", "0.2", "--labels",
                                   "labels.csv", data="images.idx"))
        self.assertEqual(png_size(self.path("pictures/loss.png")), (960, 600))
        self.assertEqual(png_size(self.path("pictures/code.png")), (960, 600))
        self.assertFalse(os.path.exists(self.path("pictures/filters.png")))  # of 6x6 pixels
        self.assertEqual(png_size(self.path("pictures/traversal.png"))[1], 32 + 56 + 4 * (72 + 4) - 4)
        tile, columns = 72, 1000 // (72 + 4)
        self.assertEqual(png_size(self.path("pictures/reconstructions.png")),
                         (2 * 16 + 96 + columns * (tile + 4) - 4, 16 + 56 + 16 + 4 * (2 * tile + 4 + 44)))
        square = png_size(self.path("pictures/reconstructions.png"))
        self.good("reconstruct", "x.safetensors", "rows.csv", "-o", "x.npy", "--image", "6x6", "--pictures", "pictures")
        self.assertEqual(png_size(self.path("pictures/reconstructions.png")), square)
        self.good("reconstruct", "x.safetensors", "rows.csv", "-o", "x.npy", "--pictures", "curves")
        self.assertEqual(png_size(self.path("curves/reconstructions.png"))[0], 2 * 16 + 3 * 324 - 4)
        self.good("reconstruct", "x.safetensors", "rows.csv", "-o", "x.npy", "--image", "3x3x4", "--pictures", "rgb")
        self.good("encode", "x.safetensors", "rows.csv", "-o", "x.npy", "--pictures", "scatter")
        self.assertEqual(os.listdir(self.path("scatter")), ["code.png"])
        self.bad(2, ["--image", "36"], "reconstruct", "x.safetensors", "rows.csv", "--image", "5x6", "--pictures", "p")
        self.bad(1, ["--labels", "2 rows"], *self.train_args("y.safetensors", "--pictures", "p", "--labels",
                                                             self.write("two.csv", b"1\n2\n")))
        self.assertFalse(os.path.exists(self.path("y.safetensors")))
        self.bad(1, "is not a directory", *self.train_args("y.safetensors", "--pictures", "rows.csv"))

    # ---- Classes ----

    def test_classes(self):
        """Which half of the square the bump is in, and a stack of layers that learns it."""
        sides = [int(sum(v * (1 if i % SIDE * 2 < SIDE else -1) for i, v in enumerate(row)) < 0) for row in self.rows]
        self.write("sides.csv", "\n".join(map(str, sides)).encode())
        self.write("sides.npy", npy(sides, (ROWS,), "|u1"))
        train = ["train", "rows.npy", "--encoder", "16,8", "--activation", "sigmoid", "--code-activation", "sigmoid",
                 "--loss", "cross_entropy:classes=2", "--epochs", "40", "--lr", "0.02", "--seed", "3"]
        told = self.good(*train, "--labels", "sides.csv", "--valid", "rows.npy", "--valid-labels", "sides.npy", "--pretrain",
                         "2", "--pretrain-corrupt", "mask:level=0.2", "--log", "sides.jsonl", "-o", "sides.safetensors").stdout
        self.assertIn("layer 2/2  epoch 2/2", told)
        self.assertIn("accuracy", told)
        with open(self.path("sides.jsonl")) as file:
            log = [json.loads(line) for line in file]
        self.assertEqual([line.get("layer") for line in log[:5]], [1, 1, 2, 2, None])
        self.assertGreater(log[-1]["valid_accuracy"], 0.9)
        self.assertNotIn("valid_accuracy", log[0])
        told = self.good("classify", "sides.safetensors", "rows.npy", "--labels", "sides.npy", "-o", "told.npy").stdout
        shape, classes = read_npy(self.path("told.npy"))
        right = sum(int(c) == s for c, s in zip(classes, sides)) / ROWS
        self.assertEqual(shape, (ROWS, 1))
        self.assertEqual(told, "accuracy %.6g\n" % right)
        self.assertEqual(self.good("classify", "sides.safetensors", "rows.npy", "--labels", "sides.csv").stdout, told)
        self.assertEqual(len(self.good("classify", "sides.safetensors", "rows.npy").stdout.split()), ROWS)
        # a head cannot be tied; the autoencoders of the layers can, and learn something else then
        self.good(*train, "--labels", "sides.csv", "--tied", "--pretrain", "2", "--pretrain-corrupt", "mask:level=0.2", "--log",
                  "tied.jsonl", "-o", "tied.safetensors")
        with open(self.path("tied.jsonl")) as file:
            self.assertNotEqual(json.loads(file.readline())["train_loss"], log[0]["train_loss"])
        self.bad(1, "tied", *train, "--labels", "sides.csv", "--tied", "-o", "tied.safetensors")
        # the same from a target, and from a share held out
        self.good(*train, "--target", "sides.csv", "--valid", "0.2", "-o", "other.safetensors", "--epochs", "1")
        self.bad(2, ["target is NULL", "cross_entropy"], *train, "-o", "other.safetensors")
        self.bad(2, "both say", *train, "--labels", "sides.csv", "--target", "sides.csv", "-o", "other.safetensors")
        self.bad(2, "--valid-labels goes with --valid", *train, "--labels", "sides.csv", "--valid-labels", "sides.csv",
                 "-o", "other.safetensors")
        self.bad(2, "cross_entropy", *self.train_args("other.safetensors", "--labels", "sides.csv"))
        self.bad(1, "2 rows", *train, "--labels", self.write("short.csv", b"1\n0\n"), "-o", "other.safetensors")
        self.bad(1, "has no classes", "classify", "model.safetensors", "rows.npy")
        self.bad(2, "--pretrain-corrupt", *train, "--labels", "sides.csv", "--pretrain", "1", "--pretrain-corrupt", "maskk",
                 "-o", "other.safetensors")

    def test_pretrained_autoencoder(self):
        plain = self.good(*self.train_args("stacked.safetensors", "--activation", "tanh", "--pretrain", "4")).stdout
        self.assertIn("layer 1/2  epoch 4/4", plain)
        self.good("reconstruct", "stacked.safetensors", "rows.npy", "-o", "stacked.npy")

    def test_pretraining_holds_out(self):
        """Rows that are held out from training are held out from pretraining; terms are those of the layer, or not told."""
        args = self.train_args("held.safetensors", "--valid", "0.25", "--pretrain", "2", "--penalty", "l1:weight=1e-3")
        told = self.good(*args, "--log", "held.jsonl").stdout.splitlines()
        layers = [line for line in told if line.startswith("layer ")]
        self.assertEqual(len(layers), 4)
        for line in layers:
            self.assertRegex(line, r"\(reconstruction [0-9.e-]+, l1 [0-9.e-]+\)  valid [0-9.e-]+")
        for line in slurp(self.path("held.jsonl")).splitlines():
            terms = json.loads(line)["terms"]
            self.assertAlmostEqual(sum(terms.values()), json.loads(line)["train_loss"], places=6)
        told = self.good(*args, "--pretrain-penalty", "l2_weights:weight=1e-4").stdout
        self.assertNotIn("nan", told)

    def test_pictures_of_little(self):
        if not self.has_png:
            self.skipTest("built without libpng")
        self.write("one.csv", b"1,2\n")
        self.good("train", "one.csv", "--encoder", "1", "--epochs", "1", "-o", "one.safetensors", "--pictures", "one")
        for name in ("loss", "code", "reconstructions"):
            png_size(self.path("one/%s.png" % name))
        self.write("few.csv", b"1,2\n1,2\n1,2\n")
        self.write("values.csv", b"0.5\n1.5\n2.25\n")
        self.good("train", "few.csv", "--encoder", "3", "--epochs", "60", "-o", "one.safetensors", "--pictures", "few",
                  "--labels", "values.csv")


    # ---- Codes ----

    def test_sweep(self):
        args = ["sweep", "rows.npy", "--codes", "1,3,6", "--hidden", "8", "--epochs", "2", "--seed", "3"]
        done = self.good(*args, "--log", "sweep.jsonl", "--test", "rows.csv")
        lines = [json.loads(line) for line in slurp(self.path("sweep.jsonl")).splitlines()]
        self.assertEqual([line["code"] for line in lines], [1, 3, 6])
        for name in ("train", "valid", "test"):
            linear = [line["pca_" + name] for line in lines]
            self.assertTrue(linear[0] > linear[1] > linear[2] > 0)
            self.assertTrue(all(line[name] > 0 for line in lines))
        self.assertEqual([line["parameters"] for line in lines],
                         [COLS * 8 + 8 + 8 * c + c + c * 8 + 8 + 8 * COLS + COLS for c in (1, 3, 6)])
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["code", "1", "3", "6"])
        shown = done.stdout.splitlines()[2].split()
        self.assertEqual(float(shown[1]), float("%.6g" % lines[1]["train"]))
        again = self.good(*args, "--log", "-", "--test", "rows.csv", "--threads", "3")
        self.assertEqual([json.loads(line) for line in again.stdout.splitlines()], lines)
        half = self.good(*args, "--valid", "0.5", "-q", "--log", "-")
        self.assertIsNone(json.loads(half.stdout.splitlines()[0])["test"])
        if self.has_png:
            self.good(*args, "--valid", "rows.csv", "-q", "--pictures", "sweep")
            self.assertEqual(png_size(self.path("sweep/sweep.png")), (960, 600))
        self.bad(2, "--codes", "sweep", "rows.npy")
        self.bad(2, ["ascending", "3"], "sweep", "rows.npy", "--codes", "4,3")
        self.bad(2, ["--loss", "msee"], "sweep", "rows.npy", "--codes", "4", "--loss", "msee")
        self.bad(2, "lr", "sweep", "rows.npy", "--codes", "4", "--lr", "1", "--optimizer", "sgd:lr=2")
        self.bad(1, "too few", "sweep", self.write("three.csv", b"1,2\n3,4\n5,6\n"), "--codes", "1")

    def test_interpolate(self):
        self.good("interpolate", "model.safetensors", "rows.npy", "--rows", "3,17,5,5", "--steps", "4", "-o", "way.npy")
        shape, values = read_npy(self.path("way.npy"))
        self.assertEqual(shape, (8, COLS))
        self.good("reconstruct", "model.safetensors", "rows.npy", "-o", "all.npy")
        _, outputs = read_npy(self.path("all.npy"))
        for line, row in ((0, 3), (3, 17), (4, 5), (5, 5), (7, 5)):
            for got, want in zip(values[line * COLS:(line + 1) * COLS], outputs[(row - 1) * COLS:row * COLS]):
                self.assertAlmostEqual(got, want, 5)
        self.good("interpolate", "model.safetensors", "rows.npy", "--rows", "3,17", "--spherical", "-o", "arc.csv")
        self.assertEqual(len(slurp(self.path("arc.csv")).splitlines()), 9)
        if self.has_png:
            self.good("interpolate", "model.safetensors", "images.idx", "--rows", "3,17,1,2", "-o", "strip.png")
            self.assertEqual(png_size(self.path("strip.png")), (32 + 96 + 9 * (72 + 4) - 4, 32 + 56 + 2 * (72 + 4) - 4))
            self.good("interpolate", "model.safetensors", "rows.npy", "--rows", "3,17", "-o", "curves.png")
            self.assertEqual(png_size(self.path("curves.png"))[1], 32 + 56 + 80)
            self.bad(2, "--image", "interpolate", "model.safetensors", "rows.npy", "--rows", "1,2", "--image", "5x5",
                     "-o", "no.png")
        self.bad(2, "-o", "interpolate", "model.safetensors", "rows.npy", "--rows", "1,2")
        for rows in ("1", "1,2,3", None):
            self.bad(2, "--rows", "interpolate", "model.safetensors", "rows.npy", *(["--rows", rows] if rows else []),
                     "-o", "no.npy")
        self.bad(2, "121", "interpolate", "model.safetensors", "rows.npy", "--rows", "1,121", "-o", "no.npy")
        self.bad(1, ["thin.csv", "rows of 2", "takes rows of 36"], "interpolate", "model.safetensors", self.write("thin.csv", b"1,2\n3,4\n"), "--rows",
                 "1,2", "-o", "no.npy")

    def test_probe(self):
        labels = self.write("side.csv", b"".join(b"%d\n" % (sum(row[:18]) > sum(row[18:])) for row in self.rows))
        done = self.good("probe", "model.safetensors", "rows.npy", "--labels", labels)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual([line[0] for line in lines], ["from", "codes", "rows"])
        self.assertEqual([line[1] for line in lines[1:]], ["4", str(COLS)])
        for line in lines[1:]:
            self.assertTrue(all(0.4 < float(share) <= 1 for share in line[2:]))
        one = self.good("probe", "model.safetensors", "rows.npy", "--labels", labels, "--test", "rows.csv",
                        "--test-labels", labels, "--probe", "knn:k=1").stdout.splitlines()
        self.assertEqual([line.split()[2] for line in one], ["knn", "1.0000", "1.0000"])
        self.bad(2, "--labels", "probe", "model.safetensors", "rows.npy")
        self.bad(2, "--test-labels", "probe", "model.safetensors", "rows.npy", "--labels", labels, "--test", "rows.csv")
        self.bad(2, ["--probe", "svm"], "probe", "model.safetensors", "rows.npy", "--labels", labels, "--probe", "svm")
        self.bad(1, "whole numbers", "probe", "model.safetensors", "rows.npy", "--labels",
                 self.write("half.csv", b"0.5\n" * ROWS))
        self.bad(1, "3 rows", "probe", "model.safetensors", "rows.npy", "--labels", self.write("l3.csv", b"1\n1\n0\n"))


if __name__ == "__main__":
    # A program that is started with these ignored leaves them so, as a shell's background jobs are; what is tested is one
    # that is not.
    for ignored in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(ignored) == signal.SIG_IGN:
            signal.signal(ignored, signal.SIG_DFL)
    if len(sys.argv) < 2:
        sys.exit("usage: tool_test.py PATH_OF_AUTOENC")
    TOOL = os.path.abspath(sys.argv.pop(1))
    unittest.main()
