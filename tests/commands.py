#!/usr/bin/env python3
"""The commands of README, docs/ and the tool's help run as they are printed.

    commands.py SOURCE_ROOT BUILD_ROOT AUTOENC [PAGE]...

Each page has a folder of its own, in which its commands run in order, on small files that carry the names of the real ones:
300 random images for MNIST, a random table for table.csv. Epochs are cut to one; nothing else of a command is changed. Taken
are, from a page, the indented lines that call autoenc, with continuations and here-documents, and what stands in backquotes
behind "autoenc " with DATA, MODEL and the like in it; from the help, the examples. Programs of the project that a page calls
must be there. Exit status 0: every command succeeds.
"""
import gzip
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

PLACEHOLDERS = {"TRAIN": "train-images-idx3-ubyte.gz", "TEST": "t10k-images-idx3-ubyte.gz", "DATA": "digits.npy", "S": "1",
                "M": "m.safetensors", "MODEL": "m.safetensors", "L": "l.jsonl", "DETECTOR": "detector.safetensors",
                "...": "digits.npy --encoder 16,8 -o m.safetensors", "NEW": "table.csv"}


def npy(values, cols):
    rows = len(values) // cols
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % ((rows, cols) if cols > 1 else (rows,),)
    header = header.encode() + b" " * (-(11 + len(header)) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + struct.pack("<%df" % len(values), *values)


def csv(draw, rows, cols, names=False):
    lines = [",".join("c%d" % k for k in range(cols))] if names else []
    lines += [",".join("%.4f" % draw.gauss(k, 1 + k) for k in range(cols)) for _ in range(rows)]
    return ("\n".join(lines) + "\n").encode()


def write_inputs(folder, root):
    draw = random.Random(1)
    for name, rows in (("train", 300), ("t10k", 100)):
        pixels = bytes(draw.choice((0, 0, 0, 128, 255)) for _ in range(rows * 784))
        labels = bytes(k % 10 for k in range(rows))
        for kind, dims, body in (("images-idx3", (rows, 28, 28), pixels), ("labels-idx1", (rows,), labels)):
            head = bytes((0, 0, 8, len(dims))) + b"".join(struct.pack(">I", d) for d in dims)
            (folder / ("%s-%s-ubyte.gz" % (name, kind))).write_bytes(gzip.compress(head + body, 1))
    for name in ("digits.npy", "digits_labels.npy"):
        shutil.copy(root / "examples" / "data" / name, folder)
    (folder / "examples").symlink_to(root / "examples")
    (folder / "table.csv").write_bytes(csv(draw, 400, 5, names=True))
    (folder / "new.csv").write_bytes(csv(draw, 60, 5, names=True))
    (folder / "noisy.csv").write_bytes(csv(draw, 200, 64))
    (folder / "clean.csv").write_bytes(csv(draw, 200, 64))
    (folder / "digits.csv").write_bytes(csv(draw, 50, 64))
    (folder / "train.npy").write_bytes(npy([draw.gauss(0, 1) for _ in range(1200)], 4))
    (folder / "test.npy").write_bytes(npy([draw.gauss(0, 1) for _ in range(400)], 4))
    (folder / "labels.npy").write_bytes(npy([float(k % 10 == 0) for k in range(100)], 1))


def indented_commands(text):
    """Commands of indented lines, with what continues them."""
    lines, found = text.splitlines(), []
    at = 0
    while at < len(lines):
        if not lines[at].startswith("    "):
            at += 1
            continue
        command = lines[at][4:]
        ends = re.search(r"<<'?(\w+)'?", command)
        while at + 1 < len(lines) and (lines[at].rstrip().endswith("\\") or ends):
            at += 1
            command += "\n" + lines[at][4:]
            if ends and lines[at].strip() == ends.group(1):
                break
        found.append(command)
        at += 1
    return found


def page_commands(text):
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    found = indented_commands(text)
    prose = re.sub(r"^    .*$", "", text, flags=re.M)
    for span in re.findall(r"`([^`]+)`", prose):
        words = re.sub(r"\s+", " ", span).split(" ")
        whole = len(words) > 2 and words[0] == "autoenc" and not re.search(r"[\[|]", span)
        if whole and any(word in PLACEHOLDERS for word in words):
            found.append(" ".join(PLACEHOLDERS.get(word, word) for word in words))
    return found


def help_commands(tool):
    listed = subprocess.run([tool, "help"], capture_output=True, text=True, check=True).stdout
    for name in re.findall(r"^  (\w+)", listed.split("Commands:")[1].split("Options:")[0], flags=re.M):
        text = subprocess.run([tool, name, "--help"], capture_output=True, text=True, check=True).stdout
        yield from indented_commands(re.sub("^", "  ", text.split("Examples:")[1], flags=re.M))


def shortened(command):
    return re.sub(r"--(epochs|pretrain) \d+", r"--\1 1", command)


def missing_program(command, root, build):
    """A program of the project that the command calls and that is not there."""
    for word in re.findall(r"(?:^|[;&|] *|python3 )((?:\./)?(?:tests|examples|build)/\S+)", command):
        path = word.removeprefix("./")
        there = (build / path.removeprefix("build/")) if path.startswith("build/") else root / path
        source = path.removeprefix("build/").replace("bench/bench_", "bench/") + ".c"
        if path.startswith("build/") and (root / source).exists():
            continue  # perhaps not built, but it can be
        if not there.exists():
            return word
    return None


def run_page(name, commands, root, build, tool):
    """The number of commands that ran, and what failed."""
    count, problems = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch) / "page"
        binaries = pathlib.Path(scratch) / "bin"
        folder.mkdir()
        binaries.mkdir()
        (binaries / "autoenc").symlink_to(pathlib.Path(tool).resolve())
        write_inputs(folder, root)
        environment = dict(os.environ, PATH="%s:%s" % (binaries, os.environ["PATH"]), HOME=scratch)
        for command in commands:
            word = missing_program(command, root, build)
            if word:
                problems.append("%s: there is no %s" % (name, word))
            if not re.search(r"(^|[|;] *)autoenc [a-z-]", command) and not command.startswith("cat > "):
                continue
            if "man -l" in command and shutil.which("man") is None:
                continue
            (pathlib.Path(scratch) / ".local/share/bash-completion/completions").mkdir(parents=True, exist_ok=True)
            done = subprocess.run(["sh", "-ec", shortened(command)], cwd=folder, env=environment, capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=280)
            count += not command.startswith("cat > ")
            if done.returncode != 0:
                problems.append("%s: exit status %d of\n%s\n%s" % (name, done.returncode, command,
                                                                  done.stderr.decode(errors="replace")))
    return count, problems


def main(root, build, tool, *only):
    version = subprocess.run([tool, "version"], capture_output=True, text=True, check=True).stdout
    if "without zlib" in version or "without libpng" in version:
        print("this tool has no gzip or no pictures: nothing is tried")
        return 77
    pages = {str(path.relative_to(root)): page_commands(path.read_text())
             for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]}
    pages["autoenc help"] = list(help_commands(tool))
    problems, total = [], 0
    for name, commands in pages.items():
        if only and name not in only:
            continue
        count, found = run_page(name, commands, root, build, tool)
        print("%s: %d commands, %d problems" % (name, count, len(found)), flush=True)
        total += count
        problems += found
    print("\n".join(problems))
    return 1 if problems or total == 0 else 0


sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), *sys.argv[3:]))
