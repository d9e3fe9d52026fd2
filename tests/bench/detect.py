#!/usr/bin/env python3
"""ROC-AUC of `autoenc detect` beside PCA's on ADBench's tables.

    detect.py --data DIR TOOL [--splits 3] [--sets cardio,letter] [-- more options of detect]

DIR holds ADBench's .npz files with X and y. Each set is split 60/40 at random, anomalies included, once per seed (and the
tool gets the seed); detectors learn the 60 % without labels and are judged on the 40 %. PCA is PyOD's default: columns
standardised by the training rows, then the sum over all components v of the distance from x to v, divided by v's share of the
variance. Columns that are constant among the training rows, and components without variance, are left out for it (PyOD answers
NaN there). Needs numpy alone.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy


def auc(label, score):
    """Mann and Whitney, ties counted half."""
    order = numpy.argsort(score, kind="stable")
    ranked = score[order]
    rank = numpy.empty(len(score))
    rank[order] = (numpy.searchsorted(ranked, ranked, "left") + numpy.searchsorted(ranked, ranked, "right") + 1) / 2
    positives = label.sum()
    return (rank[label == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(label) - positives))


def pca_scores(train, test):
    varying = train.std(0) > 0
    train, test = train[:, varying], test[:, varying]
    mean, deviation = train.mean(0), train.std(0)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    values, vectors = numpy.linalg.eigh(numpy.cov(train.T))
    share = values / values.sum()
    score = numpy.zeros(len(test))
    for k in range(len(values)):
        if share[k] > 1e-12:
            score += numpy.linalg.norm(test - vectors[:, k], axis=1) / share[k]
    return score


def tool_scores(tool, more, seed, train, test):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        numpy.save(folder / "train.npy", train.astype("<f4"))
        numpy.save(folder / "test.npy", test.astype("<f4"))
        subprocess.run([tool, "detect", folder / "train.npy", "--test", folder / "test.npy", "--seed", str(seed), "-o",
                        folder / "scores.npy", *more], check=True, stdout=subprocess.DEVNULL)
        return numpy.load(folder / "scores.npy").reshape(-1).astype(float)


def main():
    own, more = sys.argv[1:], []
    if "--" in own:
        own, more = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool")
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--sets", default="", help="only those whose names contain one of these")
    asked = parser.parse_args(own)
    wanted = asked.sets.split(",")
    means = []
    print("%-16s %7s %5s %8s %8s" % ("set", "rows", "cols", "PCA", "detect"))
    for path in sorted(asked.data.glob("*.npz")):
        if not any(name in path.stem for name in wanted):
            continue
        table = numpy.load(path)
        x, label = table["X"].astype(float), table["y"].astype(int)
        results = []
        for seed in range(asked.splits):
            order = numpy.random.RandomState(seed).permutation(len(x))
            cut = len(x) - int(numpy.ceil(0.4 * len(x)))
            train, test = order[:cut], order[cut:]
            results.append((auc(label[test], pca_scores(x[train], x[test])),
                            auc(label[test], tool_scores(asked.tool, more, seed, x[train], x[test]))))
        means.append(numpy.mean(results, axis=0))
        print("%-16s %7d %5d %8.4f %8.4f" % (path.stem, *x.shape, *means[-1]), flush=True)
    mean = numpy.mean(means, axis=0)
    print("%-16s %7s %5s %8.4f %8.4f   %+.4f" % ("mean", "", "", *mean, mean[1] - mean[0]))


if __name__ == "__main__":
    main()
