/* kernels_elementwise.c - functions of one number, arithmetic, sums, softmax and random numbers over dense arrays.
 *
 * A result may not overlap an operand, but for `biased` and `backward_in_place`, which say so. Each function of the
 * table is one of the maps below with the value or derivative of activations.h inlined into its loop.
 */
#include "math/kernels.h"

#include <stddef.h>

#include "math/activations.h"
#include "math/lanes.h"

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

static void identity_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, identity_value); }
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

static void relu_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, relu_value); }
static void relu_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, relu_value); }
static void relu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, relu_slope);
}
static void relu_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, relu_slope);
}

static void leaky_relu_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, leaky_relu_value); }
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

static void elu_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, elu_value); }
static void elu_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, elu_value); }
static void elu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, elu_slope);
}
static void elu_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, elu_slope);
}

static void sigmoid_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, sigmoid_value); }
static void sigmoid_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, sigmoid_value);
}
static void sigmoid_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, sigmoid_slope);
}
static void sigmoid_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, sigmoid_slope);
}

static void tanh_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, tanh_value); }
static void tanh_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, tanh_value); }
static void tanh_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, tanh_slope);
}
static void tanh_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, tanh_slope);
}

static void softplus_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, softplus_value); }
static void softplus_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, softplus_value);
}
static void softplus_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, softplus_slope);
}
static void softplus_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, softplus_slope);
}

static void gelu_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, gelu_value); }
static void gelu_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, gelu_value); }
static void gelu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    map_backward(dx, dy, x, n, slope, add, gelu_slope);
}

static void silu_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, silu_value); }
static void silu_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, silu_value); }
static void silu_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    map_backward(dx, dy, x, n, slope, add, silu_slope);
}

static void exp_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, exp_value); }
static void exp_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, exp_value); }
static void exp_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, exp_slope);
}
static void exp_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, exp_slope);
}

static void log_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, log_value); }
static void log_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, log_value); }
static void log_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    map_backward(dx, dy, x, n, slope, add, log_slope);
}

static void sqrt_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, sqrt_value); }
static void sqrt_biased(num *y, const num *bias, int64_t n, num slope) { map_biased(y, bias, n, slope, sqrt_value); }
static void sqrt_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, sqrt_slope);
}
static void sqrt_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, sqrt_slope);
}

static void square_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, square_value); }
static void square_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, square_value);
}
static void square_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    map_backward(dx, dy, x, n, slope, add, square_slope);
}

static void absolute_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, absolute_value); }
static void absolute_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, absolute_value);
}
static void absolute_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)y;
    map_backward(dx, dy, x, n, slope, add, absolute_slope);
}

static void negate_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, negate_value); }
static void negate_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, negate_value);
}
static void negate_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, negate_slope);
}
static void negate_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, negate_slope);
}

static void reciprocal_forward(num *y, const num *x, int64_t n, num slope) { map(y, x, n, slope, reciprocal_value); }
static void reciprocal_biased(num *y, const num *bias, int64_t n, num slope) {
    map_biased(y, bias, n, slope, reciprocal_value);
}
static void reciprocal_backward(num *dx, const num *dy, const num *x, const num *y, int64_t n, num slope, bool add) {
    (void)x;
    map_backward(dx, dy, y, n, slope, add, reciprocal_slope);
}
static void reciprocal_backward_in_place(num *g, const num *y, int64_t n, num slope) {
    map_in_place(g, y, n, slope, reciprocal_slope);
}

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

/* y = e^(x - m) / sum e^(x - m), m the maximum */
static void softmax(num *restrict y, const num *restrict x, int64_t n) {
    num most = maximum(x, n);
    for (int64_t i = 0; i < n; i++) y[i] = num_exp(x[i] - most);
    num scale = 1 / sum(y, n);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

static AENC_INLINE num lane_exp(num a, num b, num most) {
    (void)b;
    return num_exp(a - most);
}

/* y = x - m - log sum e^(x - m) */
static void log_softmax(num *restrict y, const num *restrict x, int64_t n) {
    num most = maximum(x, n);
    num log_sum = num_log((num)lanes_total(x, x, n, most, lane_exp));
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - most) - log_sum;
}

static bool finite(const num *restrict x, int64_t n) {
    uint32_t bad = 0;
    for (int64_t i = 0; i < n; i++) bad |= num_abs(x[i]) <= NUM_MAX ? 0u : 1u;
    return bad == 0;
}

