/* corruption.c - the list of corruptions, and what they share: a level that moves with the epochs. */
#include "corruption/corruption.h"

#include <math.h>
#include <string.h>

#include "base/plugin.h"
#include "io/bytes.h"
#include "io/message_text.h"

static const char *const *const types[] = {
    &aenc_corruption_mask.name,
    &aenc_corruption_gaussian.name,
    &aenc_corruption_salt_pepper.name,
    &aenc_corruption_binarise.name,
};
static const struct family family = {"corruption", AENC_PLUGIN_CORRUPTION, types, sizeof types / sizeof *types, NULL};

static const struct setting_rule common[] = {
    {.name = "to", .kind = SETTING_NUMBER, .low = 0, .high = INFINITY},
    {.name = "over", .kind = SETTING_NUMBER, .low = DBL_MIN, .high = INFINITY},
    {.name = "shape", .kind = SETTING_CHOICE, .text_fallback = "linear|cosine|exponential"}, /* enum ramp_shape */
    {.name = NULL},
};

const struct corruption_type *aenc_corruption_type(const aenc_context *ctx, const char *name) {
    return aenc_family_type(ctx, &family, name);
}

/* ---- The level ---- */

static struct ramp ramp_of(const struct corruption_type *type, const struct json *spec) {
    double from = aenc_setting_number(spec, type->rules, type->level);
    const struct json *to = aenc_json_member(spec, "to");
    if (to == NULL) return (struct ramp){RAMP_LINEAR, from, from, 0, 0};
    return (struct ramp){(enum ramp_shape)aenc_setting_choice(spec, common, "shape"), from, to->number,
                         aenc_setting_number(spec, common, "over"), 0};
}

static aenc_status level_check(aenc_context *ctx, const struct corruption_type *type, const struct json *spec) {
    const struct json *to = aenc_json_member(spec, "to"), *over = aenc_json_member(spec, "over");
    const struct setting_rule *rule = type->rules;
    while (strcmp(rule->name, type->level) != 0) rule++;
    if ((to == NULL) != (over == NULL))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "corruption '%s': 'to' is the level after 'over' epochs; one needs the other", type->name);
    if (to == NULL) return AENC_OK;
    if (to->number < rule->low || to->number > rule->high)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "corruption '%s': setting 'to' is %s; '%s' is from %s to %s",
                         type->name, aenc_shown(to->number).text, type->level, aenc_shown(rule->low).text,
                         aenc_shown(rule->high).text);
    struct ramp ramp = ramp_of(type, spec);
    if (ramp.shape == RAMP_EXPONENTIAL && !(ramp.from > 0 && ramp.to > 0))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "corruption '%s': an exponential goes from %s to %s; both must be above 0", type->name,
                         aenc_shown(ramp.from).text, aenc_shown(ramp.to).text);
    return AENC_OK;
}

/* ---- The list ---- */

const struct corruption_type *aenc_corruption_find(aenc_context *ctx, const struct json *spec) {
    const struct corruption_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
    if (type == NULL) return NULL;
    const struct setting_rule *also = type->level == NULL ? NULL : common;
    aenc_status status = aenc_settings_check_both(ctx, "corruption", spec, type->rules, also);
    if (status == AENC_OK && type->level != NULL) status = level_check(ctx, type, spec);
    if (status == AENC_OK && type->check != NULL) status = type->check(ctx, spec);
    return status == AENC_OK ? type : NULL;
}

static struct node *record(struct site *site, const struct json *spec, const char *name, struct node *x) {
    struct tape *tape = site->tape;
    const struct corruption_type *type = aenc_corruption_type(tape->ctx, aenc_settings_type(spec));
    if (site->aim != SITE_TRAIN && !type->targets) return x;
    const char *before = aenc_tape_enter(tape, name);
    struct node *level =
        type->level == NULL ? NULL : aenc_tape_ramp(tape, aenc_tape_path(tape, "level"), ramp_of(type, spec));
    site->self = type;
    struct node *y = tape->status != AENC_OK ? NULL : type->record(site, spec, x, level);
    aenc_tape_leave(tape, before);
    if (type->targets) site->target = y;
    return y;
}

struct node *aenc_corruptions_record(struct site *site, const struct json *list, struct node *x) {
    struct tape *tape = site->tape;
    if (list == NULL || tape->status != AENC_OK) return x;
    const char *before = aenc_tape_enter(tape, "corrupt");
    for (const struct json *spec = list->first; spec != NULL && x != NULL; spec = spec->next) {
        const char *name = aenc_spec_name(&tape->arena, list, spec);
        if (name == NULL) tape->status = AENC_ERR_NO_MEMORY;
        x = name == NULL ? NULL : record(site, spec, name, x);
    }
    aenc_tape_leave(tape, before);
    return x;
}
