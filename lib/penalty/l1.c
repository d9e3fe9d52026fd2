/* l1.c - the magnitudes of a row's code:  sum_j w_j |h_j|, every w_j 1 unless they are given. It drives elements to
 * exactly 0 (Tibshirani 1996; as a sparse autoencoder's penalty, Goodfellow, Bengio & Courville 2016, section
 * 14.2.1). */
#include <math.h>

#include "penalty/penalty.h"

static const struct setting_rule rules[] = {
    {.name = "layer", .kind = SETTING_TEXT},
    {.name = "weights", .kind = SETTING_NUMBERS, .low = 0, .high = INFINITY},
    {.name = NULL},
};

/* x with each element times its weight. */
static struct node *weighted(struct tape *tape, const struct json *weights, struct node *x) {
    num *value;
    int64_t count = weights->kind == JSON_ARRAY ? (int64_t)weights->count : 1;
    if (count != aenc_node_row_size(x)) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "penalty 'l1': setting 'weights' has %lld numbers, and a row has %lld",
                       (long long)count, (long long)aenc_node_row_size(x));
        return NULL;
    }
    struct node *constant = aenc_op_constant(tape, (struct shape){1, {count}}, &value);
    if (constant == NULL) return NULL;
    if (weights->kind != JSON_ARRAY) *value = (num)weights->number;
    for (const struct json *w = weights->first; w != NULL; w = w->next) *value++ = (num)w->number;
    return aenc_op_multiply(tape, aenc_op_flatten(tape, x), constant);
}

static struct node *record(struct site *site, const struct json *spec) {
    struct tape *tape = site->tape;
    struct node *x = aenc_penalty_layer(site, aenc_setting_text(spec, rules, "layer"));
    const struct json *weights = aenc_json_member(spec, "weights");
    if (x != NULL && weights != NULL) x = weighted(tape, weights, x);
    return x == NULL ? NULL : aenc_op_absolute_sum(tape, x);
}

const struct penalty_type aenc_penalty_l1 = {"l1", rules, NULL, record};
