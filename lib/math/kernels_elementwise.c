/* kernels_elementwise.c - functions of one number, arithmetic, sums and softmax over dense arrays.
 *
 * A result may not overlap an operand, but for `biased` and `backward_in_place`, which say so. Each function of the
 * table is a few loops with its value and its derivative of activations.h inlined.
 */
#include "math/kernels.h"

#include <stddef.h>
#include <string.h>

#include "math/activations.h"
#include "math/blocks.h"
#include "math/lanes.h"

/* ---- Functions of one number ----
 *
 * Where the formula is short and all the time goes, a form is a plain loop. The other loops go over the whole blocks of
 * n only (blocks.h), so that the formula stands there once; `values` and `slopes` see to the rest.
 */
typedef num unary(num v, num slope);

/* y = f(x) */
static AENC_INLINE void map(num *restrict y, const num *restrict x, int64_t n, num slope, unary *f) {
    for (int64_t i = 0; i < n; i++) y[i] = f(x[i], slope);
}

/* y = f(y + bias) */
static AENC_INLINE void map_biased(num *restrict y, const num *restrict bias, int64_t n, num slope, unary *f) {
    if (bias == NULL)
        for (int64_t i = 0; i < n; i++) y[i] = f(y[i], slope);
    else
        for (int64_t i = 0; i < n; i++) y[i] = f(y[i] + bias[i], slope);
}

/* dx (=, +=) dy f', f' from v: the output or the input */
static AENC_INLINE void map_backward(num *restrict dx, const num *restrict dy, const num *restrict v, int64_t n,
                                     num slope, bool add, unary *derivative) {
    if (add)
        for (int64_t i = 0; i < n; i++) dx[i] += dy[i] * derivative(v[i], slope);
    else
        for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * derivative(v[i], slope);
}

/* g = g f' */
static AENC_INLINE void map_in_place(num *restrict g, const num *restrict y, int64_t n, num slope, unary *derivative) {
    for (int64_t i = 0; i < n; i++) g[i] *= derivative(y[i], slope);
}

/* The value of a function: y = f(x), or f(x + bias) where bias is not NULL; y may be x. */
typedef void value_blocks(num *y, const num *x, const num *bias, int64_t n, num slope);
/* Its derivative: dx (=, +=) dy f', f' from v; dx may be dy. */
typedef void slope_blocks(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add);

/* Without a bias. */
static AENC_INLINE void blocks_plain(num *y, const num *x, int64_t n, num slope, unary *f) {
    int64_t whole = n & -BLOCK;
    AENC_INDEPENDENT
    for (int64_t i = 0; i < whole; i++) y[i] = f(x[i], slope);
}

/* Two loops. */
static AENC_INLINE void blocks_biased(num *y, const num *x, const num *bias, int64_t n, num slope, unary *f) {
    int64_t whole = n & -BLOCK;
    if (bias == NULL) {
        blocks_plain(y, x, n, slope, f);
        return;
    }
    AENC_INDEPENDENT
    for (int64_t i = 0; i < whole; i++) y[i] = f(x[i] + bias[i], slope);
}

/* What added to a number is that number, -0 too. */
#define NOTHING -(num)0
static const num nothing[BLOCK] = {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                                   NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING};

/* One loop, for a long f. */
static AENC_INLINE void blocks_biased_once(num *y, const num *x, const num *bias, int64_t n, num slope, unary *f) {
    int64_t step = bias == NULL ? 0 : BLOCK;
    const num *b = bias == NULL ? nothing : bias;
    for (int64_t i = 0; i + BLOCK <= n; i += BLOCK, b += step) {
        AENC_INDEPENDENT
        for (int64_t k = 0; k < BLOCK; k++) y[i + k] = f(x[i + k] + b[k], slope);
    }
}

/* Two loops. */
static AENC_INLINE void blocks_backward(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add,
                                        unary *derivative) {
    int64_t whole = n & -BLOCK;
    if (add) {
        AENC_INDEPENDENT
        for (int64_t i = 0; i < whole; i++) dx[i] += dy[i] * derivative(v[i], slope);
    } else {
        AENC_INDEPENDENT
        for (int64_t i = 0; i < whole; i++) dx[i] = dy[i] * derivative(v[i], slope);
    }
}

/* One loop, for a long derivative. */
static AENC_INLINE void blocks_backward_once(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add,
                                             unary *derivative) {
    for (int64_t i = 0; i + BLOCK <= n; i += BLOCK) {
        num d[BLOCK];
        for (int64_t k = 0; k < BLOCK; k++) d[k] = derivative(v[i + k], slope);
        if (add) {
            AENC_INDEPENDENT
            for (int64_t k = 0; k < BLOCK; k++) dx[i + k] += dy[i + k] * d[k];
        } else {
            AENC_INDEPENDENT
            for (int64_t k = 0; k < BLOCK; k++) dx[i + k] = dy[i + k] * d[k];
        }
    }
}

