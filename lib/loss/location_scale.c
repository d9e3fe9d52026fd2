/* location_scale.c - likelihoods with a location m, which is the output, and a scale, whose logarithm is s.
 *
 * Of each of the target's numbers t, in nats:
 *
 *     gaussian              (t - m)^2 exp(-2 s) / 2 + s + log(2 pi) / 2
 *     laplace               |t - m| exp(-s) + s + log 2
 *     discretised_logistic  -log of the logistic distribution's mass within half a level of t; at the lowest of the levels
 *                           everything below it belongs to it, at the highest everything above (Salimans et al. 2017).
 *                           With a and b the ends of the interval as (. - m) exp(-s) the mass is
 *                           (1 - exp(a - b)) / ((1 + exp(a)) (1 + exp(-b))), in which nothing cancels
 *
 * The scale is a setting, a parameter, one for each of the target's numbers, put out by the decoder, or, of the first two,
 * the best for the batch: with d the first summand for s = 0 and p = 2 or 1 it is exp(p s) = p mean(d) (Rybkin et al.
 * 2021). Its gradient is zero there. Scores use a running mean of it.
 */
#include <math.h>

#include "loss/loss.h"

enum { GAUSSIAN, LAPLACE, LOGISTIC };                         /* loss_type.kind */
enum learned { NO, ONE, EACH, OUTPUT, OPTIMAL };              /* in the order of the setting's words */
static const double log_scale_low = -15, log_scale_high = 10; /* no gradient passes beyond */
static const double momentum = 0.1;

static const struct setting_rule rules[] = {
    {.name = "scale", .kind = SETTING_NUMBER, .fallback = 1, .low = 1e-6, .high = 1e4},
    {.name = "learned", .kind = SETTING_CHOICE, .text_fallback = "no|one|each|output|optimal"},
    {.name = NULL},
};
static const struct setting_rule logistic_rules[] = {
    {.name = "scale", .kind = SETTING_NUMBER, .fallback = 0.1, .low = 1e-6, .high = 1e4},
    {.name = "learned", .kind = SETTING_CHOICE, .text_fallback = "no|one|each|output"},
    {.name = "levels", .kind = SETTING_INTEGER, .fallback = 256, .low = 2, .high = 65536},
    {.name = NULL},
};

static enum learned learned(const struct json *spec) {
    return (enum learned)aenc_setting_choice(spec, rules, "learned");
}

static int64_t factor(const struct json *spec) { return learned(spec) == OUTPUT ? 2 : 1; }

static struct node *function(struct tape *tape, enum function f, struct node *x) {
    return aenc_op_function(tape, f, 1, x);
}

/* One number without rows. */
static struct node *constant(struct tape *tape, double value) {
    num *place;
    struct node *n = aenc_op_constant(tape, (struct shape){.rank = 0}, &place);
    if (n != NULL) *place = (num)value;
    return n;
}

/* exp(p s): of the batch while training, of a running mean otherwise. */
static struct node *optimum(struct site *site, double start, double p, struct node *distance) {
    struct tape *tape = site->tape;
    struct node *state =
        aenc_store_state_within(site->store, tape, "scale", (struct shape){1, {1}}, start, RANGE_NOT_NEGATIVE);
    if (aenc_site_aim(site) != SITE_TRAIN) return state;
    struct node *now = aenc_op_batch_mean(tape, aenc_op_row_mean(tape, aenc_op_stop_gradient(tape, distance)));
    now = aenc_op_affine(tape, now, p, 0);
    struct node *rest = aenc_op_affine(tape, state, 1 - momentum, 0);
    aenc_tape_stage(tape, state, aenc_op_add(tape, rest, aenc_op_affine(tape, now, momentum, 0)));
    return now;
}

/* s, without rows where it is the same for all of them. `above` is what the decoder put out, `distance` is d. */
static struct node *log_scale(struct site *site, const struct json *spec, struct node *above, struct node *distance,
                              const struct node *target) {
    struct tape *tape = site->tape;
    const struct loss_type *type = site->self;
    double start = aenc_setting_number(spec, type->rules, "scale"), p = type->log_power;
    struct shape shape = {1, {1}};
    struct node *s = above;
    switch (learned(spec)) {
    case NO: return constant(tape, log(start));
    case EACH:
        shape = aenc_row_shape(target);
        /* fallthrough */
    case ONE:
        s = aenc_store_parameter(site->store, tape, "log_scale", shape,
                                 (struct init){.kind = INIT_CONSTANT, .gain = log(start)}, false);
        break;
    case OUTPUT: s = aenc_op_affine(tape, above, 1 / p, 0); break;
    case OPTIMAL:
        s = aenc_op_clamp(tape, optimum(site, pow(start, p), p, distance), 1e-30, INFINITY);
        s = aenc_op_affine(tape, function(tape, FUNCTION_LOG, s), 1 / p, 0);
    }
    return aenc_op_clamp(tape, s, log_scale_low, log_scale_high);
}

