/* element.c - losses that are means over the numbers of a row: mse, mae, huber, bce.
 *
 *     mse    mean (y - t)^2
 *     mae    mean |y - t|
 *     huber  mean of (y - t)^2 / 2 within delta, delta (|y - t| - delta / 2) beyond (Huber 1964)
 *     bce    mean of -t log y - (1 - t) log(1 - y), y and t in [0, 1]
 *
 * bce on the output of a sigmoid is computed from what went into it, which neither overflows nor rounds to log 0; on
 * other outputs the logarithms are kept above -100, as PyTorch does.
 */
#include <float.h>
#include <math.h>

#include "loss/loss.h"

static const struct setting_rule no_rules[] = {{.name = NULL}};
static const struct setting_rule huber_rules[] = {
    {.name = "delta", .kind = SETTING_NUMBER, .fallback = 1, .low = DBL_MIN, .high = INFINITY}, {.name = NULL}};

/* What to hand to the op. */
struct element_call {
    const char *name;
    enum element_loss loss;
    double parameter;
    struct node *output;
};

static struct node *row_mean(struct tape *tape, struct element_call call, struct node *target) {
    struct node *output = aenc_loss_fit(tape, call.name, call.output, target);
    struct node *sum = aenc_op_element_loss(tape, call.loss, call.parameter, output, target);
    return sum == NULL ? NULL : aenc_op_affine(tape, sum, 1 / (double)aenc_node_row_size(target), 0);
}

static struct node *elements(struct tape *tape, struct element_call call, struct node *target) {
    struct node *output = aenc_loss_fit(tape, call.name, call.output, target);
    return aenc_op_element_loss_each(tape, call.loss, call.parameter, output, target);
}

/* ---- mse ---- */

static struct node *mse_record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return row_mean(site->tape, (struct element_call){"mse", ELEMENT_SQUARED, 0, output}, target);
}

static struct node *mse_each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return elements(site->tape, (struct element_call){"mse", ELEMENT_SQUARED, 0, output}, target);
}

const struct loss_type aenc_loss_mse = {"mse", no_rules, 1, false, mse_record, mse_each, NULL};

/* ---- mae ---- */

static struct node *mae_record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return row_mean(site->tape, (struct element_call){"mae", ELEMENT_ABSOLUTE, 0, output}, target);
}

static struct node *mae_each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return elements(site->tape, (struct element_call){"mae", ELEMENT_ABSOLUTE, 0, output}, target);
}

const struct loss_type aenc_loss_mae = {"mae", no_rules, 1, false, mae_record, mae_each, NULL};

/* ---- huber ---- */

static struct element_call huber_call(const struct json *spec, struct node *output) {
    return (struct element_call){"huber", ELEMENT_HUBER, aenc_setting_number(spec, huber_rules, "delta"), output};
}

static struct node *huber_record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    return row_mean(site->tape, huber_call(spec, output), target);
}

static struct node *huber_each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    return elements(site->tape, huber_call(spec, output), target);
}

const struct loss_type aenc_loss_huber = {"huber", huber_rules, 1, false, huber_record, huber_each, NULL};

/* ---- bce ---- */

static struct element_call bce_call(struct tape *tape, struct node *output) {
    enum function function;
    struct node *before = aenc_op_before_activation(tape, output, &function);
    if (function == FUNCTION_SIGMOID) return (struct element_call){"bce", ELEMENT_BCE_LOGITS, 0, before};
    return (struct element_call){"bce", ELEMENT_BCE, 0, output};
}

static struct node *bce_record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return row_mean(site->tape, bce_call(site->tape, output), target);
}

static struct node *bce_each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return elements(site->tape, bce_call(site->tape, output), target);
}

const struct loss_type aenc_loss_bce = {"bce", no_rules, 1, true, bce_record, bce_each, NULL};
