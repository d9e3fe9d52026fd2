/* activations.h - enum function one number at a time: value, and derivative from what is at hand.
 *
 * x_value(x, slope) is the function. x_slope(v, slope) is its derivative, from the output v = y where that suffices
 * (usually: nothing but y has to be kept) and from the input v = x in gelu, silu, log, square and absolute. At a kink
 * the derivative is PyTorch's: that of the left side, and 0 for the absolute value. Leaky relu and elu ask for
 * slope >= 0. NaN passes through.
 */
#ifndef AENC_MATH_ACTIVATIONS_H
#define AENC_MATH_ACTIVATIONS_H

#include "math/functions.h"

static AENC_INLINE num identity_value(num x, num slope) {
    (void)slope;
    return x;
}
static AENC_INLINE num identity_slope(num y, num slope) {
    (void)y, (void)slope;
    return 1;
}

static AENC_INLINE num relu_value(num x, num slope) {
    (void)slope;
    return x < 0 ? 0 : x;
}
static AENC_INLINE num relu_slope(num y, num slope) {
    (void)slope;
    return y > 0 ? (num)1 : (num)0;
}

static AENC_INLINE num leaky_relu_value(num x, num slope) { return x > 0 ? x : slope * x; }
static AENC_INLINE num leaky_relu_slope(num y, num slope) { return y > 0 ? 1 : slope; }

static AENC_INLINE num elu_value(num x, num slope) { return x > 0 ? x : slope * num_expm1(x); }
/* Left of 0: slope e^x = y + slope. */
static AENC_INLINE num elu_slope(num y, num slope) { return y > 0 ? 1 : y + slope; }

static AENC_INLINE num sigmoid_value(num x, num slope) {
    (void)slope;
    return num_sigmoid(x);
}
static AENC_INLINE num sigmoid_slope(num y, num slope) {
    (void)slope;
    return y * (1 - y);
}

static AENC_INLINE num tanh_value(num x, num slope) {
    (void)slope;
    return num_tanh(x);
}
static AENC_INLINE num tanh_slope(num y, num slope) {
    (void)slope;
    return 1 - y * y;
}

static AENC_INLINE num softplus_value(num x, num slope) {
    (void)slope;
    return num_softplus(x);
}
/* sigmoid(x) = 1 - e^-y. */
static AENC_INLINE num softplus_slope(num y, num slope) {
    (void)slope;
    return -num_expm1(-y);
}

/* x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2. */
static AENC_INLINE num gelu_value(num x, num slope) {
    (void)slope;
    const num root_half = (num)0.70710678118654752;
    num y = x * ((num)0.5 + (num)0.5 * num_erf(x * root_half));
    return x < -NUM_MAX ? 0 : y; /* -inf times 0 */
}
/* Phi(x) + x phi(x), phi(x) = e^(-x^2 / 2) / sqrt(2 pi). */
static AENC_INLINE num gelu_slope(num x, num slope) {
    (void)slope;
    const num root_half = (num)0.70710678118654752, root_turn = (num)0.39894228040143268;
    num bell = num_exp((num)-0.5 * (x * x)) * root_turn;
    num y = (num)0.5 + (num)0.5 * num_erf(x * root_half) + x * bell;
    return num_abs(x) > NUM_MAX ? (x > 0 ? (num)1 : (num)0) : y;
}

static AENC_INLINE num silu_value(num x, num slope) {
    (void)slope;
    num y = x * num_sigmoid(x);
    return x < -NUM_MAX ? 0 : y;
}
/* With s = sigmoid(x): s + x s (1 - s). */
static AENC_INLINE num silu_slope(num x, num slope) {
    (void)slope;
    num s = num_sigmoid(x);
    num y = s + x * (s * (1 - s));
    return num_abs(x) > NUM_MAX ? s : y;
}

static AENC_INLINE num exp_value(num x, num slope) {
    (void)slope;
    return num_exp(x);
}
static AENC_INLINE num exp_slope(num y, num slope) {
    (void)slope;
    return y;
}

static AENC_INLINE num log_value(num x, num slope) {
    (void)slope;
    return num_log(x);
}
static AENC_INLINE num log_slope(num x, num slope) {
    (void)slope;
    return 1 / x;
}

static AENC_INLINE num sqrt_value(num x, num slope) {
    (void)slope;
    return num_sqrt(x);
}
static AENC_INLINE num sqrt_slope(num y, num slope) {
    (void)slope;
    return (num)0.5 / y;
}

static AENC_INLINE num square_value(num x, num slope) {
    (void)slope;
    return x * x;
}
static AENC_INLINE num square_slope(num x, num slope) {
    (void)slope;
    return 2 * x;
}

static AENC_INLINE num absolute_value(num x, num slope) {
    (void)slope;
    return num_abs(x);
}
static AENC_INLINE num absolute_slope(num x, num slope) {
    (void)slope;
    num sign = x < 0 ? (num)-1 : (num)1;
    return x == 0 ? 0 : sign;
}

static AENC_INLINE num negate_value(num x, num slope) {
    (void)slope;
    return -x;
}
static AENC_INLINE num negate_slope(num y, num slope) {
    (void)y, (void)slope;
    return -1;
}

static AENC_INLINE num reciprocal_value(num x, num slope) {
    (void)slope;
    return 1 / x;
}
static AENC_INLINE num reciprocal_slope(num y, num slope) {
    (void)slope;
    return -(y * y);
}

#endif
