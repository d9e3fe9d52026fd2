/* linear_algebra.c - Householder reflections throughout (Golub & Van Loan, "Matrix Computations", 5.2, 8.3).
 *
 * A reflection is H = I - tau v v^T. Matrices are row-major, so everything is arranged to run along rows.
 */
#include "math/linear_algebra.h"

#include <float.h>
#include <math.h>

#include "math/blas.h"

/* y += scale x */
static void add_scaled(double *restrict y, const double *restrict x, double scale, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += scale * x[i];
}

/* The reflection that turns x (n elements, stride apart) into (alpha, 0, ...): v goes to x, but for v[0] = 1 in whose
 * place alpha is left; answers tau. Scaled by the largest element so that squares neither overflow nor vanish. */
static double make_reflection(double *x, int64_t n, int64_t stride) {
    double largest = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i * stride]));
    if (largest == 0) return 0;
    for (int64_t i = 0; i < n; i++) squares += (x[i * stride] / largest) * (x[i * stride] / largest);
    double alpha = -copysign(largest * sqrt(squares), x[0]);
    double head = x[0] - alpha;
    for (int64_t i = 1; i < n; i++) x[i * stride] /= head;
    double tau = -head / alpha;
    x[0] = alpha;
    return tau;
}

/* The columns behind column j, rows j and on, become H times themselves; v stands in column j. w (n) is scratch. */
static void reflect_behind(double *a, int64_t m, int64_t n, int64_t j, double tau, double *w) {
    int64_t width = n - j - 1;
    double *head = a + j * n + j + 1;
    for (int64_t c = 0; c < width; c++) w[c] = head[c];
    for (int64_t i = j + 1; i < m; i++) add_scaled(w, a + i * n + j + 1, a[i * n + j], width);
    add_scaled(head, w, -tau, width);
    for (int64_t i = j + 1; i < m; i++) add_scaled(a + i * n + j + 1, w, -tau * a[i * n + j], width);
}

void aenc_orthonormalise(double *a, int64_t m, int64_t n, double *scratch) {
    double *tau = scratch, *w = scratch + n;
    for (int64_t j = 0; j < n; j++) {
        tau[j] = make_reflection(a + j * n + j, m - j, n);
        reflect_behind(a, m, n, j, tau[j], w);
    }
    /* Q = H_0 H_1 ... times n columns of I, from the last reflection to the first; R's diagonal still stands. */
    for (int64_t j = n - 1; j >= 0; j--) {
        double sign = a[j * n + j] < 0 ? -1 : 1;
        reflect_behind(a, m, n, j, tau[j], w);
        for (int64_t i = 0; i < j; i++) a[i * n + j] = 0;
        a[j * n + j] = sign * (1 - tau[j]);
        for (int64_t i = j + 1; i < m; i++) a[i * n + j] *= -sign * tau[j];
    }
}

/* a = Q T Q^T. T's diagonal goes to d (n), what is beside it to e (n, the last one 0). Row k of a keeps v of reflection
 * k from column k + 1 on, v[0] = 1 included, and tau (n) its factor. w (n) is scratch. */
static void tridiagonalise(double *a, int64_t n, double *d, double *e, double *tau, double *w) {
    for (int64_t k = 0; k + 1 < n; k++) {
        double *v = a + k * n + k + 1;
        int64_t size = n - k - 1;
        d[k] = a[k * n + k];
        tau[k] = make_reflection(v, size, 1);
        e[k] = v[0];
        v[0] = 1;
        if (tau[k] == 0) continue;
        /* p = tau B v, w = p - tau / 2 (p.v) v, B -= v w^T + w v^T */
        for (int64_t i = 0; i < size; i++) w[i] = tau[k] * aenc_blas_dot(a + (k + 1 + i) * n + k + 1, v, size);
        aenc_blas_axpy(w, v, -tau[k] / 2 * aenc_blas_dot(w, v, size), size);
        for (int64_t i = 0; i < size; i++) {
            double *row = a + (k + 1 + i) * n + k + 1;
            aenc_blas_axpy(row, w, -v[i], size);
            aenc_blas_axpy(row, v, -w[i], size);
        }
    }
    if (n > 0) d[n - 1] = a[n * n - 1];
    if (n > 0) e[n - 1] = 0;
}

