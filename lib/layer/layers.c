/* layers.c - the list of layers, and what goes by name. */
#include <string.h>

#include "base/plugin.h"
#include "layer/layer.h"

/* Besides the activations. */
static const struct layer_type *const types[] = {
    &aenc_layer_dense,   &aenc_layer_dropout,    &aenc_layer_batch_norm, &aenc_layer_layer_norm, &aenc_layer_reshape,
    &aenc_layer_flatten, &aenc_layer_sequential, &aenc_layer_residual,   &aenc_layer_condition,
};
enum { TYPE_COUNT = sizeof types / sizeof *types, KNOWN_MAX = 64 };

/* The index-th of all; NULL beyond the last. */
static const struct layer_type *type_at(size_t index) {
    return index < TYPE_COUNT ? types[index] : aenc_layer_activation(index - TYPE_COUNT);
}

const struct layer_type *aenc_layer_known(const aenc_context *ctx, const char *name) {
    size_t i = 0;
    const struct layer_type *type = type_at(0);
    while (type != NULL && strcmp(type->name, name) != 0) type = type_at(++i);
    return type != NULL ? type : aenc_plugin_type(ctx, AENC_PLUGIN_LAYER, name);
}

const struct layer_type *aenc_layer_type(aenc_context *ctx, const char *name) {
    const struct layer_type *found = aenc_layer_known(ctx, name);
    if (found != NULL) return found;
    const char *known[KNOWN_MAX];
    size_t count = 0;
    for (; count < KNOWN_MAX && type_at(count) != NULL; count++) known[count] = type_at(count)->name;
    aenc_name_unknown(ctx, "layer", name, known, count, AENC_PLUGIN_LAYER);
    return NULL;
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

struct json *aenc_layer_sequence_new(struct arena *arena, struct json **layers) {
    struct json *sequence = aenc_layer_spec_new(arena, aenc_layer_sequential.name);
    *layers = aenc_json_add(arena, sequence, "layers", JSON_ARRAY);
    return sequence;
}
