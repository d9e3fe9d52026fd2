/* kernels_elementwise.c - functions of one number, arithmetic, sums and softmax over dense arrays.
 *
 * A result may not overlap an operand, but for `bias_activation` and `backward_in_place`, which say so.
 */
#include "math/kernels.h"

#include <stddef.h>
#include <string.h>

#include "math/activations.h"
#include "math/blocks.h"
#include "math/lanes.h"

/* ---- Functions of one number ----
 *
 * Each is two loops over whole blocks (blocks.h), with the value and the derivative of activations.h inlined. What
 * leads to them, for any n, is there once.
 */
typedef num unary(num v, num slope);

/* Values: a = f(b), or f(b + c) where c, a bias, is not NULL. Slopes: a = b f', f' from c, the output or the input.
 * a may be b. */
typedef void function_blocks(num *a, const num *b, const num *c, int64_t n, num slope);

/* What added to a number is that number, -0 too. */
#define NOTHING -(num)0
static const num nothing[BLOCK] = {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                                   NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING};

static AENC_INLINE void map_values(num *y, const num *x, const num *bias, int64_t n, num slope, unary *f) {
    int64_t step = bias == NULL ? 0 : BLOCK;
    const num *b = bias == NULL ? nothing : bias;
    for (int64_t i = 0; i < n; i += BLOCK, b += step) {
        AENC_INDEPENDENT
        for (int64_t k = 0; k < BLOCK; k++) y[i + k] = f(x[i + k] + b[k], slope);
    }
}

/* Where there is never a bias. */
static AENC_INLINE void map_plain(num *y, const num *x, int64_t n, num slope, unary *f) {
    int64_t whole = n & -BLOCK;
    AENC_INDEPENDENT
    for (int64_t i = 0; i < whole; i++) y[i] = f(x[i], slope);
}

static AENC_INLINE void map_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope, unary *derivative) {
    int64_t whole = n & -BLOCK;
    AENC_INDEPENDENT
    for (int64_t i = 0; i < whole; i++) dx[i] = dy[i] * derivative(v[i], slope);
}

enum { FROM_INPUT, FROM_OUTPUT };

/* A bias comes only where the output is enough for the derivative. */
#define LOOPS(name, constant, from)                                                                                    \
    static void name##_values(num *y, const num *x, const num *bias, int64_t n, num slope) {                           \
        if (FROM_##from == FROM_OUTPUT)                                                                                \
            map_values(y, x, bias, n, slope, name##_value);                                                            \
        else                                                                                                           \
            map_plain(y, x, n, slope, name##_value);                                                                   \
    }                                                                                                                  \
    static void name##_slopes(num *dx, const num *dy, const num *v, int64_t n, num slope) {                            \
        map_slopes(dx, dy, v, n, slope, name##_slope);                                                                 \
    }
LOOPS(identity, IDENTITY, OUTPUT)
FUNCTIONS(LOOPS)
#undef LOOPS

struct function_loops {
    function_blocks *values, *slopes;
    bool from_output; /* slopes go from y */
};

#define LOOPS_AT(name, constant, from)                                                                                 \
    [FUNCTION_##constant] = {name##_values, name##_slopes, FROM_##from == FROM_OUTPUT},
static const struct function_loops functions[FUNCTION_COUNT] = {LOOPS_AT(identity, IDENTITY, OUTPUT)
                                                                    FUNCTIONS(LOOPS_AT)};
#undef LOOPS_AT

/* Any n. */
static AENC_APART void apply(num *a, const num *b, const num *c, int64_t n, num slope, function_blocks *blocks) {
    num rest[BLOCK], rest_c[BLOCK];
    int64_t whole = n & -BLOCK;
    size_t size = (size_t)(n - whole) * sizeof(num);
    blocks(a, b, c, whole, slope);
    if (size == 0) return;
    fill(rest);
    fill(rest_c);
    memcpy(rest, b + whole, size);
    if (c != NULL) memcpy(rest_c, c + whole, size);
    blocks(rest, rest, c == NULL ? NULL : rest_c, BLOCK, slope);
    memcpy(a + whole, rest, size);
}

static void forward(enum function f, num *y, const num *x, int64_t n, num slope) {
    apply(y, x, NULL, n, slope, functions[f].values);
}

static void bias_activation(enum function f, num *y, const num *bias, int64_t n, num slope) {
    apply(y, y, bias, n, slope, functions[f].values);
}

static void backward(enum function f, num *restrict dx, const num *dy, const num *x, const num *y, int64_t n, num slope,
                     bool add) {
    num some[PIECE];
    const num *v = functions[f].from_output ? y : x;
    if (!add) {
        apply(dx, dy, v, n, slope, functions[f].slopes);
        return;
    }
    for (int64_t first = 0; first < n; first += PIECE) {
        int64_t count = n - first < PIECE ? n - first : PIECE;
        apply(some, dy + first, v + first, count, slope, functions[f].slopes);
        for (int64_t i = 0; i < count; i++) dx[first + i] += some[i];
    }
}

static void backward_in_place(enum function f, num *g, const num *y, int64_t n, num slope) {
    apply(g, g, y, n, slope, functions[f].slopes);
}

static bool from_output(enum function f) { return functions[f].from_output; }

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

static num sum(const num *x, int64_t n) { return (num)lanes_total(x, x, n, lane_first); }

static num dot(const num *a, const num *b, int64_t n) { return (num)lanes_total(a, b, n, lane_product); }

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
        if (rows > 0)
            memcpy(y, x, (size_t)cols * sizeof(num));
        else
            memset(y, 0, (size_t)cols * sizeof(num));
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
    affine(y, x, 1, -maximum(x, n), n);
    bias_activation(FUNCTION_EXP, y, NULL, n, 0);
    num scale = 1 / sum(y, n);
    for (int64_t i = 0; i < n; i++) y[i] *= scale;
}

/* y = x - m - log sum e^(x - m) */
static void log_softmax(num *restrict y, const num *restrict x, int64_t n) {
    num most = maximum(x, n);
    affine(y, x, 1, -most, n);
    bias_activation(FUNCTION_EXP, y, NULL, n, 0);
    num log_sum = num_log(sum(y, n));
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - most) - log_sum;
}

/* As whole numbers, the bits of magnitudes stand in the order of the magnitudes, and those of NaN above infinity's. */
static num max_abs(const num *restrict x, int64_t n) {
    num_whole most = 0;
    for (int64_t i = 0; i < n; i++) {
        num_whole bits = (num_whole)num_bits(num_abs(x[i]));
        most = bits > most ? bits : most;
    }
    return num_from_bits((num_word)most);
}

const struct elementwise_kernels AENC_KERNELS(elementwise) = {
    .forward = forward,
    .bias_activation = bias_activation,
    .backward = backward,
    .backward_in_place = backward_in_place,
    .from_output = from_output,
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
    .max_abs = max_abs,
};
