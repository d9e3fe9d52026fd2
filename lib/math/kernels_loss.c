/* kernels_loss.c - element losses of one row: value, and derivatives by the output y and by the target t.
 *
 * Each is PyTorch's formula of the same name. A loss is functions of one pair of numbers, inlined into the loops below;
 * where none by the target is given, it is that by the output with the other sign. Results may not overlap operands.
 */
#include "math/kernels.h"

#include <stddef.h>
#include <string.h>

#include "math/blocks.h"
#include "math/lanes.h"

/* How many derivatives are held at a time before they are weighted. */
enum { WEIGHTED = 256 };

/* lane_term (y, t, parameter) of lanes.h is their type. */

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

/* out = f(y, t) */
static AENC_INLINE void map_each(num *restrict out, const num *restrict y, const num *restrict t, int64_t n,
                                 num parameter, lane_term *f) {
    for (int64_t i = 0; i < n; i++) out[i] = f(y[i], t[i], parameter);
}

/* d (=, +=) scale f(y, t) */
static AENC_INLINE void map_scaled(num *restrict d, const num *restrict y, const num *restrict t, num scale, int64_t n,
                                   num parameter, bool add, lane_term *f) {
    if (add)
        for (int64_t i = 0; i < n; i++) d[i] += scale * f(y[i], t[i], parameter);
    else
        for (int64_t i = 0; i < n; i++) d[i] = scale * f(y[i], t[i], parameter);
}

/* The last, as a function for one loss: of any n, or made of one of the loops below for the whole blocks of n only
 * (blocks.h), where f is long. */
typedef void pair_map(num *d, const num *y, const num *t, num scale, int64_t n, num parameter, bool add);

/* Two loops. */
static AENC_INLINE void blocks_scaled(num *d, const num *y, const num *t, num scale, int64_t n, num parameter, bool add,
                                      lane_term *f) {
    int64_t whole = n & -BLOCK;
    if (add) {
        AENC_INDEPENDENT
        for (int64_t i = 0; i < whole; i++) d[i] += scale * f(y[i], t[i], parameter);
    } else {
        AENC_INDEPENDENT
        for (int64_t i = 0; i < whole; i++) d[i] = scale * f(y[i], t[i], parameter);
    }
}

/* One loop, for a long f. */
static AENC_INLINE void blocks_scaled_once(num *d, const num *y, const num *t, num scale, int64_t n, num parameter,
                                           bool add, lane_term *f) {
    for (int64_t i = 0; i + BLOCK <= n; i += BLOCK) {
        num v[BLOCK];
        for (int64_t k = 0; k < BLOCK; k++) v[k] = f(y[i + k], t[i + k], parameter);
        if (add) {
            AENC_INDEPENDENT
            for (int64_t k = 0; k < BLOCK; k++) d[i + k] += scale * v[k];
        } else {
            AENC_INDEPENDENT
            for (int64_t k = 0; k < BLOCK; k++) d[i + k] = scale * v[k];
        }
    }
}

/* Any n, by a map for whole blocks. */
static AENC_APART void scaled(num *d, const num *y, const num *t, num scale, int64_t n, num parameter, bool add,
                              pair_map *blocks) {
    num rest[BLOCK], rest_y[BLOCK], rest_t[BLOCK];
    int64_t whole = n & -BLOCK;
    size_t size = (size_t)(n - whole) * sizeof(num);
    blocks(d, y, t, scale, whole, parameter, add);
    if (size == 0) return;
    fill(rest);
    fill(rest_y);
    fill(rest_t);
    if (add) memcpy(rest, d + whole, size);
    memcpy(rest_y, y + whole, size);
    memcpy(rest_t, t + whole, size);
    blocks(rest, rest_y, rest_t, scale, BLOCK, parameter, add);
    memcpy(d + whole, rest, size);
}

/* d (=, +=) g sign f(y, t), by either kind of map */
static AENC_APART void weighted(num *restrict d, const num *y, const num *t, const num *restrict g, num sign, int64_t n,
                                num parameter, bool add, pair_map *map) {
    num some[WEIGHTED]; /* f */
    for (int64_t first = 0; first < n; first += WEIGHTED) {
        int64_t count = n - first < WEIGHTED ? n - first : WEIGHTED;
        scaled(some, y + first, t + first, sign, count, parameter, false, map);
        if (add)
            for (int64_t i = 0; i < count; i++) d[first + i] += g[first + i] * some[i];
        else
            for (int64_t i = 0; i < count; i++) d[first + i] = g[first + i] * some[i];
    }
}

