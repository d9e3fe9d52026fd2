/* cross_entropy.c - how surprised a softmax over the output is by the class that the target names.
 *
 * The output's last axis has one logit z per class, the target's one number, the class k from 0. With smoothing s the
 * loss is that of the probabilities t = (1 - s) [c = k] + s / classes (Szegedy et al. 2016):
 *
 *     sum_c t_c (log sum_j exp(z_j) - z_c)
 *
 * A row with several classes, on further axes, has their mean.
 */
#include "loss/loss.h"

static const struct setting_rule rules[] = {
    {.name = "classes", .kind = SETTING_INTEGER, .required = true, .low = 2, .high = 1 << 24},
    {.name = "smoothing", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = 1},
    {.name = NULL},
};

static int64_t classes(const struct json *spec) { return aenc_setting_integer(spec, rules, "classes"); }

static struct node *record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    if (output == NULL || target == NULL) return NULL;
    struct node *wanted =
        aenc_op_one_hot(site->tape, target, classes(spec), aenc_setting_number(spec, rules, "smoothing"));
    struct node *loss = aenc_op_softmax_cross_entropy(site->tape, output, wanted);
    return loss == NULL || loss->shape.rank == 1 ? loss : aenc_op_row_mean(site->tape, loss);
}

static struct node *draw(struct site *site, const struct json *spec, struct node *output, struct node *u) {
    (void)spec;
    return aenc_loss_variate(site->tape, VARIATE_BIN, 0, output, u);
}

const struct loss_type aenc_loss_cross_entropy = {
    .name = "cross_entropy", .rules = rules, .output_factor = 1, .record = record, .draw = draw, .classes = classes};