/* q = Q^T: row by row, times the reflections from the last to the first. */
static void transposed_basis(const double *a, int64_t n, const double *tau, double *q) {
    for (int64_t i = 0; i < n * n; i++) q[i] = i / n == i % n ? 1 : 0;
    for (int64_t k = n - 2; k >= 0; k--) {
        const double *v = a + k * n + k + 1;
        int64_t size = n - k - 1;
        for (int64_t i = k + 1; i < n; i++) {
            double *row = q + i * n + k + 1;
            aenc_blas_axpy(row, v, -tau[k] * aenc_blas_dot(row, v, size), size);
        }
    }
}

/* The end of the unreduced block that begins at l: the first m with nothing beside the diagonal. `nothing` is what the
 * rounding of the largest numbers makes: where the matrix has no full rank, the rest consists of that. */
static int64_t block_end(const double *d, const double *e, int64_t n, int64_t l, double nothing) {
    int64_t m = l;
    while (m + 1 < n && fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])) && fabs(e[m]) > nothing) m++;
    return m;
}

/* One implicit QL sweep with Wilkinson's shift from m up to l; the rotations are applied to the rows of z. */
static void sweep(double *d, double *e, double *z, int64_t n, int64_t l, int64_t m) {
    double half = (d[l + 1] - d[l]) / (2 * e[l]);
    double g = d[m] - d[l] + e[l] / (half + copysign(hypot(half, 1), half));
    double s = 1, c = 1, p = 0;
    for (int64_t i = m - 1; i >= l; i--) {
        double f = s * e[i], b = c * e[i];
        double r = hypot(f, g);
        e[i + 1] = r;
        if (r == 0) { /* the block has split */
            d[i + 1] -= p;
            e[m] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        r = (d[i] - g) * s + 2 * c * b;
        p = s * r;
        d[i + 1] = g + p;
        g = c * r - b;
        aenc_blas_rotate(z + i * n, z + (i + 1) * n, c, s, n);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
}

static void sort_descending(double *d, double *z, int64_t n) {
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t best = i;
        for (int64_t j = i + 1; j < n; j++)
            if (d[j] > d[best]) best = j;
        if (best == i) continue;
        double value = d[i];
        d[i] = d[best];
        d[best] = value;
        for (int64_t j = 0; j < n; j++) {
            double element = z[i * n + j];
            z[i * n + j] = z[best * n + j];
            z[best * n + j] = element;
        }
    }
}

bool aenc_eigen_symmetric(double *a, int64_t n, double *values, double *vectors, double *scratch) {
    enum { SWEEPS_MAX = 60 }; /* per eigenvalue; two or three are usual */
    double *e = scratch, *tau = scratch + n, *w = scratch + 2 * n;
    for (int64_t i = 0; i < n * n; i++)
        if (!isfinite(a[i])) return false;
    tridiagonalise(a, n, values, e, tau, w);
    transposed_basis(a, n, tau, vectors);
    double nothing = DBL_MIN;
    for (int64_t i = 0; i < n; i++) nothing = fmax(nothing, DBL_EPSILON / 4 * (fabs(values[i]) + fabs(e[i])));
    for (int64_t l = 0; l < n; l++) {
        int sweeps = 0;
        for (int64_t m = block_end(values, e, n, l, nothing); m != l; m = block_end(values, e, n, l, nothing)) {
            if (++sweeps > SWEEPS_MAX) return false;
            sweep(values, e, vectors, n, l, m);
        }
    }
    sort_descending(values, vectors, n);
    return true;
}
