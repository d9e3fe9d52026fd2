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

const struct loss_type aenc_loss_gaussian_nll = {
    .name = "gaussian_nll", .rules = rules, .output_factor = 2, .each = each, .log_power = 2};
