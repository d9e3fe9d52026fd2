#!/usr/bin/env python3
"""Runs the nightly driver on one seed after the other, and reads what it saved without the library.

    nightly.py PROGRAM [--seconds S | --cases N] [--seed N] [--keep FILE]

The program takes a few seeds per process. Seeds that failed are printed, and appended to FILE. Exit status: 1 when one did.
"""
import argparse
import collections
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import zlib

try:
    from safetensors import safe_open
except ImportError:
    safe_open = None


def tensors_of(path):
    """Names, counts and checksums of the tensors in a file, read by the format's text alone."""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size].decode())
    header.pop("__metadata__", None)
    body, found, end = data[8 + size :], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = entry["data_offsets"]
        count = 1
        for dim in entry["shape"]:
            count *= dim
        if entry["dtype"] != "F32" or begin != end or stop - begin != 4 * count:
            raise ValueError("%s: %r" % (name, entry))
        found[name] = (count, zlib.adler32(body[begin:stop]))
        end = stop
    if end != len(body):
        raise ValueError("%d bytes behind the last tensor" % (len(body) - end))
    return found


def tensors_by_package(path):
    with safe_open(str(path), framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}
    return {name: (array.size, zlib.adler32(array.tobytes())) for name, array in arrays.items()}


def read_files(folder, counts, failed):
    for listing in sorted(folder.glob("*.txt")):
        path = listing.with_suffix(".safetensors")
        want = {}
        for line in listing.read_text().splitlines():
            name, count, checksum = line.rsplit(" ", 2)
            want[name] = (int(count), int(checksum))
        readers = [tensors_of] + ([tensors_by_package] if safe_open is not None else [])
        for reader in readers:
            try:
                good = reader(path) == want
            except Exception as problem:  # whatever a reader raises is a file that it cannot read
                print("  %s: %s" % (path.name, problem), file=sys.stderr)
                good = False
            counts[reader.__name__][0] += 1
            counts[reader.__name__][1] += not good
            if not good:
                failed.append((reader.__name__, int(path.stem)))
        path.unlink()
        listing.unlink()


def run_seeds(program, folder, seed, cases, counts, failed):
    """Some seeds in one process; what ends it without a verdict is a failure of the seed it was at."""
    done = subprocess.run([program, str(folder), str(seed), str(cases)], stdout=subprocess.PIPE, text=True)
    at = seed
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == "seed":
            at = int(words[1])
        elif words[0] == "failed":
            failed.append((words[1], int(words[2])))
        else:
            counts[words[0]][0] += int(words[1])
            counts[words[0]][1] += int(words[2])
    if done.returncode not in (0, 1):
        print("  seed %d ended the program: status %d" % (at, done.returncode), file=sys.stderr)
        failed.append(("ended", at))
    read_files(folder, counts, failed)
    return at + 1 if done.returncode not in (0, 1) else seed + cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--cases", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep")
    options = parser.parse_args()
    counts, failed = collections.defaultdict(lambda: [0, 0]), []
    began, seed = time.monotonic(), options.seed
    with tempfile.TemporaryDirectory() as name:
        while True:
            left = 10 if options.seconds is not None else options.seed + options.cases - seed
            if left <= 0 or (options.seconds is not None and time.monotonic() - began >= options.seconds):
                break
            seed = run_seeds(options.program, pathlib.Path(name), seed, min(left, 10), counts, failed)
    print("seeds %d to %d" % (options.seed, seed - 1))
    for property, (checks, failures) in counts.items():
        print("%-20s %8d checked %6d failed" % (property, checks, failures))
    for property, where in failed:
        print("failed: %s, seed %d" % (property, where))
    if options.keep is not None and failed:
        with open(options.keep, "a") as file:
            file.writelines("%d %s\n" % (where, property) for property, where in failed)
    sys.exit(1 if failed or seed == options.seed else 0)


main()
