"""Makes pca_golden.h: what scikit-learn and SciPy say; pca_test.c compares.

    python3 make_pca_golden.py > pca_golden.h

Data are multiples of 1/64. Components are turned so that the element of largest magnitude is positive.
"""
import numpy as np
import scipy
import sklearn
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

draws = np.random.default_rng(20240607)


def draw(rows, cols):
    spread = np.linspace(3, 0.5, cols)
    mixing = draws.normal(size=(cols, cols))
    return np.round((draws.normal(size=(rows, cols)) * spread @ mixing + 5 * draws.normal(size=cols)) * 64) / 64


def literal(value):
    text = "%.9g" % value
    return text + ("f" if set(text) & set(".e") else ".0f")


def show(name, values):
    lines, line = [], "   "
    for number in map(literal, np.ravel(values)):
        if len(line) + len(number) + 2 > 118:
            lines.append(line)
            line = "   "
        line += " %s," % number
    print("static const float %s[] = {\n%s\n};" % (name, "\n".join(lines + [line])))


def fit(name, x, count):
    pca = PCA(count, svd_solver="full").fit(x)
    v = pca.components_
    turn = np.sign(v[np.arange(count), np.abs(v).argmax(axis=1)])
    codes = pca.transform(x) * turn
    total = x.var(axis=0, ddof=1).sum()
    show(name + "_x", x)
    show(name + "_mean", pca.mean_)
    show(name + "_variance", pca.explained_variance_)
    show(name + "_ratio", pca.explained_variance_ratio_)
    show(name + "_components", v * turn[:, None])
    show(name + "_codes", codes[:4])
    show(name + "_white", codes[:4] / np.sqrt(pca.explained_variance_))
    show(name + "_back", pca.inverse_transform(pca.transform(x))[:4])
    # noise as Tipping & Bishop have it, over all columns that are left
    show(name + "_noise_total", [(total - pca.explained_variance_.sum()) / (x.shape[1] - count), total])


print("/* pca_golden.h - made by make_pca_golden.py with scikit-learn %s and SciPy %s; not to be edited. */"
      % (sklearn.__version__, scipy.__version__))
print("#ifndef AENC_TESTS_MODEL_PCA_GOLDEN_H\n#define AENC_TESTS_MODEL_PCA_GOLDEN_H\n")
tall = draw(30, 6)
tall[:, 2] = 1.25
fit("tall", tall, 3)
print("/* Components that explain these shares. */")
print("static const struct {\n    double share;\n    int components;\n} tall_shares[] = {")
for share in (0.3, 0.8, 0.95, 0.999999, 1.0):
    count = PCA().fit(tall).explained_variance_ratio_.cumsum().searchsorted(share * (1 - 1e-12)) + 1
    print("    {%g, %d}," % (share, count))
print("};")
fit("wide", draw(5, 8), 3)
first, second = draw(3, 6), draw(2, 6)
near = np.float32(first[:2] + 1e-5 * draw(2, 6))
show("rows_a", first)
show("rows_b", second)
show("rows_near", near)
print("/* Radians, ascending. */")
for name, other in (("angles", second), ("angles_near", near)):
    angles = np.sort(subspace_angles(first.T, other.astype(float).T))
    print("static const double %s[] = {%s};" % (name, ", ".join("%.12g" % angle for angle in angles)))
print("\n#endif")
