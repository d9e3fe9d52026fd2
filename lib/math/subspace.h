/* subspace.h - orthonormal rows, and the angles between what they span. In double; rows are row-major and dense. */
#ifndef AENC_MATH_SUBSPACE_H
#define AENC_MATH_SUBSPACE_H

#include <stdbool.h>
#include <stdint.h>

/* The rows of a (k, n) become orthonormal, each within the span of itself and those before it (Gram-Schmidt, twice:
 * Giraud et al. 2005). Answers k, or the first row that depends on those before it: less than tolerance of it is
 * left, or it is zero. */
int64_t aenc_rows_orthonormalise(double *a, int64_t k, int64_t n, double tolerance);

/* Rows `first` on of a (k, n), k <= n, become unit rows orthogonal to all before them: what is left of the unit
 * vector of which most is left, the first of them where there are several. */
void aenc_rows_complete(double *a, int64_t first, int64_t k, int64_t n);

/* Principal angles, ascending, in radians, between the spans of the orthonormal rows of a (m, n) and b (k, n), k <=
 * m, into angle (k) (Björck & Golub, "Numerical methods for computing angles between linear subspaces", 1973). Sines
 * are the singular values of b - (b a^T) a, cosines those of b a^T: one rotation of rows after Hestenes (1958)
 * serves both, and atan2 is accurate for small and for large angles. a and b stay; room: k (n + m). */
void aenc_rows_angles(const double *a, int64_t m, const double *b, int64_t k, int64_t n, double *room, double *angle);

#endif
