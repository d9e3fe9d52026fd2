/* linear_algebra.h - dense factorisations of small matrices, in double, on raw row-major arrays.
 *
 * For setting up (orthogonal starts, principal components), not for inner loops: no blocking, no threads.
 */
#ifndef AENC_MATH_LINEAR_ALGEBRA_H
#define AENC_MATH_LINEAR_ALGEBRA_H

#include <stdbool.h>
#include <stdint.h>

/* a (m, n), m >= n, becomes Q of a = Q R: (m, n) with orthonormal columns, where R's diagonal is not negative. That
 * makes Q unique, and Haar-distributed when a's elements are independent standard normals (Mezzadri, "How to generate
 * random matrices from the classical compact groups", 2007). Dependent columns are completed by some orthonormal ones.
 * scratch: 2 n. */
void aenc_orthonormalise(double *a, int64_t m, int64_t n, double *scratch);

/* Eigenvalues of symmetric a (n, n), largest first, into values (n), and the unit eigenvectors as the rows of vectors
 * (n, n). a is destroyed. scratch: 3 n. False, with the results useless, when a holds NaN or infinity or the iteration
 * does not converge. */
bool aenc_eigen_symmetric(double *a, int64_t n, double *values, double *vectors, double *scratch);

#endif
