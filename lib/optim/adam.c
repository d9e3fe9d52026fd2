/* adam.c - Adam (Kingma & Ba 2015), and with decoupled weight decay AdamW (Loshchilov & Hutter 2019).
 *
 *     m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
 *     w -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * In adam weight_decay w is a part of g; in adamw w shrinks by 1 - lr weight_decay first.
 */
#include <float.h>
#include <math.h>

#include "optim/optim.h"

static const struct setting_rule adam_rules[] = {
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = 0, .high = INFINITY},
    {.name = "beta1", .kind = SETTING_NUMBER, .fallback = 0.9, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "beta2", .kind = SETTING_NUMBER, .fallback = 0.999, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "eps", .kind = SETTING_NUMBER, .fallback = 1e-8, .low = 0, .high = INFINITY},
    {.name = "weight_decay", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = INFINITY},
    {.name = "decay_all", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

/* Differs in the default of weight_decay. */
static const struct setting_rule adamw_rules[] = {
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = 0, .high = INFINITY},
    {.name = "beta1", .kind = SETTING_NUMBER, .fallback = 0.9, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "beta2", .kind = SETTING_NUMBER, .fallback = 0.999, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "eps", .kind = SETTING_NUMBER, .fallback = 1e-8, .low = 0, .high = INFINITY},
    {.name = "weight_decay", .kind = SETTING_NUMBER, .fallback = 0.01, .low = 0, .high = INFINITY},
    {.name = "decay_all", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

static void adam_read(const struct json *spec, struct optimizer *optimizer) {
    struct update *u = &optimizer->update;
    u->beta1 = aenc_setting_number(spec, adam_rules, "beta1");
    u->beta2 = aenc_setting_number(spec, adam_rules, "beta2");
    u->epsilon = aenc_setting_number(spec, adam_rules, "eps");
    optimizer->uses[0] = optimizer->uses[1] = optimizer->squares[1] = true;
}

static struct update corrected(const struct optimizer *optimizer, const struct update *u) {
    struct update now = *u;
    now.correction1 = 1 - pow(u->beta1, (double)optimizer->step);
    now.correction2 = 1 - pow(u->beta2, (double)optimizer->step);
    return now;
}

static void adam_update(const struct optimizer *optimizer, const struct update *u, num *w, const num *g, int64_t at,
                        int64_t count) {
    struct update now = corrected(optimizer, u);
    aenc_kernels()->optimizer->adam(w, g, optimizer->moment[0] + at, optimizer->moment[1] + at, count, &now);
}

static void adamw_update(const struct optimizer *optimizer, const struct update *u, num *w, const num *g, int64_t at,
                         int64_t count) {
    struct update now = corrected(optimizer, u);
    aenc_kernels()->optimizer->adamw(w, g, optimizer->moment[0] + at, optimizer->moment[1] + at, count, &now);
}

/* M = max(M, U), V = max(V, U^2). With moments from zero on, by Cauchy & Schwarz,
 *
 *     |m| / sqrt(v) <= (1 - beta1) / sqrt((1 - beta2) (1 - beta1^2 / beta2))    for beta1^2 < beta2;
 *
 * in any other case the quotient is at most M / eps. W = shrink W + lr / (1 - beta1^t) of it. */
static void both_reach(const struct optimizer *optimizer, const struct update *u, double used, double shrink,
                       struct reach *reach) {
    double share = u->beta1 * u->beta1 / u->beta2, root = sqrt(1 - u->beta2);
    bool known = share < 1 && !optimizer->resumed;
    double ratio = known ? (1 - u->beta1) / (root * sqrt(1 - share)) : (double)INFINITY;
    double correction = 1 - pow(u->beta1, (double)optimizer->step + 1);
    reach->moment[0] = fmax(reach->moment[0], used);
    reach->moment[1] = fmax(reach->moment[1], used * used);
    double step = aenc_reach_quotient(reach->moment[0], u->epsilon, ratio, known ? 1e-18 / root : 0);
    reach->parameter = shrink * reach->parameter + u->learning_rate / correction * step;
}

/* U = G + decay W */
static void adam_reach(const struct optimizer *optimizer, const struct update *u, double gradient,
                       struct reach *reach) {
    both_reach(optimizer, u, gradient + u->weight_decay * reach->parameter, 1, reach);
}

/* U = G; shrink = max(1, |1 - lr decay|), as some parameters may not decay */
static void adamw_reach(const struct optimizer *optimizer, const struct update *u, double gradient,
                        struct reach *reach) {
    both_reach(optimizer, u, gradient, fmax(1, fabs(1 - u->learning_rate * u->weight_decay)), reach);
}

const struct optimizer_type aenc_optim_adam = {"adam", adam_rules, adam_read, adam_update, adam_reach};
const struct optimizer_type aenc_optim_adamw = {"adamw", adamw_rules, adam_read, adamw_update, adamw_reach};
