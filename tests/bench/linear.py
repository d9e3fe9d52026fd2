"""The linear autoencoder beside PCA on MNIST: the numbers of docs/pca.md.

    linear.py AUTOENC LIBAUTOENC.so MNIST_FOLDER WORK_FOLDER SEED...

Needs NumPy. Errors are squared, summed over pixels, means over the 10,000 test images; angles are of aenc_subspace_angles.
Both trainings see the training images less their mean, and nothing else.
"""
import ctypes
import gzip
import json
import pathlib
import struct
import subprocess
import sys

import numpy as np

CODE, COLS, LAMBDA = 30, 784, 0.2
SHARED = ["--encoder", str(CODE), "--activation", "identity", "--output", "identity", "--loss", "mse", "--schedule", "cosine",
          "--lr", "1e-2", "-q"]
PLAIN = ["--optimizer", "adam:decay_all=false,weight_decay=1e-6", "--batch", "1000", "--epochs", "50"]
SHRUNK = ["--optimizer", "adam:decay_all=false,weight_decay=%.9g" % (2 * LAMBDA / COLS), "--batch", "3000", "--epochs", "120"]


def images(path):
    return np.frombuffer(gzip.open(path).read(), np.uint8, offset=16).reshape(-1, COLS).astype(float) / 255


def tensors(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__")
    return {name: np.frombuffer(data[8 + size:], "<f4", (t["data_offsets"][1] - t["data_offsets"][0]) // 4,
                                t["data_offsets"][0]).reshape(t["shape"]).astype(float) for name, t in header.items()}


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.ctx = ctypes.c_void_p()
        assert self.c.aenc_context_create(None, ctypes.byref(self.ctx)) == 0

    def largest_angle(self, *paths):
        """Between the encoders of two model files; degrees."""
        models = [ctypes.c_void_p(), ctypes.c_void_p()]
        for path, model in zip(paths, models):
            assert self.c.aenc_model_load(self.ctx, str(path).encode(), ctypes.byref(model)) == 0
        angles = (ctypes.c_double * CODE)()
        assert self.c.aenc_subspace_angles(self.ctx, *models, angles, ctypes.c_size_t(CODE)) == 0
        for model in models:
            self.c.aenc_model_free(model)
        return np.degrees(angles[CODE - 1])


def main(tool, library, mnist, work, *seeds):
    mnist, work, library = pathlib.Path(mnist), pathlib.Path(work), Library(library)
    train, test = (images(mnist / name) for name in ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"))
    mean = train.mean(axis=0)
    for name, x in (("train", train), ("test", test)):
        np.save(work / (name + ".npy"), (x - mean).astype("<f4"))

    def run(*arguments):
        subprocess.run([tool, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def error(model):
        run("score", model, work / "test.npy", "-o", work / "score.npy")
        return COLS * np.load(work / "score.npy").astype(float).mean()

    pca = work / "pca.safetensors"
    run("pca", work / "train.npy", "--components", CODE, "-o", pca)
    print("PCA: test error %.4f" % error(pca))
    components = tensors(pca)["encoder.0.weight"]
    variance = tensors(pca)["pca.explained_variance"] * (len(train) - 1) / len(train)
    for seed in seeds:
        model = work / ("plain%s.safetensors" % seed)
        run("train", work / "train.npy", *SHARED, *PLAIN, "--seed", seed, "-o", model)
        print("seed %s: test error %.4f, largest angle to PCA %.3f degrees"
              % (seed, error(model), library.largest_angle(model, pca)), flush=True)
    for seed in seeds:
        model = work / ("shrunk%s.safetensors" % seed)
        run("train", work / "train.npy", *SHARED, *SHRUNK, "--seed", seed, "-o", model)
        weights = tensors(model)
        _, s, v = np.linalg.svd(weights["encoder.0.weight"], full_matrices=False)
        cosine = np.abs((v * components).sum(axis=1))[:10]
        off = np.abs(s ** 2 - (1 - LAMBDA / variance))[:10]
        apart = np.abs(weights["encoder.0.weight"] - weights["decoder.0.weight"].T).max()
        print("seed %s with L2: least cosine of 10 %.5f, s^2 off by at most %.6f, encoder and transposed decoder by %.6f"
              % (seed, cosine.min(), off.max(), apart), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
