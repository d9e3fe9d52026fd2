/* blas_test.c - the one call of CBLAS against plain loops, in every transposition and with room behind the rows, and
 * what is told about the library underneath. */
#include "math/blas.h"

#include <string.h>

#include "check.h"

enum { SIZE = 40 };

static uint64_t random_state = 7;
static num random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (num)((double)(random_state >> 11) * 0x1p-53 - 0.5);
}

static void check_gemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, num beta) {
    num a[SIZE * SIZE], b[SIZE * SIZE], c[SIZE * SIZE], before[SIZE * SIZE];
    const int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    for (int i = 0; i < SIZE * SIZE; i++) {
        a[i] = random_unit();
        b[i] = random_unit();
        before[i] = c[i] = beta == 0 ? (num)NAN : random_unit(); /* beta 0 does not read */
    }
    aenc_blas_gemm(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
    bool good = true;
    for (int64_t i = 0; i < SIZE * SIZE; i++) {
        int64_t row = i / ldc, col = i % ldc;
        if (row >= m || col >= n) {
            good &= memcmp(&c[i], &before[i], sizeof(num)) == 0;
            continue;
        }
        double want = beta == 0 ? 0 : (double)beta * (double)before[i];
        for (int64_t p = 0; p < k; p++)
            want += (double)a[ta ? p * lda + row : row * lda + p] * (double)b[tb ? col * ldb + p : p * ldb + col];
        good &= fabs((double)c[i] - want) <= 1e-5;
    }
    if (!CHECK(good))
        fprintf(stderr, "  %d %d, %d x %d x %d, beta %g\n", ta, tb, (int)m, (int)n, (int)k, (double)beta);
}

static void check_description(void) {
    struct blas_info info;
    aenc_blas_describe(&info);
    CHECK(info.provider != NULL);
    CHECK(info.refusal == NULL);
    fprintf(stderr, "%s\n%s\n%s\n%d threads\nwarning: %s\n", info.provider, info.config ? info.config : "-",
            info.kernels ? info.kernels : "-", info.threads, info.warning ? info.warning : "none");
    if (aenc_blas_single_thread()) {
        aenc_blas_describe(&info);
        CHECK(info.threads == 1 || info.threads == 0);
    }
}

int main(void) {
    const int64_t sizes[] = {0, 1, 2, 5, 17, 32};
    for (int shape = 0; shape < 6 * 6 * 6; shape++)
        for (int how = 0; how < 12; how++)
            check_gemm((how & 1) != 0, (how & 2) != 0, sizes[shape % 6], sizes[shape / 6 % 6], sizes[shape / 36],
                       (num)(how / 4) / 2);
    CHECK(aenc_blas_fits(0) && aenc_blas_fits(INT32_MAX));
    CHECK(!aenc_blas_fits((int64_t)INT32_MAX + 1) && !aenc_blas_fits(-1));
    check_description();
    return check_finish();
}
