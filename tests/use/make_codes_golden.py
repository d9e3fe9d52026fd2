"""Makes codes_golden.h: what NumPy and scikit-learn find on the digits; codes_test.c compares.

    python3 make_codes_golden.py ../../examples/data > codes_golden.h          (NumPy 2, scikit-learn 1)

The pixels are multiples of 1/16, so that squared distances are exact and ties are ties.
"""
import pathlib
import sys

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

TRAIN, QUERIES, K, L2 = 1000, 12, 5, 1e-3
folder = pathlib.Path(sys.argv[1])
x = np.load(folder / "digits.npy").astype(np.float64)
labels = np.load(folder / "digits_labels.npy").astype(int)
train, test = slice(0, TRAIN), slice(TRAIN, None)


def array(kind, name, values):
    numbers = ["%.17g" % v if kind == "double" else "%d" % v for v in np.asarray(values).reshape(-1)]
    lines, line = [], "   "
    for number in numbers:
        if len(line) + len(number) + 2 > 118:
            lines.append(line)
            line = "   "
        line += " %s," % number
    print("static const %s %s[] = {\n%s\n};" % (kind, name, "\n".join(lines + [line])))


def nearest(distance, k):
    """Indices by distance, then by row: lexsort's last key comes first."""
    rows = np.arange(distance.shape[1])
    return np.array([np.lexsort((rows, d))[:k] for d in distance])


print("/* Made by make_codes_golden.py; do not edit. */")
print("enum { GOLDEN_TRAIN = %d, GOLDEN_QUERIES = %d, GOLDEN_K = %d };" % (TRAIN, QUERIES, K))

square = ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)
others = square.copy()
np.fill_diagonal(others, np.inf)
index = nearest(others, K)
array("int", "golden_others", index[:QUERIES])
array("double", "golden_others_distance", np.sqrt(np.take_along_axis(others, index, 1)[:QUERIES]))
print("static const double golden_others_sum = %d;" % index.sum())

unit = x / np.linalg.norm(x, axis=1, keepdims=True)
cosine = 1 - unit[test] @ unit[train].T
index = nearest(cosine, K)
array("int", "golden_cosine", index[:QUERIES])
array("double", "golden_cosine_distance", np.take_along_axis(cosine, index, 1)[:QUERIES])

array("double", "golden_quantiles", np.quantile(x, [0, 0.05, 0.5, 0.95, 1], axis=0)[:, 8:24])
array("double", "golden_attribute", x[labels == 8].mean(axis=0) - x[labels == 3].mean(axis=0))

kmeans = KMeans(n_clusters=10, n_init=50, random_state=0, tol=0).fit(x)
print("static const double golden_inertia = %.17g;" % kmeans.inertia_)

scaler = StandardScaler().fit(x[train])
model = LogisticRegression(C=1 / (L2 * TRAIN), tol=1e-10, max_iter=10000)
model.fit(scaler.transform(x[train]), labels[train])
array("int", "golden_softmax", model.predict(scaler.transform(x[test])))
knn = KNeighborsClassifier(n_neighbors=5, algorithm="brute").fit(x[train], labels[train])
print("static const double golden_knn = %.17g;" % knn.score(x[test], labels[test]))

pca = PCA().fit(x[train])
for name, rows in ("train", x[train]), ("test", x[test]):
    energy = np.square((rows - pca.mean_) @ pca.components_.T)
    left = [energy[:, k:].sum() / rows.size for k in (2, 8, 32)]
    array("double", "golden_pca_%s" % name, left)
