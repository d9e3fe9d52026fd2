/* elementwise.c - functions of one number, sums and products of two operands, and what their tangents need.
 *
 * Each function of math/kernels.h is an op of its own, so that plans and messages name it. Two operands broadcast as
 * op/broadcast.h says; their gradients are sums over what was repeated.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "op/broadcast.h"
#include "op/family.h"

static aenc_status like_infer(struct tape *tape, struct node *n) {
    (void)tape;
    return aenc_op_infer_like(n, n->in[0]);
}

/* The elements that a call over `rows` covers. */
static struct span elements(const struct node *n, struct span rows) {
    struct span s = aenc_op_span0(n, rows);
    int64_t each = aenc_op_stride0(n);
    return (struct span){s.lo * each, s.hi * each};
}

/* ---- Functions of one number: y = f(x), dx = dy f'(x) ---- */

struct function_attr {
    enum function function;
    num slope;
};

static void function_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct function_attr *attr = n->attr;
    struct span e = elements(n, rows);
    run->kernels->elementwise->forward(attr->function, aenc_value(run, n) + e.lo, aenc_value(run, n->in[0]) + e.lo,
                                       e.hi - e.lo, attr->slope);
}

static void function_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                              const struct run *run) {
    const struct function_attr *attr = n->attr;
    const struct node *x = n->in[operand];
    int64_t each = aenc_op_stride0(x), lo = s.lo * each;
    run->kernels->elementwise->backward(attr->function, dx, aenc_gradient(run, n) + lo, aenc_value(run, x) + lo,
                                        aenc_value(run, n) + lo, (s.hi - s.lo) * each, attr->slope, add);
}

static void function_describe(const struct node *n, struct description *to) {
    const struct function_attr *attr = n->attr;
    aenc_describe_number(to, "slope", (double)attr->slope);
}

/* ---- Step: 1 where x > 0, else 0; no gradient passes. The derivative of relu as a node. ---- */

static aenc_status step_infer(struct tape *tape, struct node *n) {
    (void)tape;
    n->needs_gradient = false;
    return aenc_op_infer_like(n, n->in[0]);
}

static void step_forward(const struct node *n, struct span rows, const struct run *run) {
    struct span e = elements(n, rows);
    const num *restrict x = aenc_value(run, n->in[0]) + e.lo;
    num *restrict y = aenc_value(run, n) + e.lo;
    for (int64_t i = 0; i < e.hi - e.lo; i++) y[i] = x[i] > 0 ? (num)1 : (num)0;
}

/* Zero. */
static struct node *step_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    (void)tape, (void)n, (void)tangents;
    return NULL;
}

static const struct op step_op = {.name = "step",
                                  .arity = 1,
                                  .symmetric = true,
                                  .infer = step_infer,
                                  .forward = step_forward,
                                  .tangent = step_tangent};

struct node *aenc_op_step(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &step_op, &x, 1, NULL, 0);
}

/* ---- Normal distribution: Phi(x) = (1 + erf(x / sqrt 2)) / 2, Phi' = phi(x) = exp(-x^2 / 2) / sqrt(2 pi) ---- */

static const double sqrt_half = 0.70710678118654752440;
static const double one_over_sqrt_two_pi = 0.39894228040143267794;

static void normal_cdf_forward(const struct node *n, struct span rows, const struct run *run) {
    struct span e = elements(n, rows);
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n);
    for (int64_t i = e.lo; i < e.hi; i++) y[i] = (num)(0.5 + 0.5 * erf((double)x[i] * sqrt_half));
}

static void normal_cdf_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                                const struct run *run) {
    int64_t each = aenc_op_stride0(n->in[operand]);
    const num *x = aenc_value(run, n->in[operand]) + s.lo * each;
    const num *dy = aenc_gradient(run, n) + s.lo * each;
    for (int64_t i = 0; i < (s.hi - s.lo) * each; i++) {
        double density = one_over_sqrt_two_pi * exp(-0.5 * (double)x[i] * (double)x[i]);
        dx[i] = (add ? dx[i] : 0) + dy[i] * (num)density;
    }
}