/* Any n. */
static AENC_APART void values(num *y, const num *x, const num *bias, int64_t n, num slope, value_blocks *blocks) {
    num rest[BLOCK], rest_bias[BLOCK];
    int64_t whole = n & -BLOCK;
    size_t size = (size_t)(n - whole) * sizeof(num);
    blocks(y, x, bias, whole, slope);
    if (size == 0) return;
    fill(rest);
    fill(rest_bias);
    memcpy(rest, x + whole, size);
    if (bias != NULL) memcpy(rest_bias, bias + whole, size);
    blocks(rest, rest, bias == NULL ? NULL : rest_bias, BLOCK, slope);
    memcpy(y + whole, rest, size);
}

/* Any n. */
static AENC_APART void slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add,
                              slope_blocks *blocks) {
    num rest[BLOCK], rest_dy[BLOCK], rest_v[BLOCK];
    int64_t whole = n & -BLOCK;
    size_t size = (size_t)(n - whole) * sizeof(num);
    blocks(dx, dy, v, whole, slope, add);
    if (size == 0) return;
    fill(rest);
    fill(rest_dy);
    fill(rest_v);
    if (add) memcpy(rest, dx + whole, size);
    memcpy(rest_dy, dy + whole, size);
    memcpy(rest_v, v + whole, size);
    blocks(rest, rest_dy, rest_v, BLOCK, slope, add);
    memcpy(dx + whole, rest, size);
}

static void identity_forward(num *y, const num *x, int64_t n, num slope) {
    map(y, x, n, slope, identity_value);
}
static void identity_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, identity_value);
}
static void identity_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, identity_slope);
}
static void identity_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, identity_slope);
}

static void relu_forward(num *y, const num *x, int64_t n, num slope) {
    map(y, x, n, slope, relu_value);
}
static void relu_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, relu_value);
}
static void relu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, relu_slope);
}
static void relu_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, relu_slope);
}

static void leaky_relu_forward(num *y, const num *x, int64_t n, num slope) {
    map(y, x, n, slope, leaky_relu_value);
}
static void leaky_relu_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, leaky_relu_value);
}
static void leaky_relu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, leaky_relu_slope);
}
static void leaky_relu_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, leaky_relu_slope);
}

static void elu_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased_once(y, x, bias, n, slope, elu_value);
}
static void elu_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, elu_slope);
}
static void elu_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, elu_values);
}
static void elu_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, elu_values);
}
static void elu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    slopes(dx, dy, y, n, slope, add, elu_slopes);
}
static void elu_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    slopes(g, g, y, n, slope, false, elu_slopes);
}

static void sigmoid_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased(y, x, bias, n, slope, sigmoid_value);
}
static void sigmoid_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, sigmoid_values);
}
static void sigmoid_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, sigmoid_values);
}
static void sigmoid_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, sigmoid_slope);
}
static void sigmoid_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, sigmoid_slope);
}

static void tanh_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased(y, x, bias, n, slope, tanh_value);
}
static void tanh_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, tanh_values);
}
static void tanh_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, tanh_values);
}
static void tanh_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, tanh_slope);
}
static void tanh_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, tanh_slope);
}

static void softplus_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased_once(y, x, bias, n, slope, softplus_value);
}
static void softplus_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward_once(dx, dy, v, n, slope, add, softplus_slope);
}
static void softplus_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, softplus_values);
}
static void softplus_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, softplus_values);
}
static void softplus_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    slopes(dx, dy, y, n, slope, add, softplus_slopes);
}
static void softplus_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    slopes(g, g, y, n, slope, false, softplus_slopes);
}

static void gelu_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    (void)bias;
    blocks_plain(y, x, n, slope, gelu_value);
}
static void gelu_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward_once(dx, dy, v, n, slope, add, gelu_slope);
}
static void gelu_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, gelu_values);
}
static void gelu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    slopes(dx, dy, x, n, slope, add, gelu_slopes);
}

static void silu_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    (void)bias;
    blocks_plain(y, x, n, slope, silu_value);
}
static void silu_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward_once(dx, dy, v, n, slope, add, silu_slope);
}
static void silu_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, silu_values);
}
static void silu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    slopes(dx, dy, x, n, slope, add, silu_slopes);
}

