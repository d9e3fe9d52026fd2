/* categorical.c - each of the target's numbers as one of K bins, whose probabilities are a softmax.
 *
 * The output's last axis has K logits next to each other for each of the target's numbers. A target t in [0, 1] is in the
 * bin k whose level k / (K - 1) is nearest, so that 8-bit data divided by 255 are in bins of their own with K = 256. Of
 * each number, with logits z: log sum_j exp(z_j) - z_k.
 */
#include "loss/loss.h"

static const struct setting_rule rules[] = {
    {.name = "bins", .kind = SETTING_INTEGER, .fallback = 256, .low = 2, .high = 65536}, {.name = NULL}};

static int64_t bins(const struct json *spec) { return aenc_setting_integer(spec, rules, "bins"); }

static struct node *each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    struct tape *tape = site->tape;
    int64_t count = aenc_node_row_size(target), k = bins(spec), lines[] = {count, 1};
    if (aenc_node_row_size(output) != count * k) return aenc_loss_fit(tape, "categorical", output, target);
    struct node *level = aenc_op_affine(tape, aenc_op_reshape(tape, target, lines, 2), (double)(k - 1), 0);
    struct node *bin = aenc_op_one_hot(tape, level, k, 0);
    lines[1] = k;
    struct node *loss = aenc_op_softmax_cross_entropy(tape, aenc_op_reshape(tape, output, lines, 2), bin);
    return aenc_loss_fit(tape, "categorical", loss, target);
}

/* The level of a bin. */
static struct node *draw(struct site *site, const struct json *spec, struct node *output, struct node *u) {
    struct node *bin = aenc_loss_variate(site->tape, VARIATE_BIN, 0, output, u);
    return aenc_op_affine(site->tape, bin, 1 / (double)(bins(spec) - 1), 0);
}

const struct loss_type aenc_loss_categorical = {.name = "categorical",
                                                .rules = rules,
                                                .unit_target = true,
                                                .likelihood = true,
                                                .each = each,
                                                .draw = draw,
                                                .factor = bins};