static struct node *normal_density(struct tape *tape, struct node *x) {
    struct node *exponent = aenc_op_affine(tape, aenc_op_function(tape, FUNCTION_SQUARE, 0, x), -0.5, 0);
    return aenc_op_affine(tape, aenc_op_function(tape, FUNCTION_EXP, 0, exponent), one_over_sqrt_two_pi, 0);
}

static struct node *normal_cdf_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    return aenc_op_multiply(tape, normal_density(tape, n->in[0]), tangents[0]);
}

static const struct op normal_cdf_op = {.name = "normal_cdf",
                                        .arity = 1,
                                        .infer = like_infer,
                                        .forward = normal_cdf_forward,
                                        .gradient = normal_cdf_gradient,
                                        .symmetric = true,
                                        .tangent = normal_cdf_tangent};

/* ---- Tangents of functions: f'(x) as nodes, times the tangent of x ---- */

/* slope + (1 - slope) step(x) */
static struct node *leaky_slope(struct tape *tape, struct node *x, double slope) {
    struct node *step = aenc_op_step(tape, x);
    return slope == 0 ? step : aenc_op_affine(tape, step, 1 - slope, slope);
}

/* 1 above 0; below it slope e^x = y + slope */
static struct node *elu_slope(struct tape *tape, struct node *x, struct node *y, double slope) {
    struct node *above = aenc_op_step(tape, x);
    struct node *below = aenc_op_affine(tape, above, -1, 1);
    return aenc_op_add(tape, above, aenc_op_multiply(tape, below, aenc_op_affine(tape, y, 1, slope)));
}

/* Phi(x) + x phi(x) */
static struct node *gelu_slope(struct tape *tape, struct node *x) {
    struct node *cdf = aenc_tape_record(tape, &normal_cdf_op, &x, 1, NULL, 0);
    return aenc_op_add(tape, cdf, aenc_op_multiply(tape, x, normal_density(tape, x)));
}

/* s + y (1 - s), s = sigmoid(x) */
static struct node *silu_slope(struct tape *tape, struct node *x, struct node *y) {
    struct node *s = aenc_op_function(tape, FUNCTION_SIGMOID, 0, x);
    return aenc_op_add(tape, s, aenc_op_multiply(tape, y, aenc_op_affine(tape, s, -1, 1)));
}

/* step(x) - step(-x): 0 at 0 */
static struct node *sign_of(struct tape *tape, struct node *x) {
    return aenc_op_subtract(tape, aenc_op_step(tape, x), aenc_op_step(tape, aenc_op_affine(tape, x, -1, 0)));
}

static struct node *square_of(struct tape *tape, struct node *x) {
    return aenc_op_function(tape, FUNCTION_SQUARE, 0, x);
}

/* 1 - e^-y */
static struct node *softplus_slope(struct tape *tape, struct node *y) {
    struct node *falling = aenc_op_function(tape, FUNCTION_EXP, 0, aenc_op_affine(tape, y, -1, 0));
    return aenc_op_affine(tape, falling, -1, 1);
}