/* d exp(-p s) + s + constant */
static struct node *density(struct tape *tape, double p, struct node *distance, struct node *s) {
    struct node *precision = function(tape, FUNCTION_EXP, aenc_op_affine(tape, s, -p, 0));
    struct node *loss = aenc_op_add(tape, aenc_op_multiply(tape, distance, precision), s);
    return aenc_op_affine(tape, loss, 1, p > 1 ? 0.91893853320467274178 : 0.69314718055994530942);
}

/* log(1 + e^a) and log(1 + e^-b), each but at its end of the levels, less log(1 - e^(a - b)) between the ends */
static struct node *logistic(struct tape *tape, const struct json *spec, struct node *m, struct node *s,
                             struct node *target) {
    double half = 0.5 / (double)(aenc_setting_integer(spec, logistic_rules, "levels") - 1);
    struct node *precision = function(tape, FUNCTION_EXP, aenc_op_affine(tape, s, -1, 0));
    struct node *difference = aenc_op_subtract(tape, target, m);
    struct node *above = aenc_op_step(tape, aenc_op_affine(tape, target, 1, -half));
    struct node *below = aenc_op_step(tape, aenc_op_affine(tape, target, -1, 1 - half));
    struct node *a = aenc_op_multiply(tape, aenc_op_affine(tape, difference, 1, -half), precision);
    struct node *b = aenc_op_multiply(tape, aenc_op_affine(tape, difference, -1, -half), precision); /* -b */
    struct node *mass = function(tape, FUNCTION_ELU, aenc_op_affine(tape, precision, -2 * half, 0));
    mass = function(tape, FUNCTION_LOG, aenc_op_affine(tape, mass, -1, 0));
    a = aenc_op_multiply(tape, function(tape, FUNCTION_SOFTPLUS, a), above);
    b = aenc_op_multiply(tape, function(tape, FUNCTION_SOFTPLUS, b), below);
    mass = aenc_op_multiply(tape, aenc_op_multiply(tape, above, below), mass);
    return aenc_op_subtract(tape, aenc_op_add(tape, a, b), mass);
}

static struct node *each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    struct tape *tape = site->tape;
    const struct loss_type *type = site->self;
    struct node *m = output, *above = NULL, *distance = NULL;
    if (factor(spec) == 2 && !aenc_loss_halves(tape, type->name, output, target, &m, &above)) return NULL;
    m = aenc_loss_fit(tape, type->name, m, target);
    if (m == NULL) return NULL;
    if (type->kind == LAPLACE) distance = aenc_op_element_loss_each(tape, ELEMENT_ABSOLUTE, 0, m, target);
    if (type->kind == GAUSSIAN)
        distance = aenc_op_affine(tape, aenc_op_element_loss_each(tape, ELEMENT_SQUARED, 0, m, target), 0.5, 0);
    struct node *s = log_scale(site, spec, above, distance, target);
    return type->kind == LOGISTIC ? logistic(tape, spec, m, s, target) : density(tape, type->log_power, distance, s);
}

/* m + exp(s) e, e of location 0 and scale 1 */
static struct node *draw(struct site *site, const struct json *spec, struct node *output, struct node *u) {
    struct tape *tape = site->tape;
    const struct loss_type *type = site->self;
    struct node *m = output, *above = NULL, *e;
    if (factor(spec) == 2 && !aenc_loss_halves(tape, type->name, output, u, &m, &above)) return NULL;
    m = aenc_loss_fit(tape, type->name, m, u);
    if (type->kind == GAUSSIAN)
        e = aenc_op_normal_like(tape, "normal", u);
    else
        e = aenc_loss_variate(tape, type->kind == LAPLACE ? VARIATE_LAPLACE : VARIATE_LOGISTIC, 0, u, u);
    struct node *scale = function(tape, FUNCTION_EXP, log_scale(site, spec, above, NULL, u));
    m = aenc_op_add(tape, m, aenc_op_multiply(tape, e, scale));
    if (type->kind != LOGISTIC) return m;
    return aenc_loss_variate(tape, VARIATE_LEVEL, (double)aenc_setting_integer(spec, logistic_rules, "levels"), m, u);
}

const struct loss_type aenc_loss_gaussian = {.name = "gaussian",
                                             .rules = rules,
                                             .likelihood = true,
                                             .each = each,
                                             .draw = draw,
                                             .factor = factor,
                                             .log_power = 2,
                                             .kind = GAUSSIAN};
const struct loss_type aenc_loss_laplace = {.name = "laplace",
                                            .rules = rules,
                                            .likelihood = true,
                                            .each = each,
                                            .draw = draw,
                                            .factor = factor,
                                            .log_power = 1,
                                            .kind = LAPLACE};
const struct loss_type aenc_loss_discretised_logistic = {.name = "discretised_logistic",
                                                         .rules = logistic_rules,
                                                         .unit_target = true,
                                                         .likelihood = true,
                                                         .each = each,
                                                         .draw = draw,
                                                         .factor = factor,
                                                         .log_power = 1,
                                                         .kind = LOGISTIC};
