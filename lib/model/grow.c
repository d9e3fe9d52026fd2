/* grow.c - a deeper model out of a trained one: layers behind its code, their mirror in front of its decoder.
 *
 *     x -> f -> g -> x'     becomes     x -> f -> h -> h' -> g -> x'
 *
 * h' is the mirror of h, with the activation of the old code, as a decoder mirrored from the whole would have it. f
 * and g keep their numbers. A single dense h with at least as many units as the old code has numbers starts as the
 * identity, and h' as its inverse, where no activation stands in the way: then the new model is, at first, the same
 * function (Chen et al. 2016). What h has beyond that reads its own drawn weights, and h' ignores it until it has
 * learned otherwise.
 */
#include <string.h>

#include "model/model.h"

/* A sequence of layers, or one layer that stands for a sequence. */
struct chain {
    const struct json *first;
    size_t count;
    bool sequence;
};

static struct chain chain_of(const struct json *spec) {
    if (strcmp(aenc_settings_type(spec), "sequential") != 0) return (struct chain){spec, 1, false};
    const struct json *layers = aenc_json_member(spec, "layers");
    return (struct chain){layers->first, layers->count, true};
}

static void chain_add(struct arena *arena, struct json *layers, struct chain chain) {
    for (size_t i = 0; i < chain.count; i++, chain.first = chain.first->next)
        aenc_json_add_copy(arena, layers, NULL, chain.first);
}

static struct json *sequence_add(struct arena *arena, struct json *parent, const char *key) {
    struct json *sequence =
        parent == NULL ? aenc_json_root(arena, JSON_OBJECT) : aenc_json_add(arena, parent, key, JSON_OBJECT);
    aenc_json_add_text(arena, sequence, "type", "sequential");
    return aenc_json_add(arena, sequence, "layers", JSON_ARRAY);
}

/* ---- The activation of a code ---- */

/* The text fused into the last layer, or the last layer itself where it is an activation; NULL: neither. */
static const struct json *last_activation(struct chain chain) {
    const struct json *last = NULL;
    for (size_t i = 0; i < chain.count; i++, chain.first = chain.first->next)
        if (strcmp(aenc_settings_type(chain.first), "dropout") != 0) last = chain.first;
    if (last == NULL || aenc_family_type(NULL, &aenc_activations, aenc_settings_type(last)) != NULL) return last;
    return aenc_json_member(last, "activation");
}

/* "identity" for NULL. */
static const char *activation_name(const struct json *activation) {
    if (activation == NULL) return "identity";
    return activation->kind == JSON_TEXT ? activation->text : aenc_settings_type(activation);
}

const char *aenc_layers_activation(const struct json *spec) { return activation_name(last_activation(chain_of(spec))); }

static void activation_add(struct arena *arena, struct json *layers, const struct json *activation) {
    if (activation == NULL || layers == NULL || layers->last == NULL) return;
    if (activation->kind != JSON_TEXT)
        aenc_json_add_copy(arena, layers, NULL, activation);
    else
        aenc_json_add_text(arena, layers->last, "activation", activation->text);
}

/* ---- The description ---- */

