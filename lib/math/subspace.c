/* subspace.c - spans of rows. */
#include "math/subspace.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "math/blas.h"

/* Row r without its parts along the rows before it; returns the norm that is left. */
static double project_out(double *a, int64_t r, int64_t n) {
    double *row = a + r * n;
    for (int64_t i = 0; i < r; i++) aenc_blas_axpy(row, a + i * n, -aenc_blas_dot(row, a + i * n, n), n);
    return sqrt(aenc_blas_dot(row, row, n));
}

static void divide(double *row, double by, int64_t n) {
    for (int64_t c = 0; c < n; c++) row[c] /= by;
}

int64_t aenc_rows_orthonormalise(double *a, int64_t k, int64_t n, double tolerance) {
    for (int64_t r = 0; r < k; r++) {
        double *row = a + r * n;
        double largest = 0;
        for (int64_t c = 0; c < n; c++) largest = fmax(largest, fabs(row[c]));
        if (!(largest > 0)) return r;
        divide(row, largest, n); /* squares neither overflow nor vanish */
        divide(row, sqrt(aenc_blas_dot(row, row, n)), n);
        double left = project_out(a, r, n);
        if (!(left > tolerance)) return r;
        divide(row, left, n);
        divide(row, project_out(a, r, n), n);
    }
    return k;
}

void aenc_rows_complete(double *a, int64_t first, int64_t k, int64_t n) {
    for (int64_t r = first; r < k; r++) {
        double *row = a + r * n;
        for (int64_t c = 0; c < n; c++) row[c] = 1;
        for (int64_t i = 0; i < r; i++)
            for (int64_t c = 0; c < n; c++) row[c] -= a[i * n + c] * a[i * n + c];
        int64_t best = 0;
        for (int64_t c = 1; c < n; c++)
            if (row[c] > row[best] + 1e-9) best = c;
        memset(row, 0, (size_t)n * sizeof *row);
        row[best] = 1;
        divide(row, project_out(a, r, n), n);
        divide(row, project_out(a, r, n), n);
    }
}

/* Rotates rows i and j so that their first n numbers become orthogonal; false: they were. */
static bool rotate_pair(double *x, double *y, int64_t n, int64_t width) {
    double xx = aenc_blas_dot(x, x, n), yy = aenc_blas_dot(y, y, n), xy = aenc_blas_dot(x, y, n);
    if (!(fabs(xy) > 4 * DBL_EPSILON * sqrt(xx * yy))) return false;
    double half = (yy - xx) / (2 * xy);
    double t = copysign(1 / (fabs(half) + hypot(half, 1)), half);
    double c = 1 / hypot(t, 1);
    aenc_blas_rotate(x, y, c, c * t, width);
    return true;
}

static void sort_ascending(double *x, int64_t n) {
    for (int64_t i = 1; i < n; i++)
        for (int64_t j = i; j > 0 && x[j] < x[j - 1]; j--) {
            double swap = x[j];
            x[j] = x[j - 1];
            x[j - 1] = swap;
        }
}

void aenc_rows_angles(const double *a, int64_t m, const double *b, int64_t k, int64_t n, double *room, double *angle) {
    enum { SWEEPS_MAX = 40 }; /* six or seven are usual */
    int64_t width = n + m;
    for (int64_t r = 0; r < k; r++) {
        double *sine = room + r * width, *cosine = sine + n;
        memcpy(sine, b + r * n, (size_t)n * sizeof *sine);
        for (int64_t i = 0; i < m; i++) {
            cosine[i] = aenc_blas_dot(b + r * n, a + i * n, n);
            aenc_blas_axpy(sine, a + i * n, -cosine[i], n);
        }
    }
    bool turned = true;
    for (int sweep = 0; sweep < SWEEPS_MAX && turned; sweep++) {
        turned = false;
        for (int64_t i = 0; i + 1 < k; i++)
            for (int64_t j = i + 1; j < k; j++)
                turned = rotate_pair(room + i * width, room + j * width, n, width) || turned;
    }
    for (int64_t r = 0; r < k; r++) {
        const double *sine = room + r * width, *cosine = sine + n;
        angle[r] = atan2(sqrt(aenc_blas_dot(sine, sine, n)), sqrt(aenc_blas_dot(cosine, cosine, m)));
    }
    sort_ascending(angle, k);
}
