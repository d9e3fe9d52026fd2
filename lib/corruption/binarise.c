/* binarise.c - each element 1 with itself as probability, 0 otherwise (Salakhutdinov & Murray 2008).
 *
 * Training draws anew in every step, and compares the output with what was drawn. So do scores, where the draws follow from
 * the context's seed, `seed` and the row's index in the call: a fixed binarisation.
 */
#include "corruption/corruption.h"

static const struct setting_rule rules[] = {
    {.name = "seed", .kind = SETTING_INTEGER, .low = 0, .high = INT32_MAX},
    {.name = NULL},
};

static struct node *record(struct site *site, const struct json *spec, struct node *x, struct node *level) {
    struct tape *tape = site->tape;
    const char *name = "draw";
    (void)level;
    if (aenc_site_aim(site) == SITE_SCORE)
        name = aenc_arena_format(&tape->arena, "draw.%lld", (long long)aenc_setting_integer(spec, rules, "seed"));
    if (name == NULL) tape->status = AENC_ERR_NO_MEMORY;
    return aenc_op_step(tape, aenc_op_subtract(tape, x, aenc_op_uniform_once(tape, name, x)));
}

const struct corruption_type aenc_corruption_binarise = {
    .name = "binarise", .rules = rules, .record = record, .targets = true};
