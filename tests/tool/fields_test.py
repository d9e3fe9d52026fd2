"""Fields of the tool: declared and fed by --field, needed by name wherever a model that reads them is used.

Usage: fields_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; all inputs are made here.
"""
import json
import random
import struct

import tool_case
from tool_case import ToolCase

ROWS, COLS, CLASSES = 240, 6, 3


def npy(values, cols, descr, fortran=False):
    shape = (len(values) // cols, cols) if cols > 1 else (len(values),)
    header = ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)).encode()
    header += b" " * (-(11 + len(header)) % 64) + b"\n"
    code = {"f4": "f", "f8": "d", "u1": "B", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u4": "I", "b1": "?"}[descr[1:]]
    order = ">" if descr[0] == ">" else "<"
    body = struct.pack("%s%d%s" % (order, len(values), code), *values)
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + body


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    start = 10 + struct.unpack("<H", data[8:10])[0]
    return struct.unpack("<%df" % ((len(data) - start) // 4), data[start:])


class Fields(ToolCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        draw = random.Random(5)
        cls.label = [i * 7 % CLASSES for i in range(ROWS)]
        rows = [min(1, max(0, (0.8 if j % CLASSES == k else 0.1) + draw.gauss(0, 0.08))) for k in cls.label for j in range(COLS)]
        cls.write("x.npy", npy(rows, COLS, "<f4"))
        cls.write("few.npy", npy(rows[:60 * COLS], COLS, "<f4"))
        cls.write("label.npy", npy(cls.label, 1, "|u1"))
        cls.write("few_label.npy", npy(cls.label[:60], 1, "|u1"))
        cls.good("train", "x.npy", *cls.network("--field", "label=label.npy", "--condition", "label"), "-o", "c.st")

    @classmethod
    def network(cls, *more, epochs="60"):
        return ["--encoder", "12,2", "--bottleneck", "gaussian", "--output", "sigmoid", "--loss", "bce:reduction=sum", "--lr",
                "0.01", "--epochs", epochs, "-q", *more]

    def bytes_of(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def declared(self, name):
        return json.loads(self.good("info", name, "--json").stdout).get("fields", {})

    def test_condition_steers_the_decoder(self):
        self.assertEqual(self.declared("c.st"), {"label": {"type": "classes", "count": CLASSES}})
        self.write("zero.csv", b"0,0\n0,0\n0,0\n")
        self.write("each.csv", b"0\n1\n2\n")
        self.good("decode", "c.st", "zero.csv", "--field", "label=each.csv", "-o", "each.npy")
        out = read_npy(self.path("each.npy"))
        for k in range(CLASSES):
            row = out[k * COLS:(k + 1) * COLS]
            self.assertEqual({j % CLASSES for j in sorted(range(COLS), key=lambda j: -row[j])[:2]}, {k}, row)
            self.good("decode", "c.st", "zero.csv", "--field", "label=%d" % k, "-o", "one.npy")
            self.assertEqual(read_npy(self.path("one.npy")), row * 3)

    def test_every_command_needs_the_field(self):
        self.good("encode", "c.st", "x.npy", "--field", "label=label.npy", "-o", "code.npy")
        commands = (("encode", "x.npy", []), ("decode", "code.npy", []), ("reconstruct", "x.npy", []), ("score", "x.npy", []),
                    ("interpolate", "x.npy", ["--rows", "1,2,3,4", "--steps", "3"]))
        for command, data, more in commands:
            field = ["--field", "label=label.npy"]
            self.good(command, "c.st", data, *field, *more, "-o", "out.npy")
            wanted = ["%s: the model needs its field 'label' (classes from 0 to 2): --field label=DATA" % command]
            self.bad(2, wanted, command, "c.st", "there-is-no-such-file.npy", *more, "-o", "out.npy")  # before data are read
            self.bad(2, ["no field 'lable'", "it has: label"], command, "c.st", data, "--field", "lable=1", *more, "-o", "out.npy")
            self.bad(2, "has the rule of 'label' already", command, "c.st", data, *more, "-o", "out.npy", "--field",
                     "label=label.npy:classes:count=3")
            self.bad(1, ["--field label=few_label.npy: has 60 rows, but", "has 240"], command, "c.st", data, *more, "-o", "out.npy",
                     "--field", "label=few_label.npy")
            self.bad(2, "is 2 values, and 'label' has 1", command, "c.st", data, "--field", "label=1,2", *more, "-o", "out.npy")
        self.bad(2, "--field label=7 is 7; it is whole, from 0 to 2", "score", "c.st", "x.npy", "--field", "label=7")
        self.bad(2, "needs its field 'label'", "probe", "c.st", "x.npy", "--labels", "label.npy")
        self.good("probe", "c.st", "x.npy", "--labels", "label.npy", "--field", "label=label.npy")
        self.bad(2, "--test goes without --field", "probe", "c.st", "x.npy", "--labels", "label.npy", "--field", "label=1", "--test",
                 "few.npy", "--test-labels", "few_label.npy")
        self.bad(2, "only once", "encode", "c.st", "-", "--field", "label=-")
        self.bad(2, "is the same file as --field", "encode", "c.st", "x.npy", "--field", "label=label.npy", "-o", "label.npy")
        self.good("score", "c.st", "x.npy", "--target", "x.npy", "--field", "label=label.npy", "-o", "target.npy")
        self.good("score", "c.st", "x.npy", "--field", "label=label.npy", "-o", "out.npy")
        self.assertEqual(self.bytes_of("out.npy"), self.bytes_of("target.npy"))
        right = read_npy(self.path("out.npy"))
        self.good("score", "c.st", "x.npy", "--field", "label=1", "-o", "out.npy")
        self.assertLess(sum(right), sum(read_npy(self.path("out.npy"))))

    def test_the_interpolation_starts_at_the_rows(self):
        """The first step of each pair is the reconstruction of its first row."""
        self.good("reconstruct", "c.st", "x.npy", "--field", "label=label.npy", "-o", "out.npy")
        out = read_npy(self.path("out.npy"))
        self.good("interpolate", "c.st", "x.npy", "--field", "label=label.npy", "--rows", "2,9,5,4", "--steps", "3", "-o", "way.npy")
        way = read_npy(self.path("way.npy"))
        for pair, row in enumerate((1, 4)):
            for j in range(COLS):
                self.assertAlmostEqual(way[3 * pair * COLS + j], out[row * COLS + j], places=5)

    def test_types(self):
        """The same labels in every kind of file give the same model."""
        label = self.label
        self.write("label.csv", ("name,kind,x\n" + "".join("%d,%d,0.5\n" % (900 + i, k) for i, k in enumerate(label))).encode())
        self.write("plain.csv", "".join("%d\n" % k for k in label).encode())
        self.write("label.idx", bytes([0, 0, 8, 1]) + struct.pack(">I", ROWS) + bytes(label))
        for descr in ("|i1", "<i2", ">i4", "<i8", "<u4", "<f4", "<f8"):
            self.write(descr[1:] + ".npy", npy(label, 1, descr))
        models = set()
        for source in ("label.npy", "i1.npy", "i2.npy", "i4.npy", "i8.npy", "u4.npy", "f4.npy", "f8.npy", "plain.csv", "label.idx",
                       "label.csv:kind", "label.csv:2", "label.npy:classes:count=3", "label.csv:kind:classes:count=3"):
            self.good("train", "x.npy", *self.network("--field", "label=" + source, "--condition", "label", epochs="2"), "-o", "t.st")
            models.add(self.bytes_of("t.st"))
        self.assertEqual(len(models), 1)
        # bytes in a field of numbers are from 0 to 1, other integers as they are
        for source, values in (("label.npy:number", [k / 255 for k in label]), ("i4.npy:number", label),
                               ("label.csv:kind:number", label)):
            self.write("numbers.npy", npy(values, 1, "<f8"))
            for name, field in (("a.st", source), ("b.st", "numbers.npy:number")):
                self.good("train", "x.npy", *self.network("--field", "label=" + field, "--condition", "label", epochs="1"), "-o", name)
            self.assertEqual(self.declared("a.st"), {"label": {"type": "number"}})
            codes = []
            for name, field in (("a.st", source), ("b.st", "numbers.npy")):
                self.good("encode", name, "x.npy", "--field", "label=" + field.split(":number")[0], "-o", "code.npy")
                codes.append(read_npy(self.path("code.npy")))
            self.assertLess(max(abs(a - b) for a, b in zip(*codes)), 1e-5, source)

    def test_rules_by_the_values(self):
        draw = random.Random(1)
        for values, cols, rule in (([draw.random() for _ in range(ROWS)], 1, {"type": "number"}),
                                   ([i % 2 for i in range(ROWS)], 1, {"type": "classes", "count": 2}),
                                   ([i for i in range(ROWS)], 1, {"type": "classes", "count": ROWS}),
                                   ([5 * i for i in range(ROWS)], 1, {"type": "number"}),
                                   ([i - 1 for i in range(ROWS)], 1, {"type": "number"}),
                                   ([i % 3 for i in range(2 * ROWS)], 2, {"type": "number", "dims": 2})):
            self.write("field.npy", npy(values, cols, "<f4"))
            done = self.good("train", "x.npy", *self.network("--field", "f=field.npy", "--condition", "f", epochs="1")[:-5],
                             "--condition", "f", "-o", "r.st", "--field", "f=field.npy", "--epochs", "1")
            self.assertEqual(self.declared("r.st")["f"], rule)
            self.assertIn("--field f=field.npy: ", done.stderr)
            self.assertIn("states it", done.stderr)
        self.write("field.npy", npy([i % 3 for i in range(2 * ROWS)], 2, "<i4"))
        self.good("train", "x.npy", *self.network("--field", "f=field.npy:classes:count=3", "--condition", "f", epochs="1"), "-o", "r.st")
        self.assertEqual(self.declared("r.st")["f"]["dims"], 2)

    def test_validation_has_the_fields(self):
        logs = []
        for more in (["--valid", "0.25"], ["--valid", "few.npy", "--valid-field", "label=few_label.npy"]):
            self.good("train", "x.npy", *self.network("--field", "label=label.npy", "--condition", "label", epochs="3"), *more, "--log",
                      "log.jsonl", "-o", "v.st")
            with open(self.path("log.jsonl")) as file:
                logs.append([json.loads(line)["valid_loss"] for line in file])
            self.assertTrue(all(0 < loss < 10 for loss in logs[-1]))
        x = self.network("--field", "label=label.npy", "--condition", "label")
        self.bad(2, "--condition label needs --valid-field label=DATA", "train", "no.npy", *x, "--valid", "few.npy", "-o", "v.st")
        self.bad(2, "--valid-field goes with --valid DATA", "train", "no.npy", *x, "--valid-field", "label=few_label.npy", "-o", "v.st")
        self.bad(1, "--valid-field label=label.npy: has 240 rows, but few.npy has 60", "train", "x.npy", *x, "--valid", "few.npy",
                 "--valid-field", "label=label.npy", "-o", "v.st")
        self.write("odd.npy", npy([k + 1 for k in self.label[:60]], 1, "|u1"))
        self.bad(2, ["--valid-field label=odd.npy: row ", " is 3; it is whole, from 0 to 2"], "train", "x.npy", *x, "--valid",
                 "few.npy", "--valid-field", "label=odd.npy", "-o", "v.st")

    def test_a_model_that_is_there(self):
        start = ["train", "x.npy", "--start", "c.st", "--epochs", "1", "-q", "-o", "s.st"]
        self.good(*start, "--field", "label=label.npy")
        self.assertNotEqual(self.bytes_of("s.st"), self.bytes_of("c.st"))
        start[1] = "no.npy"
        self.bad(2, "train: the model needs its field 'label' (classes from 0 to 2): --field label=DATA", *start)
        self.bad(2, "the model needs its field 'label' (classes from 0 to 2): --valid-field label=DATA", *start, "--field",
                 "label=label.npy", "--valid", "few.npy")
        self.bad(2, "--condition goes with --encoder only", *start, "--field", "label=label.npy", "--condition", "label")
        self.bad(2, "no field 'other'", *start, "--field", "label=label.npy", "--field", "other=label.npy")
        self.write("json.json", self.good("info", "c.st", "--json").stdout.encode())
        self.bad(2, "needs its field 'label'", "train", "no.npy", "--model-json", "json.json", "-o", "s.st")
        self.good("train", "x.npy", "--model-json", "json.json", "--field", "label=label.npy", "--epochs", "1", "-o", "s.st")

    def test_other_fields(self):
        self.write("weight.npy", npy([1.0 if k == 0 else 0.0 for k in self.label], 1, "<f4"))
        self.good("train", "x.npy", "--encoder", "2", "--epochs", "3", "-q", "-o", "w.st", "--field", "weight=weight.npy")
        self.assertEqual(self.declared("w.st"), {})
        self.good("train", "x.npy", "--encoder", "2", "--epochs", "3", "-q", "-o", "n.st")
        self.assertNotEqual(self.bytes_of("w.st"), self.bytes_of("n.st"))
        # a layer that reads a field, without --condition
        self.good("train", "x.npy", "--encoder", "condition:field=label 8 2", "--decoder", "8 relu 6", "--epochs", "2", "-q", "-o", "l.st", "--field",
                  "label=label.npy")
        self.bad(2, "needs its field 'label'", "encode", "l.st", "x.npy")
        done = self.good("train", "x.npy", "--encoder", "2", "--epochs", "1", "-o", "u.st", "--field", "label=label.npy")
        self.assertIn("no layer reads --field label; --condition label gives it", done.stderr)
        self.good("encode", "u.st", "x.npy", "-o", "out.npy")
        classes = ["train", "x.npy", "--encoder", "12,6", "--loss", "cross_entropy:classes=3", "--labels", "label.npy", "--lr", "0.01",
                   "--field", "side=label.npy", "--condition", "side", "--epochs", "60", "-q", "-o", "k.st"]
        self.good(*classes)
        done = self.good("classify", "k.st", "x.npy", "--labels", "label.npy", "--field", "side=label.npy")
        self.assertGreater(float(done.stdout.split()[1]), 0.99)
        self.bad(2, "needs its field 'side'", "classify", "k.st", "no.npy")

    def test_refusals(self):
        train = ["train", "x.npy", *self.network(), "-o", "x.st"]
        for text, words in (("label", "'label' is not NAME=DATA"), ("la bel=x", "is not NAME=DATA"), ("=x", "is not NAME=DATA"),
                            ("input=x.npy", "'input' is given as DATA"), ("target=x.npy", "'target' is given as --target"),
                            ("label=label.npy:clases:count=3", "neither a column nor one of the rules: number, unit"),
                            ("weight=label.npy:number", "'weight' has no rule")):
            self.bad(2, words, *train, "--field", text)
        self.bad(2, "'label' is given twice", *train, "--field", "label=label.npy", "--field", "label=label.npy")
        self.bad(2, "--condition label needs --field label=DATA", *train, "--condition", "label")
        self.bad(1, "No such file", *train, "--field", "label=nowhere.npy")
        self.bad(1, "'kind' is a column of a CSV file, which label.npy is not", *train, "--field", "label=label.npy:kind")
        self.bad(2, ["--field label=label.npy:classes:cout=3: ", "unknown setting 'cout'"], *train, "--field", "label=label.npy:classes:cout=3", "--condition", "label")
        self.write("wide.npy", npy([5 * 10 ** 9 * (i == 1) for i in range(ROWS)], 1, "<i8"))
        self.bad(1, ["row 2, column 1 is 5000000000", "-2147483648"], *train, "--field", "label=wide.npy")
        self.bad(2, "--field label=label.npy:classes:count=2: row ", *train, "--field", "label=label.npy:classes:count=2", "--condition",
                 "label")

    def test_same_on_any_number_of_threads(self):
        models = set()
        for threads in ("1", "2", "3"):
            self.good("train", "x.npy", *self.network("--field", "label=label.npy", "--condition", "label", epochs="2"), "--threads",
                      threads, "-o", "t.st")
            models.add(self.bytes_of("t.st"))
        self.assertEqual(len(models), 1)


if __name__ == "__main__":
    tool_case.main()
