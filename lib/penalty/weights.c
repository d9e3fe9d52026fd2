/* weights.c - the sum of magnitudes or of squares of the weights themselves:  sum |w|, sum w^2, over every weight
 * that weight decay would touch (no bias, no gain), or those whose names begin with a prefix. Unlike an optimizer's
 * decay they are part of the loss: their gradient goes through the moments (Krogh & Hertz 1992; Kunin et al. 2019
 * for autoencoders). */
#include <string.h>

#include "penalty/penalty.h"

static const struct setting_rule rules[] = {
    {.name = "prefix", .kind = SETTING_TEXT, .text_fallback = ""},
    {.name = NULL},
};

typedef struct node *total(struct tape *tape, struct node *x);

static struct node *record(struct site *site, const struct json *spec, total *of) {
    struct tape *tape = site->tape;
    const char *prefix = aenc_setting_text(spec, rules, "prefix");
    struct node *sum = NULL;
    size_t count = tape->node_count;
    for (size_t i = 0; i < count && tape->status == AENC_OK; i++) {
        struct node *n = tape->node[i];
        if (n->kind != NODE_PARAMETER || strncmp(n->name, prefix, strlen(prefix)) != 0) continue;
        const struct entry *entry = aenc_store_find(site->store, n->name);
        if (entry == NULL || !entry->decays) continue;
        struct node *one = of(tape, n);
        sum = sum == NULL ? one : aenc_op_add(tape, sum, one);
    }
    if (sum == NULL && tape->status == AENC_OK)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "penalty '%s': no weight's name begins with '%s'",
                       aenc_settings_type(spec), prefix);
    return sum;
}

static struct node *l1_record(struct site *site, const struct json *spec) {
    return record(site, spec, aenc_op_absolute_sum);
}

static struct node *l2_record(struct site *site, const struct json *spec) {
    return record(site, spec, aenc_op_square_sum);
}

const struct penalty_type aenc_penalty_l1_weights = {"l1_weights", rules, NULL, l1_record};
const struct penalty_type aenc_penalty_l2_weights = {"l2_weights", rules, NULL, l2_record};
