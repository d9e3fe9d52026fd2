"""The help, the manual page and the completions of the tool: all printed from its tables.

Usage: help_test.py PATH_OF_AUTOENC [unittest options]. Standard library only; shells and troff are used where they are.
"""
import functools
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOL = ""


def run(*args, **more):
    return subprocess.run(args, capture_output=True, text=True, timeout=60, **more)


@functools.cache
def commands():
    """The names in the list of commands."""
    part = run(TOOL, "help").stdout.split("Commands:")[1].split("Options:")[0]
    return re.findall(r"^  (\w+)", part, flags=re.M)


@functools.cache
def options(command):
    """(letter, name, value, names) of every option that the help of a command lists."""
    text = run(TOOL, command, "--help").stdout.split("Examples:")[0]
    found = []
    for part in re.split(r"\n(?=  (?:-\w, |    )--)", text)[1:]:
        letter, name, value = re.match(r"  (?:-(\w),|   ) --([\w-]+)(?: (\S+))?", part).groups()
        names = re.search(r"\n +%s: ([\w,\s]+)" % re.escape(value or "-"), part)
        listed = names.group(1).split("\n\n")[0] if names else ""
        found.append((letter, name, value, [word for word in re.split(r",\s*", listed.strip()) if word]))
    return found


class Help(unittest.TestCase):
    def good(self, *args, **more):
        done = run(*args, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def test_every_way_to_ask(self):
        text = self.good(TOOL, "help")
        for args in (["--help"], ["-h"]):
            self.assertEqual(text, self.good(TOOL, *args))
        self.assertIn("Usage: autoenc help [COMMAND]", self.good(TOOL, "help", "--help"))
        self.assertEqual(self.good(TOOL, "help", "--help"), self.good(TOOL, "help", "help"))
        self.assertGreaterEqual(len(commands()), 14)
        for command in commands():
            text = self.good(TOOL, command, "--help")
            self.assertEqual(text, self.good(TOOL, "help", command))
            self.assertEqual(text, self.good(TOOL, command, "-h"))

    def test_form(self):
        """Usage first, options in groups, examples last, lines of 80 columns, values of closed lists."""
        for command in ["", *commands()]:
            text = self.good(TOOL, *([command] if command else []), "--help")
            body, _, examples = text.partition("Examples:\n")
            self.assertTrue(body.startswith("Usage: autoenc %s" % command))
            self.assertLessEqual(max(len(line) for line in body.splitlines()), 80)
            self.assertLessEqual(max((len(line) for line in examples.splitlines()), default=0), 110)
            self.assertEqual([line for line in text.splitlines() if line != line.rstrip()], [])
            if command:
                self.assertIn("autoenc " + command, examples)
                self.assertIn("General options:", body)
                self.assertTrue(all(line.startswith("  ") for line in examples.splitlines()))
        names = {name: listed for _, name, _, listed in options("train")}
        self.assertEqual(names["loss"], ["mse", "mae", "huber", "bce", "gaussian_nll", "cosine", "cross_entropy",
                                         "bernoulli", "continuous_bernoulli", "gaussian", "laplace",
                                         "discretised_logistic", "categorical"])
        self.assertEqual(names["blas-threads"], ["1", "leave"])
        self.assertEqual(names["code-activation"], [])  # those of --activation, which stand there
        order = [self.good(TOOL, "train", "--help").index("\n%s options:" % group)
                 for group in ("Data", "Network", "Training", "Pretraining", "Checkpoint", "Output", "General")]
        self.assertEqual(order, sorted(order))

    def test_errors_name_the_option(self):
        """A value that cannot be one, and one that is missing, of every option of every command."""
        for command in commands():
            for letter, name, value, names in options(command):
                if value is None:
                    done = run(TOOL, command, "--%s=x" % name)
                    self.assertIn("%s: --%s takes no value" % (command, name), done.stderr)
                    continue
                done = run(TOOL, command, "--" + name)
                self.assertEqual(done.returncode, 2)
                self.assertIn("%s: --%s needs a value: %s" % (command, name, value), done.stderr)
                if letter:
                    self.assertEqual(done.stderr, run(TOOL, command, "-" + letter).stderr)
                if value in ("DATA", "DATA|SHARE", "FILE", "MODEL", "DIR", "N|SHARE", "STEPS|SECONDSs", "LIST", "ARRAY", "RESULT", "CLASS", "COLUMN=X,..."):
                    continue
                done = run(TOOL, command, "--" + name, "no~value")
                self.assertEqual(done.returncode, 2, (command, name))
                self.assertIn("%s: --%s: 'no~value' is not " % (command, name), done.stderr)
                for word in names:
                    self.assertIn(word, done.stderr)

    def test_only_one(self):
        for args in (["train", "--man"], ["--man", "--completion", "bash"]):
            done = run(TOOL, "help", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("only one of", done.stderr)
        self.assertIn("unknown command 'trian'", run(TOOL, "help", "trian").stderr)

    def test_manual(self):
        text = self.good(TOOL, "help", "--man")
        for command in commands():
            self.assertIn("\\fBautoenc " + command, text)
            for _, name, _, _ in options(command):
                self.assertIn("\\fB\\-\\-%s\\fR" % name.replace("-", "\\-"), text)
        for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "EXAMPLES"):
            self.assertIn(".SH %s\n" % heading, text)
        if shutil.which("groff"):
            done = run("groff", "-man", "-Tascii", "-ww", "-P-c", input=text)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            plain = re.sub(r".\x08", "", done.stdout)
            self.assertIn("autoenc - train and run autoencoders", plain)
            self.assertIn("      --activation relu --output sigmoid --loss mse", plain)  # with minus signs, unfilled

    def complete(self, *words):
        script = """. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }
                    _autoenc; printf '%s\\n' "${COMPREPLY[@]}" """
        return self.good("bash", "-c", script, "-", self.bash.name, "autoenc", *words, cwd="/").split()

    def test_bash(self):
        if shutil.which("bash") is None:
            self.skipTest("no bash")
        self.bash = tempfile.NamedTemporaryFile("w", suffix=".bash")
        self.addCleanup(self.bash.close)
        self.bash.write(self.good(TOOL, "help", "--completion", "bash"))
        self.bash.flush()
        self.assertEqual(self.complete("tr"), ["train"])
        self.assertEqual(self.complete(""), commands() + ["--help", "--version"])
        for command in commands():
            self.assertEqual(sorted(self.complete(command, "--")), sorted("--" + name for _, name, _, _ in options(command)))
            for _, name, value, names in options(command):
                if names:
                    self.assertEqual(self.complete(command, "--" + name, ""), names)
                    self.assertEqual(self.complete(command, "--" + name, "="), names)
                    self.assertEqual(self.complete(command, "--" + name, "=", names[-1]), names[-1:])
        self.assertEqual(self.complete("train", "--loss", "m"), ["mse", "mae"])
        self.assertEqual(self.complete("train", "--lr", ""), [])
        self.assertIn("tmp", self.complete("train", "--pictures", "t"))
        self.assertIn("tmp", self.complete("encode", "t"))
        self.assertEqual(self.complete("help", "enc"), ["encode"])

    def test_zsh_and_fish(self):
        zsh, fish = (self.good(TOOL, "help", "--completion", shell) for shell in ("zsh", "fish"))
        self.assertTrue(zsh.startswith("#compdef autoenc\n"))
        for command in commands():
            self.assertIn("\n        %s)\n" % command, zsh)
            for _, name, _, names in options(command):
                self.assertIn("'__fish_seen_subcommand_from %s' -l %s " % (command, name), fish)
                if names:
                    self.assertIn("(%s)" % " ".join(names), zsh)
                    self.assertIn("-x -a '%s'" % " ".join(names), fish)
        if shutil.which("zsh"):
            self.good("zsh", "-n", input=zsh)
        if shutil.which("fish"):
            self.good("fish", "--no-execute", input=fish)
            done = self.good("fish", "--no-config", "-c", fish + "\ncomplete -C 'autoenc train --loss m'")
            self.assertEqual(sorted(line.split("\t")[0] for line in done.splitlines()), ["mae", "mse"])


if __name__ == "__main__":
    TOOL = sys.argv.pop(1)
    unittest.main()
