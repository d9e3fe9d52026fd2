/* layer.c - handles of layer specs. */
#include <string.h>

#include "api/api.h"

static bool is_container(const struct json *spec) {
    const char *type = aenc_settings_type(spec);
    return strcmp(type, "sequential") == 0 || strcmp(type, "residual") == 0;
}

/* The settings, and in a container the empty list of its children. */
static aenc_status spec_read(aenc_layer *layer, const char *text) {
    aenc_status status = aenc_settings_parse(&layer->arena, "layer", text, &layer->spec);
    if (status != AENC_OK) return status;
    bool complete = !is_container(layer->spec) || aenc_json_member(layer->spec, "layers") != NULL ||
                    aenc_json_add(&layer->arena, layer->spec, "layers", JSON_ARRAY) != NULL;
    return complete ? aenc_layer_check(layer->ctx, layer->spec) : AENC_ERR_NO_MEMORY;
}

aenc_status aenc_layer_create(aenc_context *ctx, const char *spec, aenc_layer **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(ctx, "aenc_layer_create", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (spec == NULL) return aenc_null(ctx, "aenc_layer_create", "spec");
    aenc_status status = aenc_call_check(ctx, "aenc_layer_create", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    aenc_layer *layer = aenc_alloc(ctx, 1, sizeof *layer);
    if (layer == NULL) return AENC_ERR_NO_MEMORY;
    atomic_init(&layer->references, 1);
    layer->ctx = ctx;
    aenc_context_retain(ctx);
    aenc_arena_create(ctx, &layer->arena);
    status = spec_read(layer, spec);
    if (status == AENC_OK)
        *out = layer;
    else
        aenc_layer_free(layer);
    return status;
}

/* The array of children of a container. */
static struct json *children(aenc_layer *container) {
    struct json *m = container->spec->first;
    while (strcmp(m->key, "layers") != 0) m = m->next;
    return m;
}

aenc_status aenc_layer_add(aenc_layer *container, const aenc_layer *child) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (container == NULL) return aenc_null(child == NULL ? NULL : child->ctx, "aenc_layer_add", "container");
    if (child == NULL) return aenc_null(container->ctx, "aenc_layer_add", "child");
    if (child == container)
        return aenc_fail(container->ctx, AENC_ERR_ARGUMENT, "aenc_layer_add: child is the container itself");
    if (!is_container(container->spec))
        return aenc_fail(container->ctx, AENC_ERR_ARGUMENT,
                         "aenc_layer_add: '%s' is not a container; sequential and residual are",
                         aenc_settings_type(container->spec));
    aenc_status status = aenc_call_check(container->ctx, "aenc_layer_add", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    const struct json *added = aenc_json_add_copy(&container->arena, children(container), NULL, child->spec);
    return added == NULL ? container->ctx->status : AENC_OK;
}

void aenc_layer_free(aenc_layer *layer) {
    if (layer == NULL || atomic_fetch_sub_explicit(&layer->references, 1, memory_order_acq_rel) != 1) return;
    aenc_context *ctx = layer->ctx;
    aenc_arena_free(&layer->arena);
    aenc_release(ctx, layer);
    aenc_context_release(ctx);
}