struct node *aenc_op_derivative(struct tape *tape, enum function function, double slope, struct node *x,
                                struct node *y) {
    struct node *side = x != NULL ? x : y; /* with slope >= 0 they are on the same side of 0 */
    switch (function) {
    case FUNCTION_RELU: return aenc_op_step(tape, side);
    case FUNCTION_LEAKY_RELU: return leaky_slope(tape, side, slope);
    case FUNCTION_ELU: return elu_slope(tape, side, y, slope);
    case FUNCTION_SIGMOID: return aenc_op_multiply(tape, y, aenc_op_affine(tape, y, -1, 1));
    case FUNCTION_TANH: return aenc_op_affine(tape, square_of(tape, y), -1, 1);
    case FUNCTION_SOFTPLUS: return x == NULL ? softplus_slope(tape, y) : aenc_op_function(tape, FUNCTION_SIGMOID, 0, x);
    case FUNCTION_GELU: return gelu_slope(tape, x);
    case FUNCTION_SILU: return silu_slope(tape, x, y);
    case FUNCTION_EXP: return y;
    case FUNCTION_LOG: return aenc_op_function(tape, FUNCTION_RECIPROCAL, 0, x);
    case FUNCTION_SQRT: return aenc_op_affine(tape, aenc_op_function(tape, FUNCTION_RECIPROCAL, 0, y), 0.5, 0);
    case FUNCTION_SQUARE: return aenc_op_affine(tape, x, 2, 0);
    case FUNCTION_ABSOLUTE: return sign_of(tape, x);
    case FUNCTION_RECIPROCAL: return aenc_op_affine(tape, square_of(tape, y), -1, 0);
    case FUNCTION_NEGATE: return aenc_op_affine(tape, y, 0, -1);
    case FUNCTION_IDENTITY:
    case FUNCTION_COUNT: break;
    }
    return NULL;
}

static struct node *function_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct function_attr *attr = n->attr;
    if (attr->function == FUNCTION_NEGATE) return aenc_op_affine(tape, tangents[0], -1, 0);
    struct node *slope =
        aenc_op_derivative(tape, attr->function, (double)attr->slope, n->in[0], aenc_op_result(tape, n));
    return aenc_op_multiply(tape, slope, tangents[0]);
}

/* ---- Affine: y = scale x + shift, dx = scale dy ---- */

struct affine_attr {
    num scale, shift;
};

static void affine_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct affine_attr *attr = n->attr;
    struct span e = elements(n, rows);
    run->kernels->elementwise->affine(aenc_value(run, n) + e.lo, aenc_value(run, n->in[0]) + e.lo, attr->scale,
                                      attr->shift, e.hi - e.lo);
}

static void affine_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                            const struct run *run) {
    const struct affine_attr *attr = n->attr;
    int64_t each = aenc_op_stride0(n->in[operand]);
    const num *dy = aenc_gradient(run, n) + s.lo * each;
    if (add)
        run->kernels->elementwise->accumulate(dx, dy, attr->scale, (s.hi - s.lo) * each);
    else
        run->kernels->elementwise->affine(dx, dy, attr->scale, 0, (s.hi - s.lo) * each);
}

static void affine_describe(const struct node *n, struct description *to) {
    const struct affine_attr *attr = n->attr;
    aenc_describe_number(to, "scale", (double)attr->scale);
    aenc_describe_number(to, "shift", (double)attr->shift);
}

static struct node *affine_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct affine_attr *attr = n->attr;
    return aenc_op_affine(tape, tangents[0], (double)attr->scale, 0);
}

static const struct op affine_op = {.name = "affine",
                                    .arity = 1,
                                    .infer = like_infer,
                                    .forward = affine_forward,
                                    .gradient = affine_gradient,
                                    .describe = affine_describe,
                                    .symmetric = true,
                                    .tangent = affine_tangent};

struct node *aenc_op_affine(struct tape *tape, struct node *x, double scale, double shift) {
    struct affine_attr attr = {(num)scale, (num)shift};
    return aenc_tape_record(tape, &affine_op, &x, 1, &attr, sizeof attr);
}

/* ---- Clamp: y = x kept to [low, high]; dx = dy within, 0 outside ---- */

struct clamp_attr {
    num low, high;
};

static aenc_status clamp_infer(struct tape *tape, struct node *n) {
    const struct clamp_attr *attr = n->attr;
    if (!(attr->low <= attr->high))
        return aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "op 'clamp': low is %s, and high is %s",
                              aenc_shown_num(attr->low).text, aenc_shown_num(attr->high).text);
    return aenc_op_infer_like(n, n->in[0]);
}

static void clamp_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct clamp_attr *attr = n->attr;
    struct span e = elements(n, rows);
    num low = attr->low, high = attr->high;
    const num *restrict x = aenc_value(run, n->in[0]) + e.lo;
    num *restrict y = aenc_value(run, n) + e.lo;
    for (int64_t i = 0; i < e.hi - e.lo; i++) {
        num least = x[i] < low ? low : x[i];
        y[i] = least > high ? high : least;
    }
}

