/* bottleneck.c - the list of bottlenecks, and the plain one. */
#include "bottleneck/bottleneck.h"

#include "base/plugin.h"

static const char *const *const types[] = {
    &aenc_bottleneck_plain.name,
    &aenc_bottleneck_gaussian.name,
};
static const struct family family = {"bottleneck", AENC_PLUGIN_BOTTLENECK, types, sizeof types / sizeof *types, NULL};

const struct bottleneck_type *aenc_bottleneck_type(const aenc_context *ctx, const char *name) {
    return aenc_family_type(ctx, &family, name);
}

const struct bottleneck_type *aenc_bottleneck_find(aenc_context *ctx, const struct json *spec) {
    const struct bottleneck_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
    if (type == NULL) return NULL;
    aenc_status status = aenc_settings_check(ctx, "bottleneck", spec, type->rules);
    if (status == AENC_OK && type->check != NULL) status = type->check(ctx, spec);
    return status == AENC_OK ? type : NULL;
}

static const struct bottleneck_type *type_of(const aenc_context *ctx, const struct json *spec) {
    return spec == NULL ? &aenc_bottleneck_plain : aenc_bottleneck_type(ctx, aenc_settings_type(spec));
}

struct node *aenc_bottleneck_record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    const struct bottleneck_type *type = type_of(tape->ctx, spec);
    if (x == NULL || tape->status != AENC_OK) return NULL;
    const char *before = aenc_tape_enter(tape, "bottleneck");
    site->self = type;
    struct node *code = tape->status != AENC_OK ? NULL : type->record(site, spec, x);
    aenc_site_layer(site, code);
    aenc_tape_leave(tape, before);
    return tape->status != AENC_OK ? NULL : code;
}

void aenc_bottleneck_objective(struct site *site, const struct json *spec, struct node *loss) {
    const struct bottleneck_type *type = type_of(site->tape->ctx, spec);
    if (loss == NULL || type->objective == NULL) return;
    const char *before = aenc_tape_enter(site->tape, "bottleneck");
    site->self = type;
    if (site->tape->status == AENC_OK) type->objective(site, spec, loss);
    aenc_tape_leave(site->tape, before);
}

struct node *aenc_bottleneck_sample(struct site *site, const struct json *spec, const struct shape *code,
                                    struct node *temperature) {
    struct tape *tape = site->tape;
    const struct bottleneck_type *type = type_of(tape->ctx, spec);
    if (type->sample == NULL)
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "bottleneck '%s' has no prior to sample from", type->name);
    const char *before = aenc_tape_enter(tape, "bottleneck");
    site->self = type;
    struct node *n = tape->status != AENC_OK ? NULL : type->sample(site, spec, code, temperature);
    aenc_tape_leave(tape, before);
    return tape->status != AENC_OK ? NULL : n;
}

const struct json *aenc_bottleneck_append(aenc_context *ctx, struct arena *arena, const struct json *encoder,
                                          const struct json *spec) {
    const struct bottleneck_type *type = type_of(ctx, spec);
    struct json *layer = type->layer == NULL ? NULL : type->layer(arena, spec);
    if (type->layer == NULL) return encoder;
    struct json *layers, *whole = aenc_layer_sequence_new(arena, &layers);
    aenc_json_add_copy(arena, layers, NULL, encoder);
    return aenc_json_add_copy(arena, layers, NULL, layer) == NULL ? NULL : whole;
}

/* ---- plain ---- */

static const struct setting_rule no_rules[] = {{.name = NULL}};

static struct node *plain_record(struct site *site, const struct json *spec, struct node *x) {
    (void)site;
    (void)spec;
    return x;
}

const struct bottleneck_type aenc_bottleneck_plain = {.name = "plain", .rules = no_rules, .record = plain_record};
