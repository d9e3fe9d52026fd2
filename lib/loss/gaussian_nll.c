/* gaussian_nll.c - negative log likelihood under a Gaussian whose mean and variance are both the network's.
 *
 * The output's last axis is twice the target's: first the means m, then the logarithms v of the variances. A row's loss
 * is the mean over the target's numbers of
 *
 *     (log(2 pi) + v + (m - t)^2 exp(-v)) / 2                                     (Nix & Weigend 1994)
 */
#include "loss/loss.h"

static const struct setting_rule rules[] = {{.name = NULL}};

static struct node *each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    struct node *mean, *log_variance;
    if (!aenc_loss_halves(site->tape, "gaussian_nll", output, target, &mean, &log_variance)) return NULL;
    return aenc_op_gaussian_nll(site->tape, mean, log_variance, target);
}

static struct node *draw(struct site *site, const struct json *spec, struct node *output, struct node *u) {
    struct tape *tape = site->tape;
    struct node *mean, *log_variance, *e = aenc_op_normal_like(tape, "normal", u);
    (void)spec;
    if (!aenc_loss_halves(tape, "gaussian_nll", output, u, &mean, &log_variance)) return NULL;
    log_variance = aenc_op_function(tape, FUNCTION_EXP, 0, aenc_op_affine(tape, log_variance, 0.5, 0));
    return aenc_op_add(tape, mean, aenc_op_multiply(tape, log_variance, e));
}

const struct loss_type aenc_loss_gaussian_nll = {.name = "gaussian_nll",
                                                 .rules = rules,
                                                 .output_factor = 2,
                                                 .likelihood_summed = true,
                                                 .each = each,
                                                 .draw = draw,
                                                 .log_power = 2};
