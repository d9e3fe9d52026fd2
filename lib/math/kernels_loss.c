/* kernels_loss.c - element losses of one row: value, and derivatives by the output y and by the target t.
 *
 * Each is PyTorch's formula of the same name. As in the other tables, a loss is four functions of one pair of numbers,
 * inlined into the loops below. Results may not overlap operands.
 */
#include "math/kernels.h"

#include "math/lanes.h"

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
static AENC_INLINE num squared_by_target(num y, num t, num parameter) { return -squared_by_output(y, t, parameter); }

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
static AENC_INLINE num absolute_by_target(num y, num t, num parameter) { return -absolute_by_output(y, t, parameter); }

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
static AENC_INLINE num huber_by_target(num y, num t, num delta) { return -huber_by_output(y, t, delta); }

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

/* d (=, +=) g f(y, t) */
static AENC_INLINE void map_weighted(num *restrict d, const num *restrict y, const num *restrict t,
                                     const num *restrict g, int64_t n, num parameter, bool add, lane_term *f) {
    if (add)
        for (int64_t i = 0; i < n; i++) d[i] += g[i] * f(y[i], t[i], parameter);
    else
        for (int64_t i = 0; i < n; i++) d[i] = g[i] * f(y[i], t[i], parameter);
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
    map_scaled(dt, y, t, scale, n, parameter, add, squared_by_target);
}
static void squared_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                  bool add) {
    map_weighted(dy, y, t, g, n, parameter, add, squared_by_output);
}
static void squared_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                         bool add) {
    map_weighted(dt, y, t, g, n, parameter, add, squared_by_target);
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
    map_scaled(dt, y, t, scale, n, parameter, add, absolute_by_target);
}
static void absolute_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                   bool add) {
    map_weighted(dy, y, t, g, n, parameter, add, absolute_by_output);
}
static void absolute_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                          bool add) {
    map_weighted(dt, y, t, g, n, parameter, add, absolute_by_target);
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
    map_scaled(dt, y, t, scale, n, parameter, add, huber_by_target);
}
static void huber_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter, bool add) {
    map_weighted(dy, y, t, g, n, parameter, add, huber_by_output);
}
static void huber_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                       bool add) {
    map_weighted(dt, y, t, g, n, parameter, add, huber_by_target);
}

static num bce_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total(y, t, n, parameter, bce_value);
}
static void bce_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    map_each(out, y, t, n, parameter, bce_value);
}
static void bce_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dy, y, t, scale, n, parameter, add, bce_by_output);
}
static void bce_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dt, y, t, scale, n, parameter, add, bce_by_target);
}
static void bce_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter, bool add) {
    map_weighted(dy, y, t, g, n, parameter, add, bce_by_output);
}
static void bce_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                     bool add) {
    map_weighted(dt, y, t, g, n, parameter, add, bce_by_target);
}

static num bce_logits_total(const num *y, const num *t, int64_t n, num parameter) {
    return (num)lanes_total(y, t, n, parameter, bce_logits_value);
}
static void bce_logits_each(num *out, const num *y, const num *t, int64_t n, num parameter) {
    map_each(out, y, t, n, parameter, bce_logits_value);
}
static void bce_logits_backward(num *dy, const num *y, const num *t, num scale, int64_t n, num parameter, bool add) {
    map_scaled(dy, y, t, scale, n, parameter, add, bce_logits_by_output);
}
static void bce_logits_backward_target(num *dt, const num *y, const num *t, num scale, int64_t n, num parameter,
                                       bool add) {
    map_scaled(dt, y, t, scale, n, parameter, add, bce_logits_by_target);
}
static void bce_logits_backward_each(num *dy, const num *y, const num *t, const num *g, int64_t n, num parameter,
                                     bool add) {
    map_weighted(dy, y, t, g, n, parameter, add, bce_logits_by_output);
}
static void bce_logits_backward_each_target(num *dt, const num *y, const num *t, const num *g, int64_t n,
                                            num parameter, bool add) {
    map_weighted(dt, y, t, g, n, parameter, add, bce_logits_by_target);
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
