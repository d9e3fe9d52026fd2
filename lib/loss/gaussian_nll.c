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
    if (output == NULL || target == NULL) return NULL;
    int last = output->shape.rank - 1;
    int64_t half = output->shape.dim[last] / 2;
    if (last < 1 || 2 * half != output->shape.dim[last]) {
        char text[SHAPE_TEXT];
        aenc_tape_fail(site->tape, AENC_ERR_SHAPE,
                       "loss 'gaussian_nll': the last axis of output %s is not means and as many log variances",
                       aenc_shape_text(output, text));
        return NULL;
    }
    struct node *mean = aenc_op_slice(site->tape, output, last, 0, half);
    struct node *log_variance = aenc_op_slice(site->tape, output, last, half, half);
    mean = aenc_loss_fit(site->tape, "gaussian_nll", mean, target);
    log_variance = aenc_loss_fit(site->tape, "gaussian_nll", log_variance, target);
    return aenc_op_gaussian_nll(site->tape, mean, log_variance, target);
}

static struct node *record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    struct node *numbers = each(site, spec, output, target);
    return numbers == NULL ? NULL : aenc_op_row_mean(site->tape, numbers);
}

const struct loss_type aenc_loss_gaussian_nll = {"gaussian_nll", rules, 2, false, record, each, NULL};