/* The layers of the mirror of what is added, and how many there are. */
static aenc_status mirror_add(const struct aenc_model *model, struct arena *arena, struct chain added,
                              struct json *layers, size_t *count) {
    struct json *alone_layers, *alone = aenc_layer_sequence_new(arena, &alone_layers);
    chain_add(arena, alone_layers, added);
    if (arena->failed) return AENC_ERR_NO_MEMORY;
    const struct json *mirror = aenc_layer_mirror(model->ctx, arena, alone, &model->code);
    if (mirror == NULL) return model->ctx->status;
    chain_add(arena, layers, chain_of(mirror));
    activation_add(arena, layers, last_activation(chain_of(aenc_json_member(model->description, "encoder"))));
    *count = layers == NULL ? 0 : layers->count;
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

static aenc_status describe(const struct aenc_model *model, struct arena *arena, struct chain added, size_t *mirrored,
                            const struct json **out) {
    struct json *given = aenc_json_root(arena, JSON_OBJECT);
    const struct json *decoder = aenc_json_member(model->description, "decoder");
    for (const struct json *m = model->description->first; m != NULL; m = m->next)
        if (strcmp(m->key, "encoder") != 0 && m != decoder && strcmp(m->key, "aliases") != 0)
            aenc_json_add_copy(arena, given, m->key, m);
    struct json *layers = sequence_add(arena, given, "encoder");
    chain_add(arena, layers, chain_of(aenc_json_member(model->description, "encoder")));
    chain_add(arena, layers, added);
    *mirrored = 0;
    layers = sequence_add(arena, given, "decoder");
    aenc_status status = model->classes > 0 ? AENC_OK : mirror_add(model, arena, added, layers, mirrored);
    chain_add(arena, layers, chain_of(decoder));
    if (status == AENC_OK && arena->failed) status = AENC_ERR_NO_MEMORY;
    return status == AENC_OK ? aenc_description_complete(model->ctx, arena, given, out) : status;
}

/* ---- The numbers ---- */

/* Layer i of one side of the old model becomes layer i + shift of the new one. */
static aenc_status side_copy(struct aenc_model *to, const struct aenc_model *from, const char *side, size_t shift) {
    struct arena arena;
    aenc_status status = AENC_OK;
    struct chain chain = chain_of(aenc_json_member(from->description, side));
    aenc_arena_create(to->ctx, &arena);
    for (size_t i = 0; i < chain.count && status == AENC_OK; i++) {
        const char *new = aenc_arena_format(&arena, "%s.%zu", side, i + shift);
        const char *old = chain.sequence ? aenc_arena_format(&arena, "%s.%zu", side, i) : side;
        if (new == NULL || old == NULL)
            status = AENC_ERR_NO_MEMORY;
        else
            status = aenc_model_transplant(to, new, (struct model_path){from, old}, false);
    }
    aenc_arena_free(&arena);
    return status;
}

/* Whether what is added can start as the identity: relu is one on codes that come out of relu. */
static bool preserves(const struct aenc_model *model, struct chain added) {
    const struct json *dense = added.first;
    bool alone = added.count == 1 && strcmp(aenc_settings_type(dense), "dense") == 0 && model->code.rank == 1;
    if (!alone || aenc_json_member(dense, "init") != NULL || model->classes > 0) return false;
    const char *old = aenc_layers_activation(aenc_json_member(model->description, "encoder"));
    const char *new = activation_name(aenc_json_member(dense, "activation"));
    bool relu = strcmp(old, "relu") == 0;
    return (strcmp(new, "identity") == 0 || (relu && strcmp(new, "relu") == 0)) &&
           (relu || strcmp(old, "identity") == 0) &&
           aenc_json_member(dense, "units")->number >= (double)model->code_size;
}

/* The first `lines` rows of a weight (rows, columns), of those the first `lines` columns, become the identity. */
static void identity_write(struct aenc_model *model, const struct entry *weight, int64_t lines) {
    num *w = aenc_store_values(&model->store, weight);
    for (int64_t r = 0; r < lines; r++)
        for (int64_t c = 0; c < weight->shape.dim[1]; c++) w[r * weight->shape.dim[1] + c] = r == c ? 1 : 0;
}

static aenc_status identity_start(struct aenc_model *model, const struct aenc_model *old) {
    struct arena arena;
    size_t place = chain_of(aenc_json_member(old->description, "encoder")).count;
    aenc_arena_create(model->ctx, &arena);
    const char *names[] = {aenc_arena_format(&arena, "encoder.%zu.weight", place), "decoder.0.weight",
                           aenc_arena_format(&arena, "encoder.%zu.bias", place), "decoder.0.bias"};
    bool good = names[0] != NULL && names[2] != NULL;
    for (int i = 0; i < 4 && good; i++) {
        const struct entry *entry = aenc_store_find(&model->store, names[i]);
        if (entry == NULL) continue;
        if (i < 2)
            identity_write(model, entry, old->code_size);
        else
            memset(aenc_store_values(&model->store, entry), 0, (size_t)old->code_size * sizeof(num));
    }
    aenc_arena_free(&arena);
    return good ? AENC_OK : AENC_ERR_NO_MEMORY;
}

aenc_status aenc_model_deepen(const struct aenc_model *model, const struct json *layers, struct aenc_model **out) {
    struct arena arena;
    const struct json *description;
    struct chain added = chain_of(layers);
    struct aenc_model *deeper = NULL;
    size_t mirrored;
    *out = NULL;
    const struct json *bottleneck = aenc_json_member(model->description, "bottleneck");
    if (bottleneck != NULL)
        return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "aenc_model_grow: bottleneck '%s' makes the code",
                         aenc_settings_type(bottleneck));
    if (added.count == 0) return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_grow: there is no layer to add");
    aenc_arena_create(model->ctx, &arena);
    aenc_status status = describe(model, &arena, added, &mirrored, &description);
    if (status != AENC_OK) {
        aenc_arena_free(&arena);
        return status;
    }
    status = aenc_model_make(model->ctx, &arena, description, &deeper);
    if (status == AENC_OK) status = side_copy(deeper, model, "encoder", 0);
    if (status == AENC_OK) status = side_copy(deeper, model, "decoder", mirrored);
    if (status == AENC_OK)
        status = aenc_model_transplant(deeper, "scaling", (struct model_path){model, "scaling"}, false);
    if (status == AENC_OK && preserves(model, added)) status = identity_start(deeper, model);
    if (status == AENC_OK)
        *out = deeper;
    else
        aenc_model_release(deeper);
    return status;
}
