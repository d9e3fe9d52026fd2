/* layers.c - the list of layers, and what goes by name. */
#include "base/plugin.h"
#include "layer/layer.h"

/* Besides the activations. */
static const char *const *const types[] = {
    &aenc_layer_dense.name,      &aenc_layer_dropout.name,  &aenc_layer_batch_norm.name,
    &aenc_layer_layer_norm.name, &aenc_layer_reshape.name,  &aenc_layer_flatten.name,
    &aenc_layer_sequential.name, &aenc_layer_residual.name, &aenc_layer_condition.name,
};
static const struct family family = {"layer", AENC_PLUGIN_LAYER, types, sizeof types / sizeof *types,
                                     &aenc_activations};

const struct layer_type *aenc_layer_known(const aenc_context *ctx, const char *name) {
    return aenc_family_type(ctx, &family, name);
}

const struct layer_type *aenc_layer_type(aenc_context *ctx, const char *name) {
    return aenc_family_find(ctx, &family, name);
}

aenc_status aenc_layer_check(aenc_context *ctx, const struct json *spec) {
    if (spec == NULL || spec->kind != JSON_OBJECT)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "a layer must be an object with a 'type'");
    const struct layer_type *type = aenc_layer_type(ctx, aenc_settings_type(spec));
    if (type == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_settings_check(ctx, "layer", spec, type->rules);
    return status != AENC_OK || type->check == NULL ? status : type->check(ctx, spec);
}

struct node *aenc_layer_record(struct site *site, const char *name, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    if (tape->status != AENC_OK || x == NULL) return NULL;
    const struct layer_type *type = aenc_layer_type(tape->ctx, aenc_settings_type(spec));
    if (type == NULL) {
        tape->status = AENC_ERR_ARGUMENT;
        return NULL;
    }
    const char *before = aenc_tape_enter(tape, name);
    const void *outer = site->self;
    site->self = type;
    struct node *y = tape->status != AENC_OK ? NULL : type->record(site, spec, x);
    site->self = outer;
    aenc_site_layer(site, y);
    aenc_tape_leave(tape, before);
    return tape->status != AENC_OK ? NULL : y;
}

struct json *aenc_layer_spec_new(struct arena *arena, const char *type) {
    struct json *spec = aenc_json_root(arena, JSON_OBJECT);
    aenc_json_add_text(arena, spec, "type", type);
    return spec;
}

struct json *aenc_layer_dense_new(struct arena *arena, int64_t units) {
    struct json *dense = aenc_layer_spec_new(arena, "dense");
    aenc_json_add_number(arena, dense, "units", (double)units);
    return dense;
}

struct json *aenc_layer_sequence_new(struct arena *arena, struct json **layers) {
    struct json *sequence = aenc_layer_spec_new(arena, aenc_layer_sequential.name);
    *layers = aenc_json_add(arena, sequence, "layers", JSON_ARRAY);
    return sequence;
}