static void clamp_gradient(const struct node *n, int operand, struct span s, num *dx, bool add, const struct run *run) {
    const struct clamp_attr *attr = n->attr;
    int64_t each = aenc_op_stride0(n->in[operand]);
    num low = attr->low, high = attr->high;
    const num *restrict x = aenc_value(run, n->in[operand]) + s.lo * each;
    const num *restrict dy = aenc_gradient(run, n) + s.lo * each;
    num *restrict to = dx;
    int64_t count = (s.hi - s.lo) * each;
    if (!add) memset(to, 0, (size_t)count * sizeof *to);
    for (int64_t i = 0; i < count; i++) to[i] += x[i] >= low && x[i] <= high ? dy[i] : 0;
}

static void clamp_describe(const struct node *n, struct description *to) {
    const struct clamp_attr *attr = n->attr;
    aenc_describe_number(to, "low", (double)attr->low);
    aenc_describe_number(to, "high", (double)attr->high);
}

/* (1 - step(low - x)) (1 - step(x - high)) */
static struct node *clamp_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct clamp_attr *attr = n->attr;
    struct node *below = aenc_op_step(tape, aenc_op_affine(tape, n->in[0], -1, (double)attr->low));
    struct node *above = aenc_op_step(tape, aenc_op_affine(tape, n->in[0], 1, -(double)attr->high));
    struct node *within =
        aenc_op_multiply(tape, aenc_op_affine(tape, below, -1, 1), aenc_op_affine(tape, above, -1, 1));
    return aenc_op_multiply(tape, within, tangents[0]);
}

static const struct op clamp_op = {.name = "clamp",
                                   .arity = 1,
                                   .infer = clamp_infer,
                                   .forward = clamp_forward,
                                   .gradient = clamp_gradient,
                                   .describe = clamp_describe,
                                   .symmetric = true,
                                   .tangent = clamp_tangent};

struct node *aenc_op_clamp(struct tape *tape, struct node *x, double low, double high) {
    struct clamp_attr attr = {(num)low, (num)high};
    return aenc_tape_record(tape, &clamp_op, &x, 1, &attr, sizeof attr);
}

/* ---- The functions as ops: one row each ---- */

#define FUNCTION_OP(id, constant, from)                                                                                \
    [FUNCTION_##constant] = {.name = #id,                                                                              \
                             .arity = 1,                                                                               \
                             .infer = like_infer,                                                                      \
                             .forward = function_forward,                                                              \
                             .gradient = function_gradient,                                                            \
                             .describe = function_describe,                                                            \
                             .symmetric = true,                                                                        \
                             .tangent = function_tangent},
static const struct op function_ops[FUNCTION_COUNT] = {FUNCTIONS(FUNCTION_OP)};
#undef FUNCTION_OP

struct node *aenc_op_function(struct tape *tape, enum function function, double slope, struct node *x) {
    assert(function >= FUNCTION_IDENTITY && function < FUNCTION_COUNT);
    if (function == FUNCTION_IDENTITY) return x;
    struct function_attr attr = {function, (num)slope};
    return aenc_tape_record(tape, &function_ops[function], &x, 1, &attr, sizeof attr);
}

const char *aenc_op_function_name(enum function function) {
    return function == FUNCTION_IDENTITY ? "identity" : function_ops[function].name;
}

bool aenc_op_is_function(const struct node *n, enum function *function, double *slope) {
    if (n->op == NULL || n->op->forward != function_forward) return false;
    const struct function_attr *attr = n->attr;
    *function = attr->function;
    *slope = (double)attr->slope;
    return true;
}

#define FUNCTION_AT(id, constant, from) &function_ops[FUNCTION_##constant],
const struct op *const aenc_elementwise_ops[] = {
    &affine_op, &clamp_op, &step_op, &normal_cdf_op, FUNCTIONS(FUNCTION_AT) NULL,
};
#undef FUNCTION_AT
