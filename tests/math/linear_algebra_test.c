/* linear_algebra_test.c - what defines the factors: orthonormality, the products, the signs and the distribution. */
#include "math/linear_algebra.h"

#include <string.h>

#include "check.h"

enum { SIZE = 60 };

static uint64_t random_state = 3;
static double random_unit(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(random_state >> 11) + 0.5) * 0x1p-53;
}
static double random_normal(void) { return sqrt(-2 * log(random_unit())) * cos(6.283185307179586 * random_unit()); }

/* The product of columns i and j of q (m, n). */
static double column_product(const double *q, int64_t m, int64_t n, int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t r = 0; r < m; r++) sum += q[r * n + i] * q[r * n + j];
    return sum;
}

static void check_orthonormal(const double *q, int64_t m, int64_t n) {
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            worst = check_larger(worst, fabs(column_product(q, m, n, i, j) - (i == j ? 1 : 0)));
    CHECK(worst <= 1e-13);
}

/* R = Q^T A is upper triangular with a diagonal that is not negative, and Q R = A. */
static void check_factor(int64_t m, int64_t n, double scale) {
    double a[SIZE * SIZE], q[SIZE * SIZE], r[SIZE * SIZE], scratch[2 * SIZE];
    for (int64_t i = 0; i < m * n; i++) a[i] = q[i] = scale * random_normal();
    aenc_orthonormalise(q, m, n, scratch);
    check_orthonormal(q, m, n);
    double below = 0, lowest = 1, difference = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t p = 0; p < m; p++) sum += q[p * n + i] * (a[p * n + j] / scale);
            r[i * n + j] = sum;
            if (i > j) below = check_larger(below, fabs(sum));
            if (i == j) lowest = sum >= lowest ? lowest : sum;
        }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t p = 0; p < n; p++) sum += q[i * n + p] * r[p * n + j];
            difference = check_larger(difference, fabs(sum - a[i * n + j] / scale));
        }
    CHECK(below <= 1e-12 && lowest >= 0 && difference <= 1e-12);
}

static void check_dependent(void) {
    double a[5 * 3] = {0}, scratch[2 * 3];
    aenc_orthonormalise(a, 5, 3, scratch);
    check_orthonormal(a, 5, 3);
    for (int i = 0; i < 15; i++) a[i] = i / 3 + 1; /* three equal columns */
    aenc_orthonormalise(a, 5, 3, scratch);
    check_orthonormal(a, 5, 3);
}

/* In the Haar distribution of 2 x 2 the angle of the first column is uniform, and determinants of both signs are
 * equally likely; without the sign of R's diagonal the first element would never be positive. */
static void check_haar(void) {
    enum { DRAWS = 4000, BINS = 8 };
    int bin[BINS] = {0}, positive = 0;
    double scratch[4], chi = 0;
    for (int i = 0; i < DRAWS; i++) {
        double q[4] = {random_normal(), random_normal(), random_normal(), random_normal()};
        aenc_orthonormalise(q, 2, 2, scratch);
        double turn = atan2(q[2], q[0]) / 6.283185307179586 + 0.5;
        bin[(int)(turn * BINS) % BINS]++;
        positive += q[0] * q[3] - q[1] * q[2] > 0;
    }
    for (int i = 0; i < BINS; i++) chi += (bin[i] - DRAWS / BINS) * (bin[i] - DRAWS / BINS) / (double)(DRAWS / BINS);
    CHECK(chi < 24.3); /* 7 degrees of freedom, 0.1 % */
    CHECK_NEAR(positive, DRAWS / 2, 3.3 * sqrt(DRAWS / 4.0));
}

