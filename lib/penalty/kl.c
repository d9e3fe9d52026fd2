/* kl.c - how far the mean activation r_j of each sigmoid element is from a target rho, as Bernoulli distributions:
 *
 *     sum_j  rho log(rho / r_j) + (1 - rho) log((1 - rho) / (1 - r_j))            (Lee, Ekanadham & Ng 2008; UFLDL)
 *
 * r is the mean over the batch or, with momentum m, a running one: r = m r' + (1 - m) mean, r' that of the step
 * before, from rho on. The gradient then passes as if r were the batch's mean: at full strength, at the running
 * mean's slope.
 */
#include <math.h>

#include "penalty/penalty.h"

static const double least = 1e-6; /* r is kept within [least, 1 - least] */

static const struct setting_rule rules[] = {
    {.name = "rho", .kind = SETTING_NUMBER, .fallback = 0.1, .low = DBL_MIN, .high = 1 - DBL_EPSILON},
    {.name = "momentum", .kind = SETTING_NUMBER, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = "layer", .kind = SETTING_TEXT},
    {.name = NULL},
};

/* r as a node whose value is the running mean and whose gradient is the batch mean's; the new running mean is
 * staged. */
static struct node *running(struct site *site, struct node *mean, double rho, double momentum) {
    struct tape *tape = site->tape;
    struct node *before = aenc_store_state_within(site->store, tape, "mean", mean->shape, rho, RANGE_NOT_NEGATIVE);
    struct node *still = aenc_op_stop_gradient(tape, mean);
    struct node *now =
        aenc_op_add(tape, aenc_op_affine(tape, before, momentum, 0), aenc_op_affine(tape, still, 1 - momentum, 0));
    aenc_tape_stage(tape, before, now);
    return aenc_op_add(tape, aenc_op_subtract(tape, mean, still), now);
}

static struct node *record(struct site *site, const struct json *spec) {
    struct tape *tape = site->tape;
    struct node *x = aenc_penalty_layer(site, aenc_setting_text(spec, rules, "layer"));
    double rho = aenc_setting_number(spec, rules, "rho"), momentum = aenc_setting_number(spec, rules, "momentum");
    enum function function = FUNCTION_IDENTITY;
    if (x != NULL) aenc_op_before_activation(tape, x, &function);
    if (x != NULL && function != FUNCTION_SIGMOID) {
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED,
                       "penalty 'kl': the mean of a probability is asked for, and the layer does "
                       "not end in a sigmoid");
        return NULL;
    }
    struct node *mean = aenc_op_batch_mean(tape, x);
    if (momentum > 0 && mean != NULL) mean = running(site, mean, rho, momentum);
    mean = aenc_op_clamp(tape, mean, least, 1 - least);
    struct node *on = aenc_op_function(tape, FUNCTION_LOG, 0, mean);
    struct node *off = aenc_op_function(tape, FUNCTION_LOG, 0, aenc_op_affine(tape, mean, -1, 1));
    double entropy = rho * log(rho) + (1 - rho) * log1p(-rho);
    struct node *each =
        aenc_op_add(tape, aenc_op_affine(tape, on, -rho, 0), aenc_op_affine(tape, off, rho - 1, entropy));
    return aenc_op_row_sum(tape, each);
}

const struct penalty_type aenc_penalty_kl = {"kl", rules, NULL, record};
