/* cosine.c - 1 - cos of the angle between a row and its target: 0 where they point the same way, whatever their
 * lengths. The product of the lengths is kept above 1e-8, as in PyTorch, so that a row of zeros has loss 1. */
#include "loss/loss.h"

static const struct setting_rule rules[] = {{.name = NULL}};

static struct node *record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    (void)spec;
    return aenc_op_cosine_distance(site->tape, aenc_loss_fit(site->tape, "cosine", output, target), target, 1e-8);
}

const struct loss_type aenc_loss_cosine = {.name = "cosine", .rules = rules, .output_factor = 1, .record = record};
