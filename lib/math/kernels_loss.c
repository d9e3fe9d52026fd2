/* kernels_loss.c - element losses of one row: value, and derivatives by the output y and by the target t.
 *
 * Each is PyTorch's formula of the same name. A loss is functions of one pair of numbers, each inlined into a loop;
 * where none by the target is given, it is that by the output with the other sign. Results may not overlap operands.
 */
#include "math/kernels.h"

#include <stddef.h>
#include <string.h>

#include "math/blocks.h"

typedef num pair_function(num y, num t, num parameter);

/* (y - t)^2 */
static AENC_INLINE num squared_value(num y, num t, num parameter) {
    (void)parameter;
    return (y - t) * (y - t);
}
static AENC_INLINE num squared_by_output(num y, num t, num parameter) {
    (void)parameter;
    return 2 * (y - t);
}

/* |y - t|; NaN for NaN */
static AENC_INLINE num absolute_value(num y, num t, num parameter) {
    (void)parameter;
    return num_abs(y - t);
}
static AENC_INLINE num absolute_by_output(num y, num t, num parameter) {
    (void)parameter;
    num d = y - t;
    num sign = d < 0 ? (num)-1 : (num)1;
    sign = d == 0 ? 0 : sign;
    return d != d ? d : sign;
}

/* With d = y - t: d^2 / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere */
static AENC_INLINE num huber_value(num y, num t, num delta) {
    num d = num_abs(y - t);
    num near = (num)0.5 * d * d, far = delta * (d - (num)0.5 * delta);
    return d > delta ? far : near;
}
/* clamp(d, -delta, delta) */
static AENC_INLINE num huber_by_output(num y, num t, num delta) {
    num d = y - t;
    d = d > delta ? delta : d;
    return d < -delta ? -delta : d;
}

/* log x, at least -100 */
static AENC_INLINE num log_clamped(num x) {
    num y = num_log(x);
    return y < -100 ? -100 : y;
}

/* -t log y - (1 - t) log(1 - y) */
static AENC_INLINE num bce_value(num y, num t, num parameter) {
    (void)parameter;
    return -t * log_clamped(y) - (1 - t) * log_clamped(1 - y);
}
/* (y - t) / (y (1 - y)), the denominator at least 1e-12 */
static AENC_INLINE num bce_by_output(num y, num t, num parameter) {
    (void)parameter;
    num variance = y * (1 - y);
    variance = variance < (num)1e-12 ? (num)1e-12 : variance;
    return (y - t) / variance;
}
static AENC_INLINE num bce_by_target(num y, num t, num parameter) {
    (void)t, (void)parameter;
    return log_clamped(1 - y) - log_clamped(y);
}

/* -t log s - (1 - t) log(1 - s), s = sigmoid(y); as softplus(y) - y t nothing overflows */
static AENC_INLINE num bce_logits_value(num y, num t, num parameter) {
    (void)parameter;
    return num_softplus(y) - y * t;
}
static AENC_INLINE num bce_logits_by_output(num y, num t, num parameter) {
    (void)parameter;
    return num_sigmoid(y) - t;
}
static AENC_INLINE num bce_logits_by_target(num y, num t, num parameter) {
    (void)t, (void)parameter;
    return -y;
}

/* out = scale f(y, t), over whole blocks (blocks.h) */
typedef void pair_blocks(num *out, const num *y, const num *t, num scale, int64_t n, num parameter);

static AENC_INLINE void map_pairs(num *out, const num *y, const num *t, num scale, int64_t n, num parameter,
                                  pair_function *f) {
    int64_t whole = n & -BLOCK;
    AENC_INDEPENDENT
    for (int64_t i = 0; i < whole; i++) out[i] = scale * f(y[i], t[i], parameter);
}

static void squared_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, squared_value);
}
static void squared_by_outputs(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, squared_by_output);
}

static void absolute_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, absolute_value);
}
static void absolute_by_outputs(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, absolute_by_output);
}

static void huber_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, huber_value);
}
static void huber_by_outputs(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, huber_by_output);
}

