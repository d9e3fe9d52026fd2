/* blas.h - products of matrices, and the only door to CBLAS. Row-major; M rows of C, N columns of C, K inner. Sizes
 * beyond int are refused by the plan before they get here (aenc_blas_fits). No call's shape depends on the number of
 * threads. */
#ifndef AENC_MATH_BLAS_H
#define AENC_MATH_BLAS_H

#include "base/number.h"
#include "base/context.h"
#include "math/kernels.h"

/* C (m, n; ldc) = A B + beta C, where A is (m, k; lda), or (k, m) when transpose_a, and B is (k, n; ldb), or (n, k)
 * when transpose_b. beta 0 does not read C. k == 0 gives beta C; m == 0 or n == 0 does nothing. Products of a
 * shard's or a tile's size are our own (kernels_product.c) where the processor has wide vectors; the rest is the
 * CBLAS's. */
void aenc_blas_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda,
                    const num *b, int64_t ldb, num beta, num *c, int64_t ldc);
/* What products are fastest with: aenc_blas_gemm, or a form that leaves less to a CBLAS of which aenc_blas_describe
 * warns. */
matrix_product *aenc_blas_product(void);
/* The same in double whatever num is; m, n and k are at least 1. */
void aenc_blas_dgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                     const double *b, int64_t ldb, double beta, double *c, int64_t ldc);
double aenc_blas_dot(const double *x, const double *y, int64_t n);
/* y += scale x */
void aenc_blas_axpy(double *y, const double *x, double scale, int64_t n);
/* x and y become c x - s y and s x + c y. */
void aenc_blas_rotate(double *x, double *y, double c, double s, int64_t n);
/* Whether a size can be handed to this CBLAS. */
bool aenc_blas_fits(int64_t size);

/* What runs underneath, asked of the library that was loaded, not of the one it was built against. Texts are static or
 * the CBLAS's own; NULL where the provider does not tell. */
struct blas_info {
    const char *provider; /* "OpenBLAS", "BLIS", "MKL", "reference or other" */
    const char *config;   /* openblas_get_config() */
    const char *kernels;  /* openblas_get_corename() */
    int threads;          /* process-wide; 0: unknown */
    const char *warning;  /* kernels slower than this processor has; NULL: none */
    const char *refusal;  /* why this CBLAS cannot be used (64-bit integers); NULL: it can */
};
void aenc_blas_describe(struct blas_info *out);
/* Sets the process-wide number of threads to one; false where the provider has no such call. */
bool aenc_blas_single_thread(void);

#endif
