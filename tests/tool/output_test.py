"""Where results go: what is refused before any work, what a signal leaves behind, and what a run appends to.

Usage: output_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; all inputs are made here.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOL = ""


class Output(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        draw = random.Random(5)
        self.text = "".join(",".join("%.3f" % draw.random() for _ in range(6)) + "\n" for _ in range(200))
        self.write("data.csv", self.text)
        self.write("labels.csv", "".join("%d\n" % (i % 2) for i in range(200)))
        done = self.run_tool("train", "data.csv", "--encoder", "3", "--epochs", "1", "-q", "-o", "model.st")
        self.assertEqual(done.returncode, 0, done.stderr)

    def tearDown(self):
        self.temporary.cleanup()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return name

    def slurp(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run_tool(self, *args, **more):
        return subprocess.run([TOOL, *args], capture_output=True, text=True, cwd=self.folder, timeout=120, **more)

    def refuses(self, status, words, *args, **more):
        """Before any training: nothing printed, no file changed or made."""
        before = {name: self.slurp(name) for name in os.listdir(self.folder) if os.path.isfile(self.path(name))}
        done = self.run_tool(*args, **more)
        self.assertEqual((done.returncode, done.stdout), (status, ""), (args, done.stderr))
        for word in words:
            self.assertIn(word, done.stderr, args)
        self.assertEqual(before, {name: self.slurp(name) for name in os.listdir(self.folder)
                                  if os.path.isfile(self.path(name))}, args)

    # what each command needs beside its output
    TRAIN = ["train", "data.csv", "--encoder", "3", "--epochs", "3"]
    OUTPUTS = [(TRAIN, "-o"), (TRAIN + ["-o", "x.st"], "--checkpoint"), (TRAIN + ["-o", "x.st"], "--log"),
               (["pca", "data.csv"], "-o"), (["detect", "data.csv"], "-o"), (["detect", "data.csv", "-o", "s.npy"], "--save"),
               (["encode", "model.st", "data.csv", "--format", "csv"], "-o"),
               (["reconstruct", "model.st", "data.csv", "--format", "csv"], "-o"),
               (["decode", "model.st", "code.npy", "--format", "csv"], "-o"),
               (["score", "model.st", "data.csv", "--format", "csv"], "-o"),
               (["sweep", "data.csv", "--codes", "1,2", "--epochs", "1"], "--log")]

    def test_places_that_cannot_be_written(self):
        os.mkdir(self.path("folder"))
        for args, option in self.OUTPUTS:
            self.refuses(1, ["--" + ("out" if option == "-o" else option[2:]), "is a directory"], *args, option, "folder")
            self.refuses(1, ["cannot be written there", "No such file"], *args, option, "nowhere/x")
            self.refuses(1, ["cannot be written there"], *args, option, "data.csv/x")
            self.refuses(1, ["cannot be written there", "too long"], *args, option, "x" * 250)
        if os.geteuid() != 0:
            os.mkdir(self.path("closed"), 0o500)
            for args, option in self.OUTPUTS:
                self.refuses(1, ["denied"], *args, option, "closed/x")
        for args, option in self.OUTPUTS:
            if option in ("--save", "--checkpoint") or args[0] in ("train", "pca") and option == "-o":
                self.refuses(1, ["not a regular file"], *args, option, "/dev/null")

    def test_inputs_are_never_outputs(self):
        os.symlink("data.csv", self.path("soft"))
        os.link(self.path("data.csv"), self.path("hard"))
        for args, option in self.OUTPUTS:
            same = "data.csv" if "data.csv" in args else "model.st"
            for name in [same, "./" + same] + (["soft", "hard"] if same == "data.csv" else []):
                self.refuses(2, ["the same file as", "which is read"], *args, option, name)
            if "model.st" in args:
                self.refuses(2, ["model.st", "which is read"], *args, option, "model.st")
        for option in ("--target", "--valid", "--labels"):
            self.write("other.csv", self.text)
            self.refuses(2, [option, "which is read"], *self.TRAIN, option, "other.csv", "-o", "other.csv")
        self.refuses(2, ["--start"], "train", "data.csv", "--start", "model.st", "-o", "model.st")
        with open(self.path("data.csv")) as file:
            self.refuses(2, ["standard input"], "encode", "model.st", "-", "-o", "data.csv", stdin=file)

    def test_archives_are_inputs(self):
        for name in "a.npz", "a.npz:b.npz":  # the array's name stands behind the last colon
            with open(self.path(name), "wb") as file:
                file.write(b"PK")
            self.refuses(2, ["the same file as", "which is read"], "pca", name + ":x", "-o", name)

    def test_outputs_are_different_files(self):
        self.refuses(2, ["--out and --log"], *self.TRAIN, "-o", "x.st", "--log", "./x.st")
        self.refuses(2, ["--out and --save"], "detect", "data.csv", "-o", "x.npy", "--save", "x.npy")

    def test_links_are_followed(self):
        os.mkdir(self.path("far"))
        for link, target in (("a.st", "far/a.st"), ("b.st", os.path.join(self.folder, "far/b.st"))):
            os.symlink(target, self.path(link))
            for _ in range(2): # the first time it points to nothing
                self.assertEqual(self.run_tool(*self.TRAIN, "-o", link).returncode, 0)
            self.assertTrue(os.path.islink(self.path(link)))
            self.assertFalse(os.path.islink(self.path("far/" + link)))
            self.assertEqual(self.run_tool("info", link).returncode, 0)
        os.symlink("c.st", self.path("c.st"))
        self.refuses(1, ["c.st", "symbolic links"], *self.TRAIN, "-o", "c.st")

    def test_known_before_training(self):
        self.write("same.csv", "1\n" * 200)
        self.refuses(1, ["every label is 1", "both kinds"], "detect", "data.csv", "--labels", "same.csv", "-o", "s.npy",
                     "--steps", "100000000")
        self.refuses(2, ["--threshold", "999"], "detect", "data.csv", "--threshold", "fpr:rate=0.001", "-o", "s.npy",
                     "--steps", "100000000")
        self.refuses(1, ["every label is 1", "two kinds"], "probe", "model.st", "data.csv", "--labels", "same.csv")
        self.refuses(2, ["--threads", "1 to 1024"], *self.TRAIN, "--threads", "1025", "-o", "x.st")
        self.write("three.csv", "".join("%d\n" % (i % 3) for i in range(200)))
        classes = ["train", "data.csv", "--encoder", "3", "--loss", "cross_entropy:classes=2", "-o", "x.st"]
        self.refuses(2, ["from 0 to 1"], *classes, "--labels", "three.csv")
        self.refuses(2, ["from 0 to 1"], *classes, "--labels", "labels.csv", "--valid", "data.csv", "--valid-labels", "three.csv")
        self.write("thin.csv", "0.5,1.5\n2.5,3.5\n")
        self.refuses(1, ["thin.csv", "rows of 2", "takes rows of 6"], *self.TRAIN, "--valid", "thin.csv", "-o", "x.st")
        self.refuses(1, ["thin.csv", "rows of 2", "takes rows of 6"], *self.TRAIN, "--target", "thin.csv", "-o", "x.st")
        self.refuses(1, ["thin.csv", "model.st takes rows of 6"], "train", "thin.csv", "--start", "model.st", "-o", "x.st")
        self.refuses(2, ["--image", "5x5"], *self.TRAIN, "--image", "5x5", "-o", "x.st")

    def test_many_temporary_files_in_the_way(self):
        def in_the_way():
            for i in range(150):
                open("%s.%d.%d.tmp" % (self.path("s.npy"), os.getpid(), i), "w").close()
        done = self.run_tool("score", "model.st", "data.csv", "-o", "s.npy", preexec_fn=in_the_way)
        self.assertEqual(done.returncode, 0, done.stderr)

    # ---- Signals ----

    def start(self, *args, **more):
        """A run whose epochs take long; returns when it trains."""
        self.write("long.csv", self.text * 200)
        process = subprocess.Popen([TOOL, "train", "long.csv", "--encoder", "2048,256,3", "--batch", "1", "--epochs", "1000", "-o",
                                    "long.st", "--log", "long.jsonl", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=self.folder, **more)
        until = time.monotonic() + 60
        while not os.path.exists(self.path("long.jsonl")) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.3)
        return process

    def test_signals_within_an_epoch(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.start()
            process.send_signal(number)
            out, error = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 3, error)
            self.assertRegex(out, r"stopped by signal %d after 0 whole epochs and [1-9]\d* of 40000 steps" % number)
            self.assertRegex(out, r"epoch 1/1000 \(step [1-9]\d* of 40000\)")
            log = [json.loads(line) for line in self.slurp("long.jsonl").splitlines()]
            self.assertEqual([line["epoch"] for line in log], [1])
            self.assertTrue(0 < log[0]["interrupted_at_step"] < 40000)
            self.assertEqual(self.run_tool("info", "long.st").returncode, 0)
            os.remove(self.path("long.st"))
            os.remove(self.path("long.jsonl"))

    def test_who_ignores_a_signal(self):
        """nohup: SIGHUP changes nothing, also behind a first Ctrl-C."""
        process = self.start(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3)

    def test_whole_runs(self):
        done = self.run_tool(*self.TRAIN, "-o", "x.st", "--log", "x.jsonl")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("step", done.stdout)
        self.assertNotIn(b"interrupted", self.slurp("x.jsonl"))

    def test_resumed_log(self):
        """Lines of the run before stay, also behind a line that was cut off."""
        more = ["--checkpoint", "x.ck", "--resume", "--log", "x.jsonl", "-o", "x.st"]
        train = ["train", "data.csv", "--encoder", "3", "--epochs"]
        self.assertEqual(self.run_tool(*train, "2", *more).returncode, 0)
        with open(self.path("x.jsonl"), "a") as file:
            file.write('{"epoch": 3, "tr')
        self.assertEqual(self.run_tool(*train, "4", *more).returncode, 0)
        lines = self.slurp("x.jsonl").decode().splitlines()
        self.assertEqual(lines.pop(2), '{"epoch": 3, "tr')
        self.assertEqual([json.loads(line)["epoch"] for line in lines], [1, 2, 3, 4])
        self.assertEqual(self.run_tool(*train, "2", "--log", "x.jsonl", "-o", "x.st").returncode, 0)
        self.assertEqual(len(self.slurp("x.jsonl").splitlines()), 2)


if __name__ == "__main__":
    # A program that is started with these ignored leaves them so, as a shell's background jobs are; what is tested is one
    # that is not.
    for ignored in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(ignored) == signal.SIG_IGN:
            signal.signal(ignored, signal.SIG_DFL)
    if len(sys.argv) < 2:
        sys.exit("usage: output_test.py PATH_OF_AUTOENC")
    TOOL = os.path.abspath(sys.argv.pop(1))
    unittest.main()
