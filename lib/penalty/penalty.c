/* penalty.c - the list of penalties, and what they share. */
#include "penalty/penalty.h"

#include <math.h>
#include <string.h>

#include "base/plugin.h"
#include "io/bytes.h"

static const char *const *const types[] = {
    &aenc_penalty_l1.name,          &aenc_penalty_kl.name,         &aenc_penalty_l1_weights.name,
    &aenc_penalty_l2_weights.name,  &aenc_penalty_orthogonal.name, &aenc_penalty_decorrelation.name,
    &aenc_penalty_contractive.name,
};
static const struct family family = {"penalty", AENC_PLUGIN_PENALTY, types, sizeof types / sizeof *types, NULL};

static const struct setting_rule common[] = {
    {.name = "weight", .kind = SETTING_NUMBER, .required = true, .low = 0, .high = INFINITY},
    {.name = "warmup", .kind = SETTING_NUMBER, .low = 0, .high = INFINITY},
    {.name = NULL},
};

const struct penalty_type *aenc_penalty_type(const aenc_context *ctx, const char *name) {
    return aenc_family_type(ctx, &family, name);
}

const struct penalty_type *aenc_penalty_find(aenc_context *ctx, const struct json *spec) {
    const struct penalty_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
    if (type == NULL) return NULL;
    aenc_status status = aenc_settings_check_both(ctx, "penalty", spec, type->rules, common);
    if (status == AENC_OK && type->check != NULL) status = type->check(ctx, spec);
    return status == AENC_OK ? type : NULL;
}

struct node *aenc_penalty_layer(struct site *site, const char *name) {
    return name == NULL ? site->code : aenc_site_tap(site, name);
}

const char *aenc_spec_name(struct arena *arena, const struct json *list, const struct json *spec) {
    const char *type = aenc_settings_type(spec);
    int count = 1;
    for (const struct json *s = list->first; s != NULL && s != spec; s = s->next)
        if (strcmp(aenc_settings_type(s), type) == 0) count++;
    return count == 1 ? type : aenc_arena_format(arena, "%s_%d", type, count);
}

static void record(struct site *site, const struct json *spec, const char *name) {
    struct tape *tape = site->tape;
    const struct penalty_type *type = aenc_penalty_type(tape->ctx, aenc_settings_type(spec));
    const char *before = aenc_tape_enter(tape, name);
    double warmup = aenc_setting_number(spec, common, "warmup");
    struct node *rise = NULL;
    if (warmup > 0)
        rise = aenc_tape_ramp(tape, aenc_tape_path(tape, "warmup"), (struct ramp){RAMP_LINEAR, 0, 1, warmup, 0});
    site->self = type;
    struct node *value = tape->status != AENC_OK ? NULL : type->record(site, spec);
    aenc_tape_term(tape, name, value, aenc_setting_number(spec, common, "weight"), rise);
    aenc_tape_leave(tape, before);
}

void aenc_penalties_record(struct site *site, const struct json *list) {
    struct tape *tape = site->tape;
    if (list == NULL || tape->status != AENC_OK) return;
    const char *before = aenc_tape_enter(tape, "penalty");
    for (const struct json *spec = list->first; spec != NULL && tape->status == AENC_OK; spec = spec->next) {
        const char *name = aenc_spec_name(&tape->arena, list, spec);
        if (name == NULL)
            tape->status = AENC_ERR_NO_MEMORY;
        else
            record(site, spec, name);
    }
    aenc_tape_leave(tape, before);
}