static void bce_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, bce_value);
}
static void bce_by_outputs(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, bce_by_output);
}
static void bce_by_targets(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, bce_by_target);
}

static void bce_logits_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, bce_logits_value);
}
static void bce_logits_by_outputs(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, bce_logits_by_output);
}
static void bce_logits_by_targets(num *out, const num *y, const num *t, num scale, int64_t n, num parameter) {
    map_pairs(out, y, t, scale, n, parameter, bce_logits_by_target);
}

struct loss_loops {
    pair_blocks *value;
    pair_blocks *derivative[2]; /* by y, by t */
    num sign;                   /* of the second */
};

static const struct loss_loops losses[ELEMENT_LOSS_COUNT] = {
    [ELEMENT_SQUARED] = {squared_values, {squared_by_outputs, squared_by_outputs}, -1},
    [ELEMENT_ABSOLUTE] = {absolute_values, {absolute_by_outputs, absolute_by_outputs}, -1},
    [ELEMENT_HUBER] = {huber_values, {huber_by_outputs, huber_by_outputs}, -1},
    [ELEMENT_BCE] = {bce_values, {bce_by_outputs, bce_by_targets}, 1},
    [ELEMENT_BCE_LOGITS] = {bce_logits_values, {bce_logits_by_outputs, bce_logits_by_targets}, 1},
};

/* Any n. */
static AENC_APART void scaled(num *out, const num *y, const num *t, num scale, int64_t n, num parameter,
                              pair_blocks *blocks) {
    num rest[BLOCK], rest_y[BLOCK], rest_t[BLOCK];
    int64_t whole = n & -BLOCK;
    size_t size = (size_t)(n - whole) * sizeof(num);
    blocks(out, y, t, scale, whole, parameter);
    if (size == 0) return;
    fill(rest_y);
    fill(rest_t);
    memcpy(rest_y, y + whole, size);
    memcpy(rest_t, t + whole, size);
    blocks(rest, rest_y, rest_t, scale, BLOCK, parameter);
    memcpy(out + whole, rest, size);
}

static num total(enum element_loss loss, const num *y, const num *t, int64_t n, num parameter) {
    num some[PIECE];
    double sum = 0;
    for (int64_t first = 0; first < n; first += PIECE) {
        int64_t count = n - first < PIECE ? n - first : PIECE;
        scaled(some, y + first, t + first, 1, count, parameter, losses[loss].value);
        sum += (double)AENC_KERNELS(elementwise).sum(some, count);
    }
    return (num)sum;
}

static void each(enum element_loss loss, num *out, const num *y, const num *t, int64_t n, num parameter) {
    scaled(out, y, t, 1, n, parameter, losses[loss].value);
}

static void backward(enum element_loss loss, int operand, num *restrict d, const num *y, const num *t, num scale,
                     int64_t n, num parameter, bool add) {
    num some[PIECE];
    pair_blocks *blocks = losses[loss].derivative[operand];
    num signed_scale = operand == 0 ? scale : scale * losses[loss].sign;
    if (!add) {
        scaled(d, y, t, signed_scale, n, parameter, blocks);
        return;
    }
    for (int64_t first = 0; first < n; first += PIECE) {
        int64_t count = n - first < PIECE ? n - first : PIECE;
        scaled(some, y + first, t + first, signed_scale, count, parameter, blocks);
        for (int64_t i = 0; i < count; i++) d[first + i] += some[i];
    }
}

static void backward_each(enum element_loss loss, int operand, num *restrict d, const num *y, const num *t,
                          const num *restrict g, int64_t n, num parameter, bool add) {
    num some[PIECE];
    for (int64_t first = 0; first < n; first += PIECE) {
        int64_t count = n - first < PIECE ? n - first : PIECE;
        backward(loss, operand, some, y + first, t + first, 1, count, parameter, false);
        if (!add) memset(d + first, 0, (size_t)count * sizeof(num));
        for (int64_t i = 0; i < count; i++) d[first + i] += g[first + i] * some[i];
    }
}

const struct loss_kernels AENC_KERNELS(loss) = {
    .total = total,
    .each = each,
    .backward = backward,
    .backward_each = backward_each,
};
