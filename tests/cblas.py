#!/usr/bin/env python3
"""A CBLAS with 64-bit integers is refused when the build is configured, by name.

    cblas.py MESON SOURCE_ROOT COMPILER...

Two are made: one with its own names (cblas_sgemm64_), one that hides behind the usual names.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

WIDE = """#include <stdint.h>
double NAME(cblas_ddot)(int64_t n, const double *x, int64_t dx, const double *y, int64_t dy) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i * dx] * y[i * dy];
    return sum;
}
void NAME(cblas_sgemm)(int order, int ta, int tb, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t lda,
                       const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
    (void)order, (void)ta, (void)tb;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t h = 0; h < k; h++) sum += a[i * lda + h] * b[h * ldb + j];
            c[i * ldc + j] = alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j]);
        }
}
"""
MODULE = """Name: %s
Description: a CBLAS with 64-bit integers
Version: 1
Libs: -L%s -l%s -Wl,-rpath,%s
"""
NAMES = {"widesuffixed": "a##64_", "widehidden": "a"}


def refused(meson, root, work, name, expansion, compiler):
    source = work / (name + ".c")
    source.write_text("#define NAME(a) %s\n%s" % (expansion, WIDE))
    subprocess.run([*compiler, "-shared", "-fPIC", "-o", str(work / ("lib%s.so" % name)), str(source)], check=True)
    (work / (name + ".pc")).write_text(MODULE % (name, work, name, work))
    environment = dict(os.environ, PKG_CONFIG_PATH=str(work))
    result = subprocess.run([meson, "setup", str(work / ("build-" + name)), root, "-Dcblas=custom", "-Dcblas_dep=" + name],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    wanted = "refused: %s (64-bit integers" % name
    good = result.returncode != 0 and wanted in result.stdout
    print("%s: %s" % (name, "refused" if good else "NOT refused as '%s':\n%s" % (wanted, result.stdout)))
    return good


def main(meson, root, *compiler):
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        results = [refused(meson, root, work, name, expansion, compiler) for name, expansion in NAMES.items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
