/* kernels_norm.c - normalisation of one row and its backward. Results may not overlap operands. */
#include "math/kernels.h"

#include "math/lanes.h"

static AENC_INLINE num deviation_square(num a, num b, num mean) {
    (void)b;
    return (a - mean) * (a - mean);
}

/* mean = sum x / n; variance = sum (x - mean)^2 / n; y = (x - mean) rstd, rstd = 1 / sqrt(variance + epsilon) */
static void normalise(num *restrict y, const num *restrict x, int64_t n, num epsilon, num *mean, num *rstd) {
    double count = n > 0 ? (double)n : 1;
    num middle = (num)(lanes_total(x, x, n, 0, 0, lane_first) / count);
    double variance = lanes_total(x, x, n, middle, middle, deviation_square) / count;
    num scale = (num)(1 / sqrt(variance + (double)epsilon));
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - middle) * scale;
    *mean = middle;
    *rstd = scale;
}

/* dx (=, +=) rstd (g - mean(g) - y mean(g y)) */
static void backward(num *restrict dx, const num *restrict g, const num *restrict y, num rstd, int64_t n, bool add) {
    double count = n > 0 ? (double)n : 1;
    num mean_g = (num)(lanes_total(g, g, n, 0, 0, lane_first) / count);
    num mean_gy = (num)(lanes_total(g, y, n, 0, 0, lane_product) / count);
    if (add)
        for (int64_t i = 0; i < n; i++) dx[i] += rstd * ((g[i] - mean_g) - y[i] * mean_gy);
    else
        for (int64_t i = 0; i < n; i++) dx[i] = rstd * ((g[i] - mean_g) - y[i] * mean_gy);
}

const struct norm_kernels AENC_KERNELS(norm) = {
    .normalise = normalise,
    .backward = backward,
};
