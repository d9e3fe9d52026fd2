#!/usr/bin/env python3
"""Where `autoenc detect` ranks a row with one cell that is far out.

    outlier.py --data DIR TOOL [--seeds 3] [--scales standard,minmax,robust] [--sets letter] [-- more options of detect]

DIR holds ADBench's .npz files. The tables are the five smallest of those whose own cells all lie within 10 standard deviations of
their column's mean: elsewhere a cell at 10 deviations is not the furthest. In each run one cell, drawn at random, is put 10,
100, ... 10^6 deviations above or below the mean, the detector learns the table with it (the tool gets the seed that drew the cell)
and scores it: the row should rank first, or second where something stranger is there already. Ends with 1 when fewer than 95 % of
the runs do. Needs numpy alone.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy

FACTORS = (10, 100, 1e3, 1e4, 1e5, 1e6)


def tables(folder, wanted):
    """The five smallest tables without a cell beyond 10 deviations, by name."""
    found = []
    for path in folder.glob("*.npz"):
        x = numpy.load(path)["X"].astype(float)
        deviation = x.std(0)
        if (deviation > 0).all() and numpy.abs((x - x.mean(0)) / deviation).max() < 10:
            found.append((len(x), path.stem, x))
    return [(name, x) for _, name, x in sorted(found, key=lambda f: f[:2])[:5] if any(w in name for w in wanted)]


def rank(tool, more, seed, x, row):
    """The row's place by score; 1 is first, ties count against it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        numpy.save(folder / "x.npy", x.astype("<f4"))
        subprocess.run([tool, "detect", folder / "x.npy", "--seed", str(seed), "-o", folder / "scores.npy", *more],
                       check=True, stdout=subprocess.DEVNULL)
        score = numpy.load(folder / "scores.npy").reshape(-1).astype(float)
    assert score.min() >= 0, "a score is negative"
    return int((score >= score[row]).sum())


def runs(x, seeds):
    """(seed, row, table with the cell) for all factors and signs."""
    for seed in range(seeds):
        random = numpy.random.RandomState(seed)
        for factor in FACTORS:
            for sign in (-1, 1):
                row, column = random.randint(len(x)), random.randint(x.shape[1])
                planted = x.copy()
                planted[row, column] = x[:, column].mean() + sign * factor * x[:, column].std()
                yield seed, row, planted


def main():
    own, more = sys.argv[1:], []
    if "--" in own:
        own, more = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scales", default="standard,minmax,robust")
    parser.add_argument("--sets", default="", help="only those whose names contain one of these")
    asked = parser.parse_args(own)
    good = count = 0
    print("%-16s %-9s %6s %6s %10s %6s" % ("set", "scale", "runs", "first", "1st or 2nd", "worst"))
    for name, x in tables(asked.data, asked.sets.split(",")):
        for scale in asked.scales.split(","):
            ranks = numpy.array([rank(asked.tool, ["--scale", scale, *more], seed, planted, row)
                                 for seed, row, planted in runs(x, asked.seeds)])
            print("%-16s %-9s %6d %6d %10d %6d" % (name, scale, len(ranks), (ranks == 1).sum(), (ranks <= 2).sum(),
                                                   ranks.max()), flush=True)
            good += (ranks <= 2).sum()
            count += len(ranks)
    print("first or second in %d of %d runs (%.1f %%)" % (good, count, 100 * good / count))
    return 0 if good >= 0.95 * count else 1


if __name__ == "__main__":
    sys.exit(main())
