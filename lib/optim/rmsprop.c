/* rmsprop.c - the gradient over its root mean square (Tieleman & Hinton 2012; centered: Graves 2013).
 *
 *     s = alpha s + (1 - alpha) g^2;  centered: m = alpha m + (1 - alpha) g, and s - m^2 in the place of s
 *     step = g / (sqrt(s) + eps);  with momentum v = momentum v + step in its place;  w -= lr step
 *
 * g is the gradient plus weight_decay w.
 */
#include <math.h>

#include "optim/optim.h"

enum { SQUARE, VELOCITY, MEAN }; /* moments */

static const struct setting_rule rules[] = {
    {.name = "lr", .kind = SETTING_NUMBER, .fallback = 1e-2, .low = 0, .high = INFINITY},
    {.name = "alpha", .kind = SETTING_NUMBER, .fallback = 0.99, .low = 0, .high = 1},
    {.name = "eps", .kind = SETTING_NUMBER, .fallback = 1e-8, .low = 0, .high = INFINITY},
    {.name = "momentum", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = INFINITY},
    {.name = "centered", .kind = SETTING_BOOL, .fallback = 0},
    {.name = "weight_decay", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = INFINITY},
    {.name = "decay_all", .kind = SETTING_BOOL, .fallback = 1},
    {.name = NULL},
};

static void rmsprop_read(const struct json *spec, struct optimizer *optimizer) {
    struct update *u = &optimizer->update;
    u->beta1 = aenc_setting_number(spec, rules, "momentum");
    u->beta2 = aenc_setting_number(spec, rules, "alpha");
    u->epsilon = aenc_setting_number(spec, rules, "eps");
    u->centered = aenc_setting_bool(spec, rules, "centered");
    optimizer->uses[SQUARE] = optimizer->squares[SQUARE] = true;
    optimizer->uses[VELOCITY] = u->beta1 > 0;
    optimizer->uses[MEAN] = u->centered;
}

static num *moment_at(const struct optimizer *optimizer, int index, int64_t at) {
    return optimizer->moment[index] == NULL ? NULL : optimizer->moment[index] + at;
}

static void rmsprop_update(const struct optimizer *optimizer, const struct update *u, num *w, const num *g, int64_t at,
                           int64_t count) {
    aenc_kernels()->optimizer->rmsprop(w, g, moment_at(optimizer, SQUARE, at), moment_at(optimizer, VELOCITY, at),
                                       moment_at(optimizer, MEAN, at), count, u);
}

/* U = G + decay W; S = max(S, U^2), M = max(M, U); V = momentum V + Q or Q alone, Q the quotient's bound, which the
 * square bounds where no mean is taken off it; W += lr V */
static void rmsprop_reach(const struct optimizer *optimizer, const struct update *u, double gradient,
                          struct reach *reach) {
    double used = gradient + u->weight_decay * reach->parameter, root = sqrt(1 - u->beta2);
    double ratio = u->centered ? (double)INFINITY : 1 / root, tiny = u->centered ? 0 : 1e-18 / root;
    double step = aenc_reach_quotient(used, u->epsilon, ratio, tiny);
    reach->moment[SQUARE] = fmax(reach->moment[SQUARE], used * used);
    if (u->centered) reach->moment[MEAN] = fmax(reach->moment[MEAN], used);
    if (optimizer->uses[VELOCITY]) step = reach->moment[VELOCITY] = u->beta1 * reach->moment[VELOCITY] + step;
    reach->parameter += u->learning_rate * step;
}

const struct optimizer_type aenc_optim_rmsprop = {"rmsprop", rules, rmsprop_read, rmsprop_update, rmsprop_reach};
