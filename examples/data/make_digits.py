#!/usr/bin/env python3
"""Writes digits.npy and digits_labels.npy from a copy of the UCI digits as CSV.

    python3 make_digits.py digits.csv.gz

The CSV has 1797 lines of 64 pixels (whole numbers from 0 to 16) and the digit. See README.md for where it comes from.
Nothing but the standard library is needed.
"""
import array
import csv
import gzip
import pathlib
import sys

ROWS, PIXELS, LEVELS = 1797, 64, 16


def write_npy(path, kind, shape, values):
    """One array in NumPy's format 1.0: magic, version, length of the header, the header padded to 64 bytes, the data."""
    if sys.byteorder == "big":
        values.byteswap()
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode("ascii")
    path.write_bytes(start + values.tobytes())


def main(source):
    with gzip.open(source, "rt", newline="") as text:
        lines = [[int(float(field)) for field in line] for line in csv.reader(text)]
    if len(lines) != ROWS or any(len(line) != PIXELS + 1 for line in lines):
        sys.exit("%s: expected %d lines of %d fields" % (source, ROWS, PIXELS + 1))
    pixels = array.array("f", [value / LEVELS for line in lines for value in line[:PIXELS]])
    labels = array.array("B", [line[PIXELS] for line in lines])
    here = pathlib.Path(__file__).resolve().parent
    write_npy(here / "digits.npy", "<f4", (ROWS, PIXELS), pixels)
    write_npy(here / "digits_labels.npy", "|u1", (ROWS,), labels)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