/* For softmax: 0 elsewhere. */
static AENC_INLINE num exp_shifted(num x, num shift) { return num_exp(x - shift); }
static void exp_values(num *y, const num *x, const num *bias, int64_t n, num shift) {
    blocks_biased_once(y, x, bias, n, shift, exp_shifted);
}
static void exp_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, exp_slope);
}
static void exp_forward(num *y, const num *x, int64_t n, num slope) {
    (void)slope;
    values(y, x, NULL, n, 0, exp_values);
}
static void exp_biased(num *y, const num *bias, int64_t n, num slope) {
    (void)slope;
    values(y, y, bias, n, 0, exp_values);
}
static void exp_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    slopes(dx, dy, y, n, slope, add, exp_slopes);
}
static void exp_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    slopes(g, g, y, n, slope, false, exp_slopes);
}

static void log_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    (void)bias;
    blocks_plain(y, x, n, slope, log_value);
}
static void log_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, log_slope);
}
static void log_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, log_values);
}
static void log_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    slopes(dx, dy, x, n, slope, add, log_slopes);
}

static void sqrt_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased(y, x, bias, n, slope, sqrt_value);
}
static void sqrt_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, sqrt_slope);
}
static void sqrt_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, sqrt_values);
}
static void sqrt_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, sqrt_values);
}
static void sqrt_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    slopes(dx, dy, y, n, slope, add, sqrt_slopes);
}
static void sqrt_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    slopes(g, g, y, n, slope, false, sqrt_slopes);
}

static void square_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    (void)bias;
    blocks_plain(y, x, n, slope, square_value);
}
static void square_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, square_slope);
}
static void square_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, square_values);
}
static void square_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    slopes(dx, dy, x, n, slope, add, square_slopes);
}

static void absolute_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    (void)bias;
    blocks_plain(y, x, n, slope, absolute_value);
}
static void absolute_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, absolute_slope);
}
static void absolute_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, absolute_values);
}
static void absolute_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    slopes(dx, dy, x, n, slope, add, absolute_slopes);
}

static void negate_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased(y, x, bias, n, slope, negate_value);
}
static void negate_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, negate_slope);
}
static void negate_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, negate_values);
}
static void negate_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, negate_values);
}
static void negate_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    slopes(dx, dy, y, n, slope, add, negate_slopes);
}
static void negate_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    slopes(g, g, y, n, slope, false, negate_slopes);
}

static void reciprocal_values(num *y, const num *x, const num *bias, int64_t n, num slope) {
    blocks_biased(y, x, bias, n, slope, reciprocal_value);
}
static void reciprocal_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, bool add) {
    blocks_backward(dx, dy, v, n, slope, add, reciprocal_slope);
}
static void reciprocal_forward(num *y, const num *x, int64_t n, num slope) {
    values(y, x, NULL, n, slope, reciprocal_values);
}
static void reciprocal_biased(num *y, const num *bias, int64_t n, num slope) {
    values(y, y, bias, n, slope, reciprocal_values);
}
static void reciprocal_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    slopes(dx, dy, y, n, slope, add, reciprocal_slopes);
}
static void reciprocal_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    slopes(g, g, y, n, slope, false, reciprocal_slopes);
}

/* ---- Arithmetic and sums ---- */

static void add(num *restrict y, const num *restrict a, const num *restrict b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void subtract(num *restrict y, const num *restrict a, const num *restrict b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] - b[i];
}

static void multiply(num *restrict y, const num *restrict a, const num *restrict b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static void divide(num *restrict y, const num *restrict a, const num *restrict b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] / b[i];
}

static void affine(num *restrict y, const num *restrict x, num scale, num shift, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = scale * x[i] + shift;
}

static void accumulate(num *restrict y, const num *restrict x, num scale, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += scale * x[i];
}

static void accumulate_product(num *restrict y, const num *restrict a, const num *restrict b, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += a[i] * b[i];
}

static num sum(const num *x, int64_t n) { return (num)lanes_total(x, x, n, 0, lane_first); }

static num dot(const num *a, const num *b, int64_t n) { return (num)lanes_total(a, b, n, 0, lane_product); }

/* The larger one; NaN if either is. */
static AENC_INLINE num larger(num a, num b) {
    num most = a > b ? a : b;
    return a != a ? a : most;
}

/* -inf for n 0; NaN if one is. */
static num maximum(const num *restrict x, int64_t n) {
    num lane[LANES];
    for (int k = 0; k < LANES; k++) lane[k] = -INFINITY;
    int64_t whole = n - n % LANES;
    for (int64_t i = 0; i < whole; i += LANES)
        for (int64_t k = 0; k < LANES; k++) lane[k] = larger(lane[k], x[i + k]);
    for (int64_t k = 0; k < n - whole; k++) lane[k] = larger(lane[k], x[whole + k]);
    num most = lane[0];
    for (int k = 1; k < LANES; k++) most = larger(most, lane[k]);
    return most;
}

