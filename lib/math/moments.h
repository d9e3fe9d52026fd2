/* moments.h - mean and covariance of rows that come one block after the other, and their principal directions.
 *
 * S is the sum of (x - mean)(x - mean)^T over all rows so far. A block of b rows after n is centred on its own mean and
 * joined by one more row, sqrt(n b / (n + b)) (its mean - the mean before): then S grows by exactly block^T block
 * (Chan, Golub & LeVeque 1983). All sums are double, and no number is squared before a mean is taken off it. S is
 * kept as
 *
 *   itself (cols, cols)              exact; 8 cols^2 bytes and rows cols^2 multiplications, however many rows there are
 *   a factor F (m, cols), S = F^T F  exact while every row has room: then F F^T (m,
 *                                    m) has the same eigenvalues as S, and for fewer rows than columns it is the
 *                                    smaller one. With less room, F is brought back to its `rank` leading directions
 *                                    each time it is full (Ross, Lim, Lin & Yang, "Incremental learning for robust
 *                                    visual tracking", 2008): 8 (rank + block) cols bytes, and what is cut off is
 *                                    lost to later blocks but not to `total`.
 *
 * Squaring loses what is below 1e-8 of the largest singular value: no more than the rounding of float32 data does.
 */
#ifndef AENC_MATH_MOMENTS_H
#define AENC_MATH_MOMENTS_H

#include "base/mem.h"

struct moments {
    aenc_context *ctx;
    int64_t cols;
    int64_t block;   /* rows of a block */
    int64_t rank;    /* rows that a full factor is brought back to; 0: it never is */
    int64_t used;    /* rows of the factor */
    double rows;     /* seen so far */
    double total;    /* trace of S */
    double *mean;    /* (cols) */
    double *next;    /* (cols) */
    double *scatter; /* (cols, cols) S, of which the upper tiles are valid; NULL: the factor is kept */
    double *buffer;  /* (block + 1, cols) room for a block; or the factor (block + 1 + rank, cols) */
};

/* Room to find eigenvalues in. order: cols, or rows of the factor. */
struct spectrum {
    aenc_context *ctx;
    int64_t order;            /* numbers there are room for */
    int64_t count;            /* of values */
    double *values;           /* (order) eigenvalues of S, largest first, not negative */
    double *matrix, *vectors; /* (order, order) */
    double *scratch;          /* (3 order) */
};

enum { MOMENTS_BLOCK = 512 };

/* block 0: S itself is kept. Otherwise the factor, with `block` rows at a time and `rank` as above. *out is empty
 * after a failure, and can be freed. */
aenc_status aenc_moments_create(aenc_context *ctx, int64_t cols, int64_t block, int64_t rank, struct moments *out);
void aenc_moments_free(struct moments *moments);
/* With the memory of ctx. *out is empty after a failure. */
aenc_status aenc_moments_copy(aenc_context *ctx, const struct moments *moments, struct moments *out);
/* S starts as the sum of f f^T over the rows of factor (k, cols), plus `spread` on its diagonal (for S itself only),
 * for `rows` rows with this mean. */
void aenc_moments_start(struct moments *moments, const double *mean, double rows, double total, const double *factor,
                        int64_t k, double spread);
aenc_status aenc_spectrum_create(const struct moments *moments, struct spectrum *out);
void aenc_spectrum_free(struct spectrum *spectrum);
/* Takes rows in; allocates nothing. spectrum is scratch here. False where eigenvalues did not converge. */
bool aenc_moments_add(struct moments *moments, struct spectrum *spectrum, const float *data, int64_t stride,
                      int64_t rows);
/* Finds the eigenvalues of S as it is. False as above. */
bool aenc_moments_spectrum(const struct moments *moments, struct spectrum *spectrum);
/* The k leading directions as orthonormal rows (k, cols), k <= cols. Of each, the element of largest magnitude is
 * positive, the first one of those that are as large. Those that S does not determine are some. Behind
 * aenc_moments_spectrum. */
void aenc_moments_directions(const struct moments *moments, const struct spectrum *spectrum, int64_t k, double *out);

#endif