/* Of each pair of words the first makes the radius sqrt(-2 log u), u from 31 bits (so that tails reach 6.6), and the
 * second the angle, from 24 bits; the pair of normals are its cosine and sine. */
static void normals(num *restrict out, const uint32_t *restrict bits, int64_t n) {
    for (int64_t i = 0; i < n / 2; i++) {
        num u = ((num)(int32_t)(bits[2 * i] >> 1) + (num)0.5) * (num)0x1p-31;
        num angle = (num)(int32_t)(bits[2 * i + 1] >> 8) * (num)0x1p-24;
        num sine, cosine;
        num_sin_cos(angle, &sine, &cosine);
        num radius = num_sqrt(-2 * num_log(u));
        out[2 * i] = radius * cosine;
        out[2 * i + 1] = radius * sine;
    }
}

/* Odd multiples of 2^-24: symmetric about 1/2, and neither 0 nor 1. */
static void uniforms(num *restrict out, const uint32_t *restrict bits, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (num)(int32_t)((bits[i] >> 8) | 1u) * (num)0x1p-24;
}

/* ---- Random bits: as base/random.c, PHILOX_LANES counters at a time ---- */

enum { PHILOX_ROUNDS = 10, PHILOX_LANES = 16 };

static AENC_INLINE void philox_lanes(uint32_t *restrict c0, uint32_t *restrict c1, uint32_t *restrict c2,
                                     uint32_t *restrict c3, uint32_t k0, uint32_t k1) {
    for (int round = 0; round < PHILOX_ROUNDS; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        for (int i = 0; i < PHILOX_LANES; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[i], p1 = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c1[i] = (uint32_t)p1;
            c3[i] = (uint32_t)p0;
        }
    }
}

static void philox(uint32_t *restrict out, const uint32_t key[2], const uint32_t counter[4], int64_t blocks) {
    uint64_t next = counter[0] | (uint64_t)counter[1] << 32;
    for (int64_t first = 0; first < blocks; first += PHILOX_LANES, next += PHILOX_LANES) {
        uint32_t c0[PHILOX_LANES], c1[PHILOX_LANES], c2[PHILOX_LANES], c3[PHILOX_LANES];
        for (int i = 0; i < PHILOX_LANES; i++) {
            c0[i] = (uint32_t)(next + (uint64_t)i);
            c1[i] = (uint32_t)((next + (uint64_t)i) >> 32);
            c2[i] = counter[2];
            c3[i] = counter[3];
        }
        philox_lanes(c0, c1, c2, c3, key[0], key[1]);
        int64_t length = blocks - first < PHILOX_LANES ? blocks - first : PHILOX_LANES;
        for (int64_t i = 0; i < length; i++) {
            uint32_t *to = out + 4 * (first + i);
            to[0] = c0[i];
            to[1] = c1[i];
            to[2] = c2[i];
            to[3] = c3[i];
        }
    }
}

static void replace(num *restrict y, const num *restrict x, const uint32_t *restrict bits, int64_t n,
                    const struct replacement *how, bool add) {
    const int32_t half = how->half, all = how->all;
    const num low = how->low, high = how->high;
    const int shift = how->shift;
    for (int64_t i = 0; i < n; i++) {
        int32_t drawn = (int32_t)(bits[i] >> shift & 0xFFFF);
        num other = drawn < half ? low : high, v = x[i];
        v = drawn < all ? other : v;
        y[i] = add ? y[i] + v : v;
    }
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
            [FUNCTION_GELU] = {"gelu", false, gelu_forward, gelu_biased, gelu_backward, NULL},
            [FUNCTION_SILU] = {"silu", false, silu_forward, silu_biased, silu_backward, NULL},
            [FUNCTION_EXP] = {"exp", true, exp_forward, exp_biased, exp_backward, exp_backward_in_place},
            [FUNCTION_LOG] = {"log", false, log_forward, log_biased, log_backward, NULL},
            [FUNCTION_SQRT] = {"sqrt", true, sqrt_forward, sqrt_biased, sqrt_backward, sqrt_backward_in_place},
            [FUNCTION_SQUARE] = {"square", false, square_forward, square_biased, square_backward, NULL},
            [FUNCTION_ABSOLUTE] = {"absolute", false, absolute_forward, absolute_biased, absolute_backward, NULL},
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
    .finite = finite,
    .normals = normals,
    .uniforms = uniforms,
    .philox = philox,
    .replace = replace,
};
