/* sgd.c - stochastic gradient descent: plain, with momentum (Polyak 1964), with Nesterov's (as Sutskever et al. 2013
 * write it). g is the gradient plus weight_decay w.
 *
 *     sgd       w -= lr g
 *     momentum  v = momentum v + (1 - dampening) g, at first v = g;  w -= lr v
 *     nesterov  v likewise without dampening;                        w -= lr (g + momentum v)
 */
#include <float.h>
#include <math.h>

#include "optim/optim.h"

static const struct setting_rule sgd_rules[] = {
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = 0, .high = INFINITY},
    {.name = "weight_decay", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = INFINITY},
    {.name = "decay_all", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

static void sgd_read(const struct json *spec, struct optimizer *optimizer) { (void)spec, (void)optimizer; }

static void sgd_update(const struct optimizer *optimizer, const struct update *u, num *w, const num *g, int64_t at,
                       int64_t count) {
    (void)optimizer, (void)at;
    aenc_kernels()->optimizer->sgd(w, g, count, u);
}

/* W += lr (G + decay W) */
static void sgd_reach(const struct optimizer *optimizer, const struct update *u, double gradient, struct reach *reach) {
    (void)optimizer;
    reach->parameter += u->learning_rate * (gradient + u->weight_decay * reach->parameter);
}

const struct optimizer_type aenc_optim_sgd = {"sgd", sgd_rules, sgd_read, sgd_update, sgd_reach};

static const struct setting_rule momentum_rules[] = {
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = 0, .high = INFINITY},
    {.name = "momentum", .kind = SETTING_NUMBER, .fallback = 0.9, .low = 0, .high = INFINITY},
    {.name = "dampening", .kind = SETTING_NUMBER, .fallback = 0, .low = -INFINITY, .high = INFINITY},
    {.name = "weight_decay", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = INFINITY},
    {.name = "decay_all", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

static void momentum_read(const struct json *spec, struct optimizer *optimizer) {
    optimizer->update.beta1 = aenc_setting_number(spec, momentum_rules, "momentum");
    optimizer->update.dampening = aenc_setting_number(spec, momentum_rules, "dampening");
    optimizer->uses[0] = true;
}

static void momentum_update(const struct optimizer *optimizer, const struct update *u, num *w, const num *g, int64_t at,
                            int64_t count) {
    aenc_kernels()->optimizer->momentum(w, g, optimizer->moment[0] + at, count, u);
}

/* U = G + decay W; V = momentum V + max(1, |1 - dampening|) U; W += lr V, or lr (U + momentum V) */
static void momentum_reach(const struct optimizer *optimizer, const struct update *u, double gradient,
                           struct reach *reach) {
    (void)optimizer;
    double used = gradient + u->weight_decay * reach->parameter, *velocity = &reach->moment[0];
    *velocity = u->beta1 * *velocity + fmax(1, fabs(1 - u->dampening)) * used;
    reach->parameter += u->learning_rate * (u->nesterov ? used + u->beta1 * *velocity : *velocity);
}

const struct optimizer_type aenc_optim_momentum = {"momentum", momentum_rules, momentum_read, momentum_update,
                                                   momentum_reach};

static const struct setting_rule nesterov_rules[] = {
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = 0, .high = INFINITY},
    {.name = "momentum", .kind = SETTING_NUMBER, .fallback = 0.9, .low = DBL_MIN, .high = INFINITY},
    {.name = "weight_decay", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = INFINITY},
    {.name = "decay_all", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

static void nesterov_read(const struct json *spec, struct optimizer *optimizer) {
    optimizer->update.beta1 = aenc_setting_number(spec, nesterov_rules, "momentum");
    optimizer->update.nesterov = true;
    optimizer->uses[0] = true;
}

const struct optimizer_type aenc_optim_nesterov = {"nesterov", nesterov_rules, nesterov_read, momentum_update,
                                                   momentum_reach};
