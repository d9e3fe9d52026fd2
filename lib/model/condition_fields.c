/* condition_fields.c - "condition" of a description, put into encoder and decoder.
 *
 *     "fields": {"label": "classes:count=10"}, "condition": ["label"]
 *
 * becomes a layer "condition" for each field, behind leading changes of shape. The decoder has been mirrored before, so
 * that it restores the input without the condition.
 */
#include <string.h>

#include "io/bytes.h"
#include "model/model.h"

static void condition_layers_add(struct arena *arena, struct json *layers, const struct json *names) {
    for (const struct json *name = names->first; name != NULL; name = name->next) {
        struct json *layer = aenc_json_add(arena, layers, NULL, JSON_OBJECT);
        aenc_json_add_text(arena, layer, "type", "condition");
        aenc_json_add_text(arena, layer, "field", name->text);
    }
}

const struct json *aenc_condition_insert(struct arena *arena, const struct json *names, const struct json *net) {
    struct json *layers, *whole = aenc_layer_sequence_new(arena, &layers);
    bool sequential = strcmp(aenc_settings_type(net), "sequential") == 0, inserted = false;
    for (const struct json *l = sequential ? aenc_json_member(net, "layers")->first : net; l != NULL;
         l = sequential ? l->next : NULL) {
        const char *type = aenc_settings_type(l);
        bool shape = strcmp(type, "flatten") == 0 || strcmp(type, "reshape") == 0;
        if (!shape && !inserted) {
            condition_layers_add(arena, layers, names);
            inserted = true;
        }
        aenc_json_add_copy(arena, layers, NULL, l);
    }
    if (!inserted) condition_layers_add(arena, layers, names);
    return whole;
}

aenc_status aenc_condition_check(aenc_context *ctx, const struct json *names, const struct json *fields) {
    if (names->kind != JSON_ARRAY || names->count > FIELDS_MAX - FIELD_DECLARED)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'condition' must be a list of at most %d names of fields",
                         FIELDS_MAX - FIELD_DECLARED);
    for (const struct json *name = names->first; name != NULL; name = name->next) {
        if (name->kind != JSON_TEXT)
            return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'condition' has something that is no name of a field");
        if (fields != NULL && aenc_json_member(fields, name->text) != NULL) continue;
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'condition' names '%s', which 'fields' does not declare",
                         aenc_quoted(name->text).text);
    }
    return AENC_OK;
}