/* Four rows at a time, each column's sum in the order of the rows: y is read and written a quarter as often. */
static void column_sums(num *restrict y, const num *restrict x, int64_t rows, int64_t cols, int64_t stride, bool add) {
    int64_t r = 0;
    if (!add) {
        for (int64_t c = 0; c < cols; c++) y[c] = rows > 0 ? x[c] : 0;
        r = 1;
    }
    for (; r + 4 <= rows; r += 4) {
        const num *restrict x0 = x + r * stride;
        const num *restrict x1 = x0 + stride;
        const num *restrict x2 = x1 + stride;
        const num *restrict x3 = x2 + stride;
        for (int64_t c = 0; c < cols; c++) y[c] = (((y[c] + x0[c]) + x1[c]) + x2[c]) + x3[c];
    }
    for (; r < rows; r++) {
        const num *restrict x0 = x + r * stride;
        for (int64_t c = 0; c < cols; c++) y[c] += x0[c];
    }
}

/* y = e^(x - m) / sum e^(x - m) */
static void softmax(num *restrict y, const num *restrict x, int64_t n) {
    values(y, x, NULL, n, maximum(x, n), exp_values);
    num scale = 1 / sum(y, n);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

/* y = x - m - log sum e^(x - m) */
static void log_softmax(num *restrict y, const num *restrict x, int64_t n) {
    num most = maximum(x, n);
    values(y, x, NULL, n, most, exp_values);
    num log_sum = num_log(sum(y, n));
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - most) - log_sum;
}

/* As whole numbers, the bits of magnitudes stand in the order of the magnitudes, and those of NaN above infinity's. */
static num largest(const num *restrict x, int64_t n) {
    num_whole most = 0;
    for (int64_t i = 0; i < n; i++) {
        num_whole bits = (num_whole)num_bits(num_abs(x[i]));
        most = bits > most ? bits : most;
    }
    return num_from_bits((num_word)most);
}

const struct elementwise_kernels AENC_KERNELS(elementwise) = {
    .function =
        {
            [FUNCTION_IDENTITY] = {"identity", true, identity_forward, identity_biased, identity_backward,
                                   identity_backward_in_place},
            [FUNCTION_RELU] = {"relu", true, relu_forward, relu_biased, relu_backward, relu_backward_in_place},
            [FUNCTION_LEAKY_RELU] = {"leaky_relu", true, leaky_relu_forward, leaky_relu_biased, leaky_relu_backward,
                                     leaky_relu_backward_in_place},
            [FUNCTION_ELU] = {"elu", true, elu_forward, elu_biased, elu_backward, elu_backward_in_place},
            [FUNCTION_SIGMOID] = {"sigmoid", true, sigmoid_forward, sigmoid_biased, sigmoid_backward,
                                  sigmoid_backward_in_place},
            [FUNCTION_TANH] = {"tanh", true, tanh_forward, tanh_biased, tanh_backward, tanh_backward_in_place},
            [FUNCTION_SOFTPLUS] = {"softplus", true, softplus_forward, softplus_biased, softplus_backward,
                                   softplus_backward_in_place},
            [FUNCTION_GELU] = {"gelu", false, gelu_forward, NULL, gelu_backward, NULL},
            [FUNCTION_SILU] = {"silu", false, silu_forward, NULL, silu_backward, NULL},
            [FUNCTION_EXP] = {"exp", true, exp_forward, exp_biased, exp_backward, exp_backward_in_place},
            [FUNCTION_LOG] = {"log", false, log_forward, NULL, log_backward, NULL},
            [FUNCTION_SQRT] = {"sqrt", true, sqrt_forward, sqrt_biased, sqrt_backward, sqrt_backward_in_place},
            [FUNCTION_SQUARE] = {"square", false, square_forward, NULL, square_backward, NULL},
            [FUNCTION_ABSOLUTE] = {"absolute", false, absolute_forward, NULL, absolute_backward, NULL},
            [FUNCTION_NEGATE] = {"negate", true, negate_forward, negate_biased, negate_backward,
                                 negate_backward_in_place},
            [FUNCTION_RECIPROCAL] = {"reciprocal", true, reciprocal_forward, reciprocal_biased, reciprocal_backward,
                                     reciprocal_backward_in_place},
        },
    .add = add,
    .subtract = subtract,
    .multiply = multiply,
    .divide = divide,
    .affine = affine,
    .accumulate = accumulate,
    .accumulate_product = accumulate_product,
    .sum = sum,
    .dot = dot,
    .maximum = maximum,
    .column_sums = column_sums,
    .softmax = softmax,
    .log_softmax = log_softmax,
    .largest = largest,
};