static num squared_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total(y, t, n, parameter, squared_value);
}
static void squared_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    map_each(out, y, t, n, parameter, squared_value);
}
static void squared_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dy, y, t, scale, n, parameter, add, squared_by_output);
}
static void squared_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter,
                                    bool add) {
    squared_backward(dt, y, t, -scale, n, parameter, add);
}
static void squared_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                  bool add) {
    weighted(dy, y, t, g, 1, n, parameter, add, squared_backward);
}
static void squared_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                         bool add) {
    weighted(dt, y, t, g, -1, n, parameter, add, squared_backward);
}

static num absolute_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total(y, t, n, parameter, absolute_value);
}
static void absolute_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    map_each(out, y, t, n, parameter, absolute_value);
}
static void absolute_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dy, y, t, scale, n, parameter, add, absolute_by_output);
}
static void absolute_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter,
                                     bool add) {
    absolute_backward(dt, y, t, -scale, n, parameter, add);
}
static void absolute_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                   bool add) {
    weighted(dy, y, t, g, 1, n, parameter, add, absolute_backward);
}
static void absolute_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                          bool add) {
    weighted(dt, y, t, g, -1, n, parameter, add, absolute_backward);
}

static num huber_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total(y, t, n, parameter, huber_value);
}
static void huber_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    map_each(out, y, t, n, parameter, huber_value);
}
static void huber_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dy, y, t, scale, n, parameter, add, huber_by_output);
}
static void huber_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    huber_backward(dt, y, t, -scale, n, parameter, add);
}
static void huber_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter, bool add) {
    weighted(dy, y, t, g, 1, n, parameter, add, huber_backward);
}
static void huber_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                       bool add) {
    weighted(dt, y, t, g, -1, n, parameter, add, huber_backward);
}

/* y and t for which the loss is 0 */
static const num bce_nothing[2] = {0, 0};

static num bce_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total_once(y, t, n, parameter, bce_nothing, bce_value);
}
static void bce_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    (void)scale, (void)add;
    blocks_scaled(out, y, t, 1, n, parameter, false, bce_value);
}
static void bce_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    scaled(out, y, t, 1, n, parameter, false, bce_values);
}
static void bce_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dy, y, t, scale, n, parameter, add, bce_by_output);
}
static void bce_by_targets(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    blocks_scaled_once(dt, y, t, scale, n, parameter, add, bce_by_target);
}
static void bce_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    scaled(dt, y, t, scale, n, parameter, add, bce_by_targets);
}
static void bce_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter, bool add) {
    weighted(dy, y, t, g, 1, n, parameter, add, bce_backward);
}
static void bce_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                     bool add) {
    weighted(dt, y, t, g, 1, n, parameter, add, bce_by_targets);
}

static num bce_logits_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total(y, t, n, parameter, bce_logits_value);
}
static void bce_logits_values(num *out, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    (void)scale, (void)add;
    blocks_scaled(out, y, t, 1, n, parameter, false, bce_logits_value);
}
static void bce_logits_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    scaled(out, y, t, 1, n, parameter, false, bce_logits_values);
}
static void bce_logits_by_outputs(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    blocks_scaled(dy, y, t, scale, n, parameter, add, bce_logits_by_output);
}
static void bce_logits_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    scaled(dy, y, t, scale, n, parameter, add, bce_logits_by_outputs);
}
static void bce_logits_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter,
                                       bool add) {
    map_scaled(dt, y, t, scale, n, parameter, add, bce_logits_by_target);
}
static void bce_logits_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                     bool add) {
    weighted(dy, y, t, g, 1, n, parameter, add, bce_logits_by_outputs);
}
static void bce_logits_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                            bool add) {
    weighted(dt, y, t, g, 1, n, parameter, add, bce_logits_backward_target);
}

const struct loss_kernels AENC_KERNELS(loss) = {
    .element =
        {
            [ELEMENT_SQUARED] = {"squared", squared_total, squared_each, squared_backward, squared_backward_target,
                                 squared_backward_each, squared_backward_each_target},
            [ELEMENT_ABSOLUTE] = {"absolute", absolute_total, absolute_each, absolute_backward,
                                  absolute_backward_target, absolute_backward_each, absolute_backward_each_target},
            [ELEMENT_HUBER] = {"huber", huber_total, huber_each, huber_backward, huber_backward_target,
                               huber_backward_each, huber_backward_each_target},
            [ELEMENT_BCE] = {"bce", bce_total, bce_each, bce_backward, bce_backward_target, bce_backward_each,
                             bce_backward_each_target},
            [ELEMENT_BCE_LOGITS] = {"bce_logits", bce_logits_total, bce_logits_each, bce_logits_backward,
                                    bce_logits_backward_target, bce_logits_backward_each,
                                    bce_logits_backward_each_target},
        },
};
