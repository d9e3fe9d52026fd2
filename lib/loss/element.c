/* element.c - losses that are means over the numbers of a row, and likelihoods of numbers from 0 to 1.
 *
 *     mse    mean (y - t)^2
 *     mae    mean |y - t|
 *     huber  mean of (y - t)^2 / 2 within delta, delta (|y - t| - delta / 2) beyond (Huber 1964)
 *     bce    mean of -t log y - (1 - t) log(1 - y), y and t in [0, 1]
 *
 * bce on the output of a sigmoid is computed from what went into it, which neither overflows nor rounds to log 0; on
 * other outputs the logarithms are kept above -100, as PyTorch does.
 *
 * Negative log-likelihoods with y = sigmoid(x), from the logit x:
 *
 *     bernoulli             log(1 + e^x) - t x
 *     continuous_bernoulli  log((e^x - 1) / x) - t x, a density over [0, 1]    (Loaiza-Ganem & Cunningham 2019)
 */
#include <float.h>
#include <math.h>

#include "loss/loss.h"

static const struct setting_rule no_rules[] = {{.name = NULL}};
static const struct setting_rule huber_rules[] = {
    {.name = "delta", .kind = SETTING_NUMBER, .fallback = 1, .low = DBL_MIN, .high = INFINITY}, {.name = NULL}};

/* What to hand to the op. */
struct element_call {
    enum element_loss loss;
    double parameter;
    struct node *output;
};

/* A likelihood of logits refuses an output that is not a sigmoid's. */
static struct element_call element_call(struct site *site, const struct json *spec, struct node *output,
                                        const struct node *target) {
    const struct loss_type *type = site->self;
    struct element_call call = {(enum element_loss)type->kind, 0, output};
    if (type->rules != no_rules) call.parameter = aenc_setting_number(spec, type->rules, type->rules->name);
    if (type->unit_target) {
        enum function function;
        struct node *before = aenc_op_before_activation(site->tape, output, &function);
        if (function == FUNCTION_SIGMOID) {
            call.output = before;
            if (call.loss == ELEMENT_BCE) call.loss = ELEMENT_BCE_LOGITS;
        } else if (type->output != NULL)
            aenc_tape_fail(site->tape, AENC_ERR_ARGUMENT, "loss '%s': the decoder does not end with a %s", type->name,
                           type->output);
    }
    call.output = aenc_loss_fit(site->tape, type->name, call.output, target);
    return call;
}

static struct node *record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    struct element_call call = element_call(site, spec, output, target);
    struct node *sum = aenc_op_element_loss(site->tape, call.loss, call.parameter, call.output, target);
    return sum == NULL ? NULL : aenc_op_affine(site->tape, sum, 1 / (double)aenc_node_row_size(target), 0);
}

static struct node *each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    struct element_call call = element_call(site, spec, output, target);
    return aenc_op_element_loss_each(site->tape, call.loss, call.parameter, call.output, target);
}

/* 1 with the probability that the output is. */
static struct node *draw_bernoulli(struct site *site, const struct json *spec, struct node *output, struct node *u) {
    (void)spec;
    output = aenc_loss_fit(site->tape, "bernoulli", output, u);
    return aenc_op_step(site->tape, aenc_op_subtract(site->tape, output, u));
}

const struct loss_type aenc_loss_mse = {
    .name = "mse", .rules = no_rules, .output_factor = 1, .record = record, .each = each, .kind = ELEMENT_SQUARED};
const struct loss_type aenc_loss_mae = {
    .name = "mae", .rules = no_rules, .output_factor = 1, .record = record, .each = each, .kind = ELEMENT_ABSOLUTE};
const struct loss_type aenc_loss_huber = {
    .name = "huber", .rules = huber_rules, .output_factor = 1, .record = record, .each = each, .kind = ELEMENT_HUBER};
const struct loss_type aenc_loss_bce = {.name = "bce",
                                        .rules = no_rules,
                                        .output_factor = 1,
                                        .unit_target = true,
                                        .likelihood_summed = true,
                                        .record = record,
                                        .each = each,
                                        .draw = draw_bernoulli,
                                        .kind = ELEMENT_BCE};
const struct loss_type aenc_loss_bernoulli = {.name = "bernoulli",
                                              .rules = no_rules,
                                              .output_factor = 1,
                                              .unit_target = true,
                                              .likelihood = true,
                                              .output = "sigmoid",
                                              .record = record,
                                              .each = each,
                                              .draw = draw_bernoulli,
                                              .kind = ELEMENT_BCE_LOGITS};
/* ---- continuous_bernoulli: with s = |x|, log((e^x - 1) / x) = x / 2 + G(s), G even ----
 *
 *     G(s) = s / 2 + log((1 - e^-s) / s)                       from `bend` on, where its derivative does not cancel
 *          = s^2 / 24 - s^4 / 2880                             below; the next term is s^6 / 181440
 */
static struct node *even_part(struct tape *tape, struct node *x) {
    const double bend = 0.3, at_bend = bend * bend / 24 - bend * bend * bend * bend / 2880;
    struct node *size = aenc_op_function(tape, FUNCTION_ABSOLUTE, 0, x);
    struct node *far = aenc_op_clamp(tape, size, bend, INFINITY);
    struct node *square = aenc_op_function(tape, FUNCTION_SQUARE, 0, aenc_op_clamp(tape, size, 0, bend));
    struct node *near = aenc_op_multiply(tape, square, aenc_op_affine(tape, square, -1.0 / 2880, 1.0 / 24));
    struct node *mass = aenc_op_function(tape, FUNCTION_ELU, 1, aenc_op_affine(tape, far, -1, 0)); /* e^-s - 1 */
    mass = aenc_op_function(tape, FUNCTION_LOG, 0, aenc_op_divide(tape, aenc_op_affine(tape, mass, -1, 0), far));
    mass = aenc_op_add(tape, mass, aenc_op_affine(tape, far, 0.5, -at_bend));
    return aenc_op_add(tape, mass, near);
}

static struct node *density(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    struct tape *tape = site->tape;
    struct node *x = element_call(site, spec, output, target).output;
    struct node *tilt = aenc_op_multiply(tape, x, aenc_op_affine(tape, target, -1, 0.5));
    return aenc_op_add(tape, even_part(tape, x), tilt);
}

static struct node *draw_density(struct site *site, const struct json *spec, struct node *output, struct node *u) {
    struct node *x = element_call(site, spec, output, u).output;
    return aenc_loss_variate(site->tape, VARIATE_CONTINUOUS_BERNOULLI, 0, x, u);
}

const struct loss_type aenc_loss_continuous_bernoulli = {.name = "continuous_bernoulli",
                                                         .rules = no_rules,
                                                         .output_factor = 1,
                                                         .unit_target = true,
                                                         .likelihood = true,
                                                         .output = "sigmoid",
                                                         .each = density,
                                                         .draw = draw_density};