/* A V = V L, V orthonormal, values descending. */
static void check_eigen(const double *a, int64_t n) {
    double work[SIZE * SIZE], values[SIZE], vectors[SIZE * SIZE], scratch[3 * SIZE];
    double size = 1e-300, worst = 0, skew = 0;
    memcpy(work, a, (size_t)(n * n) * sizeof *a);
    if (!CHECK(aenc_eigen_symmetric(work, n, values, vectors, scratch))) return;
    for (int64_t i = 0; i < n * n; i++) size = check_larger(size, fabs(a[i]));
    for (int64_t i = 0; i < n; i++) {
        CHECK(i == 0 || values[i] <= values[i - 1]);
        for (int64_t r = 0; r < n; r++) {
            double sum = 0;
            for (int64_t c = 0; c < n; c++) sum += a[r * n + c] * vectors[i * n + c];
            worst = check_larger(worst, fabs(sum - values[i] * vectors[i * n + r]));
        }
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t c = 0; c < n; c++) sum += vectors[i * n + c] * vectors[j * n + c];
            skew = check_larger(skew, fabs(sum - (i == j ? 1 : 0)));
        }
    }
    CHECK(worst <= 1e-12 * size && skew <= 1e-13);
}

static void check_eigen_kinds(int64_t n) {
    double a[SIZE * SIZE] = {0}, factor[SIZE * 3];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random_normal();
    check_eigen(a, n);
    for (int64_t i = 0; i < n * n; i++) a[i] *= 1e150;
    check_eigen(a, n);
    for (int64_t i = 0; i < n * n; i++) a[i] = i / n == i % n ? 2 : 0; /* equal values */
    check_eigen(a, n);
    for (int64_t i = 0; i < n * n; i++) a[i] = 0;
    check_eigen(a, n);
    for (int64_t i = 0; i < n * 3; i++) factor[i] = random_normal(); /* rank 3 */
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            a[i * n + j] = factor[i * 3] * factor[j * 3] + factor[i * 3 + 1] * factor[j * 3 + 1] +
                           1e-6 * factor[i * 3 + 2] * factor[j * 3 + 2];
    check_eigen(a, n);
}

/* Rank 4 of 60, far from 1 in size: most of the tridiagonal form is the rounding of the rest. */
static void check_eigen_low_rank(void) {
    static double factor[SIZE * 4];
    static double a[SIZE * SIZE];
    for (int64_t i = 0; i < SIZE * 4; i++) factor[i] = 1e4 * random_normal();
    for (int64_t i = 0; i < SIZE; i++)
        for (int64_t j = 0; j < SIZE; j++) {
            a[i * SIZE + j] = 0;
            for (int64_t k = 0; k < 4; k++) a[i * SIZE + j] += factor[i * 4 + k] * factor[j * 4 + k];
        }
    check_eigen(a, SIZE);
}

/* 2 - 2 cos(k pi / (n + 1)) are the eigenvalues of the second difference. */
static void check_known_values(void) {
    enum { N = 20 };
    double a[N * N] = {0}, values[N], vectors[N * N], scratch[3 * N];
    for (int i = 0; i < N; i++) {
        a[i * N + i] = 2;
        if (i > 0) a[i * N + i - 1] = a[(i - 1) * N + i] = -1;
    }
    CHECK(aenc_eigen_symmetric(a, N, values, vectors, scratch));
    for (int i = 0; i < N; i++) CHECK_NEAR(values[i], 2 - 2 * cos((N - i) * 3.14159265358979323846 / (N + 1)), 1e-13);
    double poisoned[4] = {1, NAN, NAN, 1};
    CHECK(!aenc_eigen_symmetric(poisoned, 2, values, vectors, scratch));
}

int main(void) {
    for (int64_t n = 0; n <= 12; n++)
        for (int64_t m = n; m <= n + 7; m++) check_factor(m, n, 1);
    check_factor(SIZE, SIZE - 9, 1);
    check_factor(SIZE, SIZE, 1e200);
    check_factor(SIZE, 20, 1e-200);
    check_dependent();
    check_haar();
    for (int64_t n = 0; n <= 12; n++) check_eigen_kinds(n);
    check_eigen_kinds(SIZE);
    check_eigen_low_rank();
    check_known_values();
    return check_finish();
}
