/* copy.c - numbers of one model for another, by name; and whole models. */
#include <string.h>

#include "io/message_text.h"
#include "model/model.h"

/* Where numbers go and come from. */
struct pair {
    struct entry *to;
    const struct entry *from;
};

static struct entry *counterpart(const struct aenc_model *model, struct arena *arena, const char *path,
                                 const char *rest, const char **name) {
    const char *dot = *path != '\0' && path[strlen(path) - 1] != '.' && *rest != '\0' ? "." : "";
    *name = aenc_arena_format(arena, "%s%s%s", path, dot, rest);
    return *name == NULL ? NULL : aenc_store_find(&model->store, *name);
}

static aenc_status shapes_differ(aenc_context *ctx, const struct entry *to, const struct entry *from) {
    return aenc_fail(ctx, AENC_ERR_SHAPE, "'%s' of shape %s cannot be copied to '%s' of shape %s", from->name,
                     aenc_dims(from->shape.dim, from->shape.rank, false).text, to->name,
                     aenc_dims(to->shape.dim, to->shape.rank, false).text);
}

/* Everything of `from` that lies below its path, with its counterpart; without one, or one of another shape, it is
 * refused where `whole`, else left out. */
static aenc_status pairs_find(struct aenc_model *dst, const struct model_path *from, const char *to, bool whole,
                              struct arena *arena, struct pair *pair, size_t *count) {
    const struct store *store = &from->model->store;
    *count = 0;
    for (size_t i = 0; i < store->entry_count; i++) {
        const struct entry *source = &store->entry[i];
        const char *rest = aenc_path_below(source->name, from->path), *name;
        if (rest == NULL) continue;
        struct entry *place = counterpart(dst, arena, to, rest, &name);
        if (name == NULL) return AENC_ERR_NO_MEMORY;
        bool same = place != NULL && place->kind == source->kind && aenc_shape_equal(&place->shape, &source->shape);
        bool kept = same && !whole && place->frozen && !source->frozen;
        const num *values = aenc_store_values(store, source);
        int64_t bad = same && place->range > source->range ? aenc_entry_bad(place, values) : -1;
        if (bad >= 0) return aenc_entry_refuse(dst->ctx, AENC_ERR_ARGUMENT, "a copy", place, bad, (double)values[bad]);
        if (same && !kept) pair[(*count)++] = (struct pair){place, source};
        if (same || !whole) continue;
        if (place != NULL && place->kind == source->kind) return shapes_differ(dst->ctx, place, source);
        return aenc_fail(dst->ctx, AENC_ERR_ARGUMENT, "the model copied to has no '%s' for '%s'", name, source->name);
    }
    if (*count > 0 || !whole) return AENC_OK;
    return aenc_fail(dst->ctx, AENC_ERR_ARGUMENT, "the model copied from has nothing called '%s'", from->path);
}

aenc_status aenc_model_transplant(struct aenc_model *dst, const char *to, struct model_path from, bool whole) {
    struct arena arena;
    size_t count = 0;
    aenc_arena_create(dst->ctx, &arena);
    struct pair *pair = aenc_arena_alloc(&arena, from.model->store.entry_count + 1, sizeof *pair);
    aenc_status status = pair == NULL ? AENC_ERR_NO_MEMORY : pairs_find(dst, &from, to, whole, &arena, pair, &count);
    if (status == AENC_OK) status = aenc_store_own(&dst->store);
    for (size_t i = 0; i < count && status == AENC_OK; i++) {
        if (!whole) pair[i].to->frozen = pair[i].from->frozen;
        if (aenc_scaling_entry(pair[i].to))
            dst->scaling_known = !aenc_scaling_entry(pair[i].from) || from.model->scaling_known;
        memmove(aenc_store_values(&dst->store, pair[i].to), aenc_store_values(&from.model->store, pair[i].from),
                (size_t)pair[i].to->count * sizeof(num));
    }
    aenc_arena_free(&arena);
    return status;
}

/* ---- Whole models ---- */

/* The model without its values yet. */
static aenc_status declared_copy(aenc_context *ctx, const struct aenc_model *from, struct aenc_model **out) {
    struct arena arena;
    const struct json *description;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_description_complete(ctx, &arena, from->description, &description);
    if (status == AENC_OK) return aenc_model_declare(ctx, &arena, description, out);
    aenc_arena_free(&arena);
    return status;
}

/* Plug-ins of another context may declare other parameters under the same names. */
static bool same_entries(const struct store *a, const struct store *b) {
    bool same = a->entry_count == b->entry_count;
    for (size_t i = 0; same && i < a->entry_count; i++)
        same = strcmp(a->entry[i].name, b->entry[i].name) == 0 && a->entry[i].kind == b->entry[i].kind &&
               aenc_shape_equal(&a->entry[i].shape, &b->entry[i].shape);
    return same;
}

aenc_status aenc_model_duplicate(aenc_context *ctx, const struct aenc_model *model, struct aenc_model **out) {
    struct aenc_model *copy = NULL;
    const struct store *from = &model->store;
    aenc_status status = declared_copy(ctx, model, &copy);
    if (status == AENC_OK && !same_entries(&copy->store, from))
        status =
            aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "a plug-in of this context has other parameters than the model's");
    if (status == AENC_OK && ctx == model->ctx)
        aenc_store_share(&copy->store, from);
    else if (status == AENC_OK)
        status = aenc_store_allocate_zero(&copy->store);
    if (status == AENC_OK && ctx != model->ctx) {
        memcpy(copy->store.parameter, from->parameter, (size_t)from->parameter_size * sizeof(num));
        memcpy(copy->store.state, from->state, (size_t)from->state_size * sizeof(num));
    }
    for (size_t i = 0; status == AENC_OK && i < from->entry_count; i++)
        copy->store.entry[i].frozen = from->entry[i].frozen;
    if (status == AENC_OK) {
        copy->scaling_known = model->scaling_known;
        *out = copy;
    } else {
        aenc_model_release(copy);
    }
    return status;
}
