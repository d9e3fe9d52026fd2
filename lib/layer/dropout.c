/* dropout.c - elements set to zero at random while training (Srivastava et al. 2014); the others are scaled up, so that
 * evaluation needs nothing. */
#include "layer/layer.h"

static const struct setting_rule rules[] = {
    {.name = "rate", .kind = SETTING_NUMBER, .fallback = 0.5, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = NULL},
};

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    return aenc_op_dropout(site->tape, "dropout", x, aenc_setting_number(spec, rules, "rate"));
}

const struct layer_type aenc_layer_dropout = {"dropout", rules, MIRROR_NOTHING, NULL, record, NULL};
