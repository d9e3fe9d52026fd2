/* kernels_norm.c - normalisation of one row and its backward. Results may not overlap operands. */
#include "math/kernels.h"

#include <string.h>

#include "math/blocks.h"

/* mean = sum x / n; variance = sum (x - mean)^2 / n; y = (x - mean) rstd, rstd = 1 / sqrt(variance + epsilon) */
static void normalise(num *restrict y, const num *restrict x, int64_t n, num epsilon, num *mean, num *rstd) {
    const struct elementwise_kernels *k = &AENC_KERNELS(elementwise);
    num count = n > 0 ? (num)n : 1;
    num middle = k->sum(x, n) / count;
    k->affine(y, x, 1, -middle, n);
    num scale = (num)(1 / sqrt((double)(k->dot(y, y, n) / count) + (double)epsilon));
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
    *mean = middle;
    *rstd = scale;
}

/* dx (=, +=) rstd (g - mean(g) - y mean(g y)) */
static void backward(num *restrict dx, const num *restrict g, const num *restrict y, num rstd, int64_t n, bool add) {
    const struct elementwise_kernels *k = &AENC_KERNELS(elementwise);
    num count = n > 0 ? (num)n : 1;
    num mean_g = k->sum(g, n) / count, mean_gy = k->dot(g, y, n) / count;
    if (!add) memset(dx, 0, (size_t)n * sizeof(num));
    for (int64_t i = 0; i < n; i++) dx[i] += rstd * ((g[i] - mean_g) - y[i] * mean_gy);
}

const struct norm_kernels AENC_KERNELS(norm) = {
    .normalise = normalise,
    .backward = backward,
};
