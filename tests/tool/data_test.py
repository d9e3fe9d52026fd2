"""Tables as people have them: what the tool reads, what it refuses and what it reports.

Usage: data_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; all inputs are made here.
"""
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile

TOOL = ""


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def npy(values, shape, descr="<f4"):
    codes = {"f4": "f", "f8": "d", "u1": "B", "i1": "b", "i4": "i", "i8": "q"}
    header = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, tuple(shape))).encode()
    header += b" " * (-(11 + len(header)) % 64) + b"\n"
    return (b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header +
            struct.pack("<%d%s" % (len(values), codes[descr[1:]]), *values))


class Data(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.has_zlib = "without zlib" not in subprocess.run([TOOL, "version"], capture_output=True, text=True).stdout

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        return name

    def run_tool(self, *args, data=None):
        return subprocess.run([TOOL, *args], capture_output=True, input=data, cwd=self.folder.name, timeout=120)

    def identity(self, size):
        """A model whose code is its input, so that encode shows what was read."""
        name = "identity%d.safetensors" % size
        if os.path.exists(self.path(name)):
            return name
        self.write("any.npy", npy([1.0] * 2 * size, (2, size)))
        done = self.run_tool("train", "any.npy", "--encoder", str(size), "--epochs", "1", "-q", "-o", name)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path(name), "rb") as file:
            data = bytearray(file.read())
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        weight = [float(i == k) for i in range(size) for k in range(size)]
        for key, values in (("encoder.0.weight", weight), ("encoder.0.bias", [0.0] * size)):
            begin, end = (8 + length + at for at in header[key]["data_offsets"])
            data[begin:end] = struct.pack("<%df" % len(values), *values)
        return self.write(name, bytes(data))

    def read(self, name, cols, *more, data=None):
        """The rows that the tool reads, and what it says about them."""
        done = self.run_tool("encode", self.identity(cols), name, "-o", "read.npy", *more, data=data)
        self.assertEqual(done.returncode, 0, (name, more, done.stderr))
        with open(self.path("read.npy"), "rb") as file:
            array = file.read()
        values = struct.unpack("<%df" % ((len(array) - 128) // 4), array[128:])
        return [list(values[i:i + cols]) for i in range(0, len(values), cols)], done.stderr.decode()

    def reads(self, text, rows, *more, name="table.csv", words=(), quiet=True):
        """The text is these rows; words are on standard error, and nothing where there are none."""
        self.write(name, text)
        got, told = self.read(name, len(rows[0]), *more)
        want = [[float32(v) for v in row] for row in rows]
        self.assertEqual(got[:50], want[:50], (text[:500], told))
        self.assertTrue(got == want, (len(got), told))
        for word in words:
            self.assertIn(word, told, text[:500])
        if not words and quiet:
            self.assertEqual(told, "", text[:500])

    def refuses(self, text, *words, more=(), name="table.csv", status=1):
        self.write(name, text)
        done = self.run_tool("pca", name, "-o", "out.safetensors", *more)
        self.assertEqual(done.returncode, status, (text, done.stderr))
        for word in words:
            self.assertIn(word, done.stderr.decode(), text)
        self.assertFalse(os.path.exists(self.path("out.safetensors")))

    ROWS = [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5], [6.5, 7.5, 8.5]]
    TEXT = "0.5,1.5,2.5\n3.5,4.5,5.5\n6.5,7.5,8.5\n"

    # ---- Headers ----

    def test_headers_of_numbers(self):
        """pandas names columns 0, 1, 2; what counts up below as well is data."""
        self.reads("0,1,2\n" + self.TEXT, self.ROWS, words=["read as a header", "--header no"])
        self.reads("0,1,2\n" + self.TEXT, self.ROWS, "--header", "yes")
        self.reads("1,2,3\n" + self.TEXT, [[1, 2, 3]] + self.ROWS)
        self.reads("0,1\n0.1,0.995\n0.2,0.98\n", [[0, 1], [0.1, 0.995], [0.2, 0.98]], words=["read as data"])
        self.reads("0,1,2\n3,4,5\n6,7,8\n", [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
        self.reads("0,1,2\n2,0,1\n", [[0, 1, 2], [2, 0, 1]], words=["read as data", "--header yes"])
        self.reads("0,1,2\n2,0,1\n", [[2, 0, 1]], "--header", "yes")
        wide = ",".join(map(str, range(20)))
        self.reads(wide + "\n" + ",".join(["7"] * 20) + "\n", [[7.0] * 20], words=["read as a header"])
        self.reads("0,1,2\n" + self.TEXT, [[0, 1, 2]] + self.ROWS, "--header", "no")
        self.reads("2,1,0\n" + self.TEXT, [[2, 1, 0]] + self.ROWS)
        self.reads("id,0,1\n" + self.TEXT, self.ROWS)
        self.reads("0\n0.5\n1.5\n", [[0], [0.5], [1.5]], words=["read as data"])
        self.reads("0,\n0.5,\n1.5,\n", [[0], [0.5], [1.5]], words=["read as data"])

    def test_index_columns(self):
        for head in (",a,b\n", ",0,1\n"):
            self.reads(head + self.TEXT, self.ROWS, words=["column 1 has no name", "--drop 1"])
            self.reads(head + self.TEXT, [row[1:] for row in self.ROWS], "--drop", "1")
        self.reads('"a" "b"\n"1" 0.5 1.5\n"2" 3.5 4.5\n', [[0.5, 1.5], [3.5, 4.5]], words=["names of rows"])
        self.reads('a b\nx 0.5 1.5\ny 3.5 4.5\n', [[0.5, 1.5], [3.5, 4.5]], words=["names of rows"])
        self.refuses("a,b\n9,0.5,1.5\n2,3.5,4.5\n", "line 2, column 3", "line 1 has 2 names")

    def test_header_of_each_file(self):
        self.write("data.csv", "0,1,2\n" + self.TEXT)
        self.write("labels.csv", "1\n0\n1\n")
        train = ["train", "data.csv", "--encoder", "2", "--loss", "cross_entropy:classes=2", "--epochs", "1", "-o", "c.st",
                 "--labels"]
        self.assertEqual(self.run_tool(*train, "labels.csv").returncode, 0)
        self.assertEqual(self.run_tool(*train, "labels.csv", "--header", "yes").returncode, 0)
        self.write("named.csv", "5\n1\n0\n1\n")
        done = self.run_tool(*train, "named.csv")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"--labels-header yes", done.stderr)
        self.assertEqual(self.run_tool(*train, "named.csv", "--labels-header", "yes").returncode, 0)

    def test_words_among_numbers(self):
        """A line of data is never taken for a header because of a word in a column of words."""
        self.reads("x,0.5,1.5\ny,3.5,4.5\n", [[0.5, 1.5], [3.5, 4.5]], "--drop", "1")
        self.reads("x,u,0.5\ny,v,3.5\n", [[0.5], [3.5]], "--drop", "1-2")
        self.reads("n,m,a\nx,u,0.5\ny,v,3.5\n", [[0.5], [3.5]], "--columns", "a")
        self.refuses("x,0.5,1.5\ny,3.5,4.5\n", "line 1, column 1", "'x' is not a number")

    # ---- Separators, decimal marks, line ends, encodings ----

    def test_decimal_commas(self):
        rows = [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]]
        for mark in ("\t", ";", " ", "|"):
            self.reads("0,5%s1,5%s2,5\n3,5%s4,5%s5,5\n" % ((mark,) * 4), rows)
        self.reads('"0,5","1,5","2,5"\n"3,5","4,5","5,5"\n', rows)
        self.reads("1;2\n3;4,5\n", [[1, 2], [3, 4.5]])
        self.reads("1,234;5,678\n2,345;6,789\n", [[1.234, 5.678], [2.345, 6.789]], words=["1,234 as 1.234", "--decimal"])
        self.refuses("1,234;5,678\n2,345;6,789\n", "is not a number", more=["--decimal", "."])
        self.refuses('"1,234","5,678"\n"2,345","6,789"\n', "is not a number")

    def test_one_column_or_two(self):
        for text, one, two in (("1,234\n5,678\n", [[1.234], [5.678]], [[1, 234], [5, 678]]),
                               ("0,5\n1,7\n2,9\n", [[0.5], [1.7], [2.9]], [[0, 5], [1, 7], [2, 9]])):
            self.reads(text, two, words=["two columns", "--separator , or --decimal ,"])
            self.reads(text, two, "--separator", ",")
            self.reads(text, one, "--decimal", ",")
        self.reads("a,b\n0,5\n1,7\n", [[0, 5], [1, 7]])
        self.reads("a\n0,5\n1,7\n", [[0.5], [1.7]])
        self.reads("0,5\n1.5,7\n", [[0, 5], [1.5, 7]])
        self.refuses("1,2,3\n4,5\n", "line 2", "column 2", "line 1 has 3")

    def test_marks_in_headers(self):
        self.reads("temp, C\tpressure\tflow\n0.5\t1.5\t2.5\n3.5\t4.5\t5.5\n", self.ROWS[:2])
        self.reads('a,"temp\n(C)",c\n0.5,1.5,2.5\n3.5,4.5,5.5\n', self.ROWS[:2])
        self.reads('a,"say ""b"", c",c\n0.5,1.5,2.5\n3.5,4.5,5.5\n', self.ROWS[:2])
        self.reads("my value; in V\n0.5\n1.5\n", [[0.5], [1.5]])
        self.reads('x,5" pipe,c\n0.5,1.5,2.5\n', self.ROWS[:1])
        self.refuses('1,2\n3,"4\n5,6\n', "line 2, column 2", "quote is not closed")
        # the line of an error counts the breaks within cells
        self.refuses('a,"b\nc"\n1,2\n3,x\n', "line 4, column 2 ('b c')", "'x' is not a number")

    def test_stated_separator(self):
        for head in ("sep=;\n", "sep=;\r\n", '"sep=;"\n'):
            self.reads(head + "a;b;c\n0.5;1.5;2.5\n3.5;4.5;5.5\n", self.ROWS[:2])
        self.refuses("sep=;\n1;2\n3;x\n", "line 3, column 2")

    def test_ends_of_lines(self):
        for head in ("", "a,b,c\n"):
            for end in ("\r", "\r\n", "\n", "\r\r\n"):
                self.reads((head + self.TEXT).replace("\n", end), self.ROWS)
                self.reads((head + self.TEXT).replace("\n", end).rstrip("\r\n"), self.ROWS)

    def test_encodings(self):
        text = "a\tb\tgrö\U0001f642e\r\n0.5\t1.5\t2.5\r\n3.5\t4.5\t5.5\r\n"
        for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")):
            self.reads(mark + text.encode(codec), self.ROWS[:2])
            name = self.write("wide.csv", mark + text.encode(codec))
            got, told = self.read(name, 1, "--columns", "grö\U0001f642e", "-v")
            self.assertEqual(got, [[2.5], [5.5]])
        rows = [[i + 0.25, -i] for i in range(30000)]
        long = b"\xff\xfe" + "".join("%r,%r\n" % tuple(row) for row in rows).encode("utf-16-le")
        self.reads(long, rows)
        self.refuses(text.encode("utf-16-le"), "zero byte", "byte order mark")
        self.refuses(b"\xff\xfe" + "1,2\n3,\0004\n".encode("utf-16-le"), "line 2 has a zero byte")
        self.refuses(b"a,b\n1,2\n3,\xff\xfe\x1b[31m\n", "'??", "[31m' is not a number")

    def test_ends_of_rows(self):
        self.reads("0.5,1.5,\n3.5,4.5,\n", [[0.5, 1.5], [3.5, 4.5]])
        self.reads("a,b,\n0.5,1.5,\n3.5,4.5,\n", [[0.5, 1.5], [3.5, 4.5]])
        self.reads("a,b\n0.5,1.5,\n3.5,4.5,\n", [[0.5, 1.5], [3.5, 4.5]])
        self.reads("a;b;\n0.5;1.5\n3.5;4.5\n", [[0.5, 1.5], [3.5, 4.5]])
        self.reads("a,b,c\n" + self.TEXT + ",,\n,,\n", self.ROWS, words=["2 lines of separators alone"])
        self.refuses("a,b,c\n" + self.TEXT + ",,\n" + self.TEXT, "line 5", "separators alone", "empty")
        self.refuses("0.5,1.5,\n3.5,4.5,\n1,2,3\n", "line 1, column 3 is empty")
        self.refuses("0.5,1.5,\n" * 200 + "1,2,3\n", "line 201, column 3 is one too many")
        self.refuses("a,b,note\n1,2,\n3,4,\n", "line 2, column 3 ('note') is empty")

    def test_verbose(self):
        self.reads("a;b\n0,5;1,5\n", [[0.5, 1.5]], "-v", words=["separator semicolon", "decimal comma", "header", "1 rows"])
        self.reads(npy([0, 255], (2, 1), "|u1"), [[0], [1]], "-v", name="b.npy", words=["divided by 255", "--u8 raw"])
        self.reads(npy([0, 1], (2, 1), "|u1"), [[0], [1 / 255]], name="b.npy", words=["0 or 1, and were divided by 255", "--u8 raw"])
        self.reads(npy([0, 1], (2, 1), "|u1"), [[0], [1]], "--u8", "raw", name="b.npy")

    # ---- Columns, missing values ----

    def test_columns(self):
        text = "a,b,c,d\n1,2,3,4\n5,6,7,8\n"
        self.reads(text, [[1, 3], [5, 7]], "--columns", "c,1")
        self.reads(text, [[2, 3, 4], [6, 7, 8]], "--drop", "a")
        self.reads(text, [[2], [6]], "--columns", "1-3", "--drop", "a,3")
        binary = npy([1, 2, 3, 4, 5, 6, 7, 8], (2, 4))
        self.reads(binary, [[1, 3, 4], [5, 7, 8]], "--drop", "2", name="b.npy")
        self.refuses(text, "no column 'x'", more=["--drop", "x"], status=2)
        self.refuses(text, "'5'", "1 to 4", more=["--columns", "5"], status=2)
        self.refuses(text, "'3-2'", more=["--columns", "3-2"], status=2)
        self.refuses(text, "no column", "is left", more=["--drop", "1-4"], status=2)
        self.refuses(binary, "no header", more=["--drop", "a"], name="b.npy", status=2)

    def test_places(self):
        """A cell is named alike by the reader and where the library refuses it: from 1, by its column in the file."""
        def says(words, *args):
            done = self.run_tool(*args)
            self.assertNotEqual(done.returncode, 0, args)
            self.assertIn(words, done.stderr.decode())
        train = ["--encoder", "1", "--epochs", "1", "-o", self.path("x.st")]
        path = self.write("p.csv", "id,a,b\n1,0.5,0.5\n2,0.5,1.0000001\n3,0.1,0.2\n")
        for choice in (["--drop", "id"], ["--columns", "2,3"]):
            says("p.csv: row 2, column 3 ('b') is 1.0000001;", "train", path, *choice, "--loss", "bce", "--output", "sigmoid",
                 *train)
        hole = self.write("h.npy", npy([1, 2, 3, float("nan"), 5, 6], (3, 2)))
        cell = "h.npy: row 2, column 2 is nan (--missing drop"
        says(cell, "train", hole, *train)
        says(cell, "train", hole, "--drop", "1", *train) # the only column left is the second of the file
        says(cell, "pca", hole, "-o", self.path("x.st")) # mapped: found by the library

    def test_missing(self):
        for word in ("", "NA", "nan", "NaN", "null", "N/A", "?"):
            text = "a,b\n1,2\n%s,4\n3,6\n" % word
            self.refuses(text, "line 3, column 1 ('a')", "--missing")
            self.reads(text, [[1, 2], [3, 6]], "--missing", "drop", words=["1 of 3 rows"])
            self.reads(text, [[1, 2], [2, 4], [3, 6]], "--missing", "mean", words=["1 missing value"])
        self.refuses("a,b\n1,2\nx,4\n", "'x' is not a number", more=["--missing", "drop"])
        self.refuses("a,b\n,2\n,4\n", "column 1 ('a') has no value", more=["--missing", "mean"])
        self.refuses("a,b\n,2\n,4\n", "every row", more=["--missing", "drop"])
        hole = npy([1, 2, float("nan"), 4], (2, 2))
        self.refuses(hole, "row 2, column 1 is nan", "--missing", name="b.npy", more=["-v"])
        self.reads(hole, [[1, 2]], "--missing", "drop", name="b.npy", words=["1 of 2 rows"])

    # ---- What a float cannot hold ----

    def test_large_whole_numbers(self):
        times = [1700000000 + i for i in range(300)]
        text = "time,x\n" + "".join("%d,%.3f\n" % (t, i / 7) for i, t in enumerate(times))
        rows = [[t, round(i / 7, 3)] for i, t in enumerate(times)]
        self.reads(text, rows, words=["column 1 ('time')", "are rounded", "become equal", "--offset", "--drop"])
        shifted = [[i, row[1]] for i, row in enumerate(rows)]
        for offset in ("time=1.7e9", "1=1700000000"):
            self.reads(text, shifted, "--offset", offset)
        for kind in ("<i8", "<f8", "<i4"):
            whole = npy(times, (300, 1), kind)
            self.reads(whole, [[t] for t in times], name="t.npy", words=["column 1", "are rounded"])
            self.reads(whole, [[i] for i in range(300)], "--offset", "1=1.7e9", name="t.npy")
        self.reads("16777216\n0\n", [[16777216], [0]])
        # values that differ only behind a float's digits
        close = [1e6 + i * 1e-3 for i in range(50)]
        self.reads("".join("%r\n" % v for v in close), [[v] for v in close], words=["are rounded"])
        self.reads("".join("%r\n" % (i / 10) for i in range(50)), [[i / 10] for i in range(50)])
        self.refuses(text, "--offset", "'time'", more=["--offset", "time"], status=2)

    def test_range(self):
        self.refuses("1,2\n3,1e39\n", "line 2, column 2", "too large")
        for tiny in ("1e-50", "-1e-46", "1e-400"):
            self.refuses("1,2\n3,%s\n" % tiny, "line 2, column 2", "too small", tiny)
        self.refuses(npy([1, 2, 3, 1e-50], (2, 2), "<f8"), "row 2, column 2", "too small", name="t.npy", more=["-v"])
        self.reads("1,0,0e-400\n0,0,1e-37\n", [[1, 0, 0], [0, 0, 1e-37]])

    # ---- Binary files ----

    def test_bytes_mean_one_thing(self):
        values = [0, 51, 102, 255]
        idx = bytes([0, 0, 8, 2]) + struct.pack(">II", 2, 2) + bytes(values)
        for name, data in (("b.npy", npy(values, (2, 2), "|u1")), ("b.idx", idx)):
            self.reads(data, [[0, 0.2], [0.4, 1]], name=name)
            self.reads(data, [[0, 51], [102, 255]], "--u8", "raw", name=name)
        self.reads(npy([-3, 5], (2, 1), "|i1"), [[-3], [5]], name="b.npy")

    def test_one_dimension(self):
        name = self.write("flat.npy", npy([1, 2, 3, 4], (4,)))
        self.reads(npy([1, 2, 3, 4], (4,)), [[1], [2], [3], [4]], name="flat.npy")
        done = self.run_tool("encode", self.identity(3), name)
        self.assertEqual(done.returncode, 1)
        for word in (b"flat.npy", b"rows of 1 number", b"takes rows of 3", b"one dimension"):
            self.assertIn(word, done.stderr)

    def archive(self, arrays, method=zipfile.ZIP_STORED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as file:
            for name, data in arrays.items():
                with file.open(name + ".npy", "w", force_zip64=True) as entry:  # as numpy.savez does
                    entry.write(data)
        return out.getvalue()

    def test_npz(self):
        a, b = npy([1, 2, 3, 4], (2, 2)), npy([9, 8, 7, 6, 5, 4], (3, 2), "<f8")
        methods = [zipfile.ZIP_STORED] + ([zipfile.ZIP_DEFLATED] if self.has_zlib else [])
        for method in methods:
            self.reads(self.archive({"a": a}, method), [[1, 2], [3, 4]], name="one.npz")
            two = self.archive({"a": a, "b": b}, method)
            self.reads(two, [[9, 8], [7, 6], [5, 4]], "--array", "b", name="two.npz")
            got, _ = self.read("two.npz:a", 2)
            self.assertEqual(got, [[1, 2], [3, 4]])
            got, _ = self.read("-", 2, "--array", "a", data=two)
            self.assertEqual(got, [[1, 2], [3, 4]])
            self.refuses(two, "two.npz", "holds 2 arrays", "--array", "a, b", name="two.npz")
            self.refuses(two, "no array 'c'", "a, b", name="two.npz", more=["--array", "c"])
            for size in (len(two) - 1, len(two) // 2, 30, 4):
                self.refuses(two[:size], "two.npz", "damaged", name="two.npz")
            at = two.index(b"\x93NUMPY") + 130 if method == zipfile.ZIP_STORED else 60
            broken = two[:at] + bytes([two[at] ^ 1]) + two[at + 1:]
            self.refuses(broken, "damaged", name="two.npz", more=["--array", "a"])
        self.refuses(self.archive({}), "no array", name="none.npz")
        self.refuses(self.archive({"x": b"hello!"}), "'x' is no .npy", name="text.npz")
        self.refuses("1,2\n3,4\n", "no .npz", more=["--array", "a"], status=2)
        self.refuses("1,2\n3,4\n", "does not begin like", name="text.npz")

    def test_gzip(self):
        if not self.has_zlib:
            self.skipTest("built without zlib")
        self.reads(gzip.compress(self.TEXT.encode()), self.ROWS, name="t.csv.gz")
        self.reads(gzip.compress(npy([1, 2], (1, 2))), [[1, 2]], name="t.npy.gz")
        self.refuses(gzip.compress(self.TEXT.encode())[:-9], "t.csv.gz", "ends in the middle", name="t.csv.gz")

    # ---- Messages ----

    def test_messages_are_printable(self):
        """Bytes of files and names never reach the terminal raw."""
        self.refuses(npy([1], (1,)).replace(b"'<f4'", b"'\x1b[1'"), "'?[1'", name="e.npy")
        done = self.run_tool("encode", "no\x1b[31m\x07\x9b.st", "x")
        self.assertNotIn(b"\x1b", done.stderr)
        self.assertNotIn(b"\x07", done.stderr)
        self.assertNotIn(b"\xc2\x9b", done.stderr)
        for code in (0x2028, 0x2029, 0x202A, 0x202E, 0x2066, 0x2069):
            done = self.run_tool("pca", "no%scsv" % chr(code), "-o", "x.st")
            self.assertNotIn(chr(code).encode(), done.stderr, "U+%04X" % code)
            self.assertIn(b"no???csv", done.stderr, "U+%04X" % code)
        done = self.run_tool("pca", "größe.csv", "-o", "x.st")
        self.assertIn("größe.csv", done.stderr.decode())


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: data_test.py PATH_OF_AUTOENC")
    TOOL = os.path.abspath(sys.argv.pop(1))
    unittest.main()
